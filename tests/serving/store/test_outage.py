"""Databases that are locked, full, read-only, removed, stopped; and that they recover."""

import os
import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.serving.postgresql import Cluster, run_cluster

from foreseen.serving.store import (
    ConflictError,
    Impression,
    Store,
    StoredRating,
    StoreUnavailableError,
)

RATING = StoredRating(318, 4.5, 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.db"


@pytest.fixture
def sqlite(file: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{file}")
    yield opened
    opened.close()


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Hold the lock of an SQLite file, as another program may do."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_file_is_read_at_once_and_written_again_when_it_is_free(
    sqlite: Store, file: Path
) -> None:
    user = sqlite.add_guest(1).id
    sqlite.open_session("digest", user, 100)
    sqlite.rate(user, [RATING])
    with locked(file):
        start = time.monotonic()
        assert sqlite.ratings(user) == [RATING]
        assert sqlite.session_user("digest", 1) is not None
        assert sqlite.ready()
        assert time.monotonic() - start < 1
        with pytest.raises(StoreUnavailableError, match="locked"):
            sqlite.rate(user, [StoredRating(1, 1.0, 1)])
        assert time.monotonic() - start < 4
        again = Store(f"sqlite:///{file}")
        assert again.ratings(user) == [RATING]
        again.close()
    assert sqlite.rate(user, [StoredRating(1, 1.0, 1)]) == 1


def test_what_no_response_depends_on_is_given_up_soon_and_logged_in_one_line(
    sqlite: Store, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = sqlite.add_guest(1).id
    sqlite.open_session("digest", user, 100)
    with locked(file):
        start = time.monotonic()
        sqlite.renew_session("digest", 200)
        sqlite.add_impression(user, Impression(1, "rating", 1, (1, 2)))
        assert time.monotonic() - start < 1
        sqlite.delete_expired(10_000)
    assert [record.getMessage() for record in caplog.records] == [
        f"{what} is not stored: the database is unavailable (database is locked)"
        for what in (
            "the renewal of a session",
            "a ranking that was shown",
            "the deletion of expired sessions",
        )
    ]
    assert [record.exc_info for record in caplog.records] == [None, None, None]
    sqlite.add_impression(user, Impression(1, "rating", 1, (1, 2)))
    assert len(sqlite.impressions(user)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_full_disk_loses_nothing_and_is_recovered_from(sqlite: Store, file: Path) -> None:
    import resource

    user = sqlite.add_guest(1).id
    sqlite.rate(user, [RATING])
    many = [StoredRating(movie, 3.0, movie) for movie in range(1, 5000)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Writing beyond this size fails, as on a full disk.
    size = max(path.stat().st_size for path in file.parent.iterdir()) + 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(StoreUnavailableError):
            sqlite.rate(user, many)
        assert sqlite.ratings(user) == [RATING]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sqlite.rate(user, many)
    assert len(sqlite.ratings(user)) == len(many)


def test_a_file_that_is_full_is_reported(sqlite: Store) -> None:
    user = sqlite.add_guest(1).id

    def bound(pages: int) -> None:
        with sqlite._reading() as connection:  # pyright: ignore[reportPrivateUsage]
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    bound(1)
    many = [StoredRating(movie, 3.0, movie) for movie in range(1, 5000)]
    with pytest.raises(StoreUnavailableError, match="full"):
        sqlite.rate(user, many)
    assert sqlite.ratings(user) == []
    bound(1_000_000)
    assert sqlite.rate(user, many) == len(many)


@pytest.mark.skipif("not hasattr(os, 'fork') or os.geteuid() != 0", reason="needs another user")
def test_a_file_that_is_read_only_is_read_and_written_again_when_it_is_writable(
    sqlite: Store, file: Path
) -> None:
    user = sqlite.add_guest(1).id
    sqlite.rate(user, [RATING])
    file.parent.chmod(0o777)
    for path in file.parent.iterdir():
        path.chmod(0o444)
    nobody = 65534
    for parent in file.parent.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(nobody)
    try:
        sqlite.close()
        assert sqlite.ratings(user) == [RATING]
        with pytest.raises(StoreUnavailableError, match="readonly"):
            sqlite.rate(user, [StoredRating(1, 1.0, 1)])
        os.seteuid(0)
        for path in file.parent.iterdir():
            path.chmod(0o666)
        os.seteuid(nobody)
        assert sqlite.rate(user, [StoredRating(1, 1.0, 1)]) == 1
    finally:
        os.seteuid(0)


@pytest.mark.skipif("os.name == 'nt'", reason="Windows does not move open files")
def test_nothing_is_stored_in_a_file_that_was_moved_away(sqlite: Store, file: Path) -> None:
    user = sqlite.add_guest(1).id
    sqlite.rate(user, [RATING])
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    moved = file.with_suffix(".moved")
    file.rename(moved)
    with pytest.raises(StoreUnavailableError):
        sqlite.rate(user, [StoredRating(1, 1.0, 1)])
    assert not sqlite.ready()
    assert not file.exists()
    moved.rename(file)
    assert sqlite.rate(user, [StoredRating(1, 1.0, 1)]) == 1
    assert len(sqlite.ratings(user)) == 2


def test_a_damaged_file_is_unavailable_without_sql_in_the_message(
    sqlite: Store, file: Path
) -> None:
    user = sqlite.add_guest(1).id
    sqlite.rate(user, [StoredRating(movie, 3.0, movie) for movie in range(1, 5000)])
    sqlite.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StoreUnavailableError) as raised:
        sqlite.ratings(user)
    assert "SELECT" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_change_of_a_deleted_users_data_is_a_conflict(store: Store) -> None:
    user = store.add_guest(1).id
    store.delete_user(user)
    with pytest.raises(ConflictError) as raised:
        store.rate(user, [RATING])
    assert "INSERT" not in str(raised.value)
    assert str(user) not in str(raised.value)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with run_cluster() as running:
        yield running


def test_a_stopped_server_is_unavailable_and_works_again_after_its_start(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    store = Store(cluster.url)
    user = store.add_guest(1).id
    store.rate(user, [RATING])
    cluster.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailableError) as raised:
            store.ratings(user)
        assert "\n" not in str(raised.value)
        with pytest.raises(StoreUnavailableError):
            store.rate(user, [RATING])
    assert not store.ready()
    cluster.start()
    assert store.ratings(user) == [RATING]
    store.rate(user, [StoredRating(1, 1.0, 1)])
    store.close()
    assert caplog.records == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_server_that_is_killed_during_a_transaction_is_unavailable(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(cluster.url)
    user = store.add_guest(1).id

    def write() -> None:
        with store._writing() as connection:  # pyright: ignore[reportPrivateUsage]
            connection.exec_driver_sql("SELECT 1")
            cluster.kill()

    with pytest.raises(StoreUnavailableError):
        write()
    cluster.start()
    assert store.rate(user, [RATING]) == 1
    store.close()
    assert [record.exc_info for record in caplog.records if record.exc_info] == []


def test_waiting_for_a_lock_of_postgresql_is_bounded(cluster: Cluster) -> None:
    store, other = Store(cluster.url), Store(cluster.url)
    user = store.add_guest(1).id
    store.open_session("digest", user, 100)
    with other._writing() as connection:  # pyright: ignore[reportPrivateUsage]
        connection.exec_driver_sql("LOCK TABLE users, sessions, ratings IN SHARE MODE")
        start = time.monotonic()
        assert store.session_user("digest", 1) is not None
        store.renew_session("digest", 200)
        assert time.monotonic() - start < 1
        with pytest.raises(StoreUnavailableError, match="lock timeout"):
            store.rate(user, [RATING])
        assert time.monotonic() - start < 5
    assert store.rate(user, [RATING]) == 1
    store.close()
    other.close()
