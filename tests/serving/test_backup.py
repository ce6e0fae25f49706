"""Backups: models, database and secret return together, or nothing changes."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import zipfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.conftest import random_ratings, ratings_of, tables_of
from tests.faults.injection import ON_WINDOWS, flip, flipped, full_disk
from tests.serving.api.calls import open_guest
from tests.serving.conftest import ignore

from foreseen.errors import ForeseenError, InputError, ModelFolderError
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.app import create_app
from foreseen.serving.backup import back_up, restore
from foreseen.serving.locations import default_database, secret_file
from foreseen.serving.server import find_secret
from foreseen.serving.store import Store, StoredRating

NEW = ratings_of((9001, 1, 5.0, 2_000_000_000))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two versions and an observed rating, a database of a guest, and a secret."""
    folder = tmp_path_factory.mktemp("backup") / "m"
    model = train(tables_of(random_ratings(0, 200)), "bias")
    versions.save_model(model, folder)
    with versions.write_lock(folder):
        versions.save_log(versions.load_model(folder).observe(NEW), folder)
        versions.promote(folder, versions.add_version(folder, model, 1, "a test"), "a test")
    find_secret("127.0.0.1", folder)
    store = Store(default_database(folder))
    store.rate(store.add_guest(1).id, [StoredRating(1, 4.0, 1)])
    store.close()
    return folder


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the folder, with database and secret beside it."""
    shutil.copytree(tiny.parent, tmp_path / "here")
    return tmp_path / "here" / "m"


def content(folder: Path) -> dict[str, bytes]:
    """Return the files in the folder of a folder of models, locks and logs of SQLite left out."""
    return {
        str(file.relative_to(folder.parent)): file.read_bytes()
        for file in sorted(folder.parent.rglob("*"))
        if file.is_file() and file.suffix != ".lock" and not file.name.endswith(("-shm", "-wal"))
    }


@contextmanager
def serving(folder: Path, database: str) -> Generator[TestClient]:
    """Serve a folder with the secret beside it."""
    secret = find_secret("127.0.0.1", folder)
    with TestClient(create_app(folder, Store(database), secret)) as client:
        yield client


def test_a_guest_returns_to_a_restored_server(
    tiny: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drill: rate as a guest, back up, lose everything, restore, and go on."""
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
    folder = tmp_path / "here" / "m"
    shutil.copytree(tiny, folder)
    with serving(folder, url) as client:
        headers = open_guest(client)
        for movie, rating in ((1, 5), (2, 1)):
            client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
        cookies = dict(client.cookies)
        ratings = client.get("/api/v1/me/ratings").json()
        ranking = client.get("/api/v1/me/recommendations").json()
        assert len(ratings["ratings"]) == 2
        # While the server runs.
        manifest = back_up(folder, tmp_path / "backup.zip", url)
        client.put("/api/v1/me/ratings/3", json={"rating": 3}, headers=headers)
    assert manifest.database == ("sqlite" if url.startswith("sqlite") else "postgresql")
    shutil.rmtree(folder.parent)
    destroy(url)
    restore(tmp_path / "backup.zip", tmp_path / "there" / "m", url)
    with serving(tmp_path / "there" / "m", url) as client:
        client.cookies.update(cookies)
        assert client.get("/api/v1/me/ratings").json() == ratings
        assert client.get("/api/v1/me/recommendations").json() == ranking
        entry = client.put("/api/v1/me/ratings/4", json={"rating": 3}, headers=headers)
        assert entry.status_code == 200


def destroy(url: str) -> None:
    """Delete all of a database."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink()
        return
    from sqlalchemy import create_engine, text

    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def test_a_restored_folder_has_the_files_of_the_one_backed_up(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup.zip", None)
    there = tmp_path / "there" / "m"
    restore(tmp_path / "backup.zip", there, None)
    before, after = content(folder), content(there)
    assert before.pop("m.db")
    assert after.pop("m.db")
    assert after == before
    with closing(sqlite3.connect(there.with_name("m.db"))) as database:
        assert database.execute("SELECT movie_id, rating FROM ratings").fetchall() == [(1, 4.0)]
    assert versions.load_model(there).log.ratings.tail(1).equals(NEW)
    assert [version.number for version in versions.list_versions(there)] == [1, 2]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_reads_a_backup_and_what_is_restored_from_it(
    folder: Path, tmp_path: Path
) -> None:
    out, there = tmp_path / "backup.zip", tmp_path / "there" / "m"
    out.touch(mode=0o644)
    back_up(folder, out, None)
    restore(out, there, None)
    for file in (out, secret_file(there), there.with_name("m.db")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((there / "current").stat().st_mode) == 0o644


def test_a_folder_that_was_never_served_has_neither_database_nor_secret(
    tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny, tmp_path / "here" / "m")
    manifest = back_up(tmp_path / "here" / "m", tmp_path / "backup.zip", None)
    assert manifest.database is None
    restore(tmp_path / "backup.zip", tmp_path / "there" / "m", None)
    assert {path.name for path in (tmp_path / "there").iterdir()} <= {"m", ".m.lock"}
    with pytest.raises(InputError, match="has no database; leave out --db"):
        restore(tmp_path / "backup.zip", tmp_path / "other" / "m", "sqlite:///x.db")


def test_a_damaged_source_is_not_backed_up(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "backup.zip"
    with pytest.raises(InputError, match="does not exist"):
        back_up(folder, out, f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(InputError, match="name a file elsewhere"):
        back_up(folder, folder / "backup.zip", None)
    database = folder.with_name("m.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = bytearray(database.read_bytes())
    pages[2 * 4096 :] = bytes(len(pages) - 2 * 4096)
    database.write_bytes(pages)
    with pytest.raises(ForeseenError, match=r"m\.db is damaged"):
        back_up(folder, out, None)
    database.write_bytes(b"no database")
    with pytest.raises(ForeseenError, match=r"m\.db cannot be copied .*not a database"):
        back_up(folder, out, None)
    flip(folder / "log" / "0002" / "ratings.parquet")
    with pytest.raises(ModelFolderError, match=r"ratings\.parquet is damaged"):
        back_up(folder, out, None)
    assert {path.name for path in tmp_path.iterdir()} == {"here"}


def test_an_error_without_a_code_of_the_database_is_reported_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_closed(source: Path, file: Path) -> None:
        connection = sqlite3.connect(source)
        connection.close()
        connection.backup(sqlite3.connect(file))

    monkeypatch.setattr("foreseen.serving.store.backup._copy_sqlite", copy_closed)
    with pytest.raises(ForeseenError, match=r"m\.db cannot be copied \(.*closed database"):
        back_up(folder, tmp_path / "backup.zip", None)


def test_no_flipped_bit_of_a_backup_is_restored(folder: Path, tmp_path: Path) -> None:
    out, there = tmp_path / "backup.zip", tmp_path / "there" / "m"
    back_up(folder, out, None)
    whole = out.read_bytes()
    before, unnoticed = content(folder), 0
    before.pop("m.db")
    for place in range(0, len(whole), len(whole) // 25):
        out.write_bytes(flipped(whole, place))
        try:
            restore(out, there, None)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert not any(there.parent.glob("[!.]*"))
            continue
        # Some fields of a zip, such as times, have no effect.
        after = content(there)
        after.pop("m.db")
        assert after == before
        unnoticed += 1
        shutil.rmtree(there.parent)
    assert unnoticed < 8


def test_a_backup_with_a_member_before_its_start_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "backup.zip"
    back_up(folder, out, None)
    whole = bytearray(out.read_bytes())
    field = whole.rindex(b"PK\5\6") + 16
    begins = int.from_bytes(whole[field : field + 4], "little")
    whole[field : field + 4] = (begins + (1 << 30)).to_bytes(4, "little")
    out.write_bytes(whole)
    with pytest.raises(InputError, match=r"backup\.zip.*use another"):
        restore(out, tmp_path / "there" / "m", None)


def rewritten(file: Path, changes: dict[str, bytes | None]) -> Path:
    """Return a copy of a backup with other or further members, or without some."""
    other = file.with_name("other.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, data in changes.items():
            if data is not None:
                new.writestr(name, data)
    return other


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"../evil": b"x"}, "a member outside of a backup"),
        ({"/etc/evil": b"x"}, "a member outside of a backup"),
        ({"model/../../evil": b"x"}, "a member outside of a backup"),
        ({"model/.hidden": b"x"}, "a member outside of a backup"),
        ({"C:\\evil": b"x"}, "a member outside of a backup"),
        ({"model/evil": b"x"}, "does not list its files"),
        ({"secret": None}, "does not list its files"),
        ({"secret": b"short"}, "secret does not match its checksum"),
        ({"secret": bytes(100_000_000)}, "secret does not match its checksum"),
        ({"manifest.json": None}, "is no backup of Foreseen"),
        ({"manifest.json": b"\xff"}, "manifest.json is damaged"),
        ({"manifest.json": b"{}"}, "manifest.json is damaged or of a newer version"),
        ({"manifest.json": b'{"made": 1, "database": null, "files": {}}'}, "does not list"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_archive_with_other_members_is_refused(
    folder: Path, tmp_path: Path, changes: dict[str, bytes | None], reason: str
) -> None:
    back_up(folder, tmp_path / "backup.zip", None)
    other, there = rewritten(tmp_path / "backup.zip", changes), tmp_path / "there" / "m"
    with pytest.raises(InputError, match=reason):
        restore(other, there, None)
    assert not there.parent.exists() or {path.name for path in there.parent.iterdir()} <= {
        ".m.lock"
    }
    assert not (tmp_path / "evil").exists()


def test_a_file_that_is_no_backup_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.zip cannot be read"):
        restore(tmp_path / "none.zip", tmp_path / "m", None)
    back_up(folder, tmp_path / "backup.zip", None)
    whole = (tmp_path / "backup.zip").read_bytes()
    for data in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "part.zip").write_bytes(data)
        with pytest.raises(InputError, match="is no complete backup"):
            restore(tmp_path / "part.zip", tmp_path / "m", None)


@pytest.mark.parametrize("name", ["m", "m.db", "m.db-wal", "m.secret"])
def test_nothing_that_exists_is_replaced(folder: Path, tmp_path: Path, name: str) -> None:
    back_up(folder, tmp_path / "backup.zip", None)
    there = tmp_path / "there" / "m"
    there.parent.mkdir()
    if name == "m":
        there.mkdir()
        (there / "current").write_text("mine")
    else:
        (there.parent / name).write_text("mine")
    before = content(there)
    with pytest.raises(InputError, match="exists; "):
        restore(tmp_path / "backup.zip", there, None)
    assert content(there) == before


def test_an_interrupted_restoration_is_completed_by_the_next(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "backup.zip", None)
    there = tmp_path / "there" / "m"
    restore(tmp_path / "backup.zip", there, None)
    whole = content(there)
    shutil.rmtree(there)
    (there.parent / ".m.abc.draft").mkdir()
    restore(tmp_path / "backup.zip", there, None)
    assert content(there) == whole
    assert not (there.parent / ".m.abc.draft").exists()
    secret_file(there).unlink()
    restore(tmp_path / "backup.zip", there, None)
    assert content(there) == whole


@ON_WINDOWS
def test_on_a_full_disk_neither_backup_nor_restoration_leaves_anything(
    folder: Path, tmp_path: Path
) -> None:
    out, there = tmp_path / "backup.zip", tmp_path / "there" / "m"
    back_up(folder, out, None)
    old = out.read_bytes()
    with full_disk(2000), pytest.raises((OSError, ForeseenError)):
        back_up(folder, out, None)
    with full_disk(2000), pytest.raises(OSError, match="File too large"):
        restore(out, there, None)
    assert out.read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"here", "there", "backup.zip"}
    assert {path.name for path in there.parent.iterdir()} == {".m.lock"}


def test_a_failed_last_step_undoes_the_others(
    folder: Path, tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroy(postgresql)
    Store(postgresql).close()
    back_up(folder, tmp_path / "backup.zip", postgresql)
    there = tmp_path / "there" / "m"
    with pytest.raises(InputError, match="database is in use; name an empty one"):
        restore(tmp_path / "backup.zip", there, postgresql)
    with pytest.raises(InputError, match="has a database of postgresql; name one of it"):
        restore(tmp_path / "backup.zip", there, None)
    destroy(postgresql)
    wrong = tmp_path / "bin" / "pg_restore"
    wrong.parent.mkdir()
    wrong.write_text("#!/bin/sh\necho 'pg_restore: error: out of space' >&2\nexit 1\n")
    wrong.chmod(0o755)
    monkeypatch.setenv("PATH", str(wrong.parent), prepend=os.pathsep)
    with pytest.raises(ForeseenError, match="out of space"):
        restore(tmp_path / "backup.zip", there, postgresql)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ForeseenError, match="pg_restore is not installed"):
        restore(tmp_path / "backup.zip", there, postgresql)
    with pytest.raises(ForeseenError, match="pg_dump is not installed"):
        back_up(folder, tmp_path / "other.zip", postgresql)
    assert {path.name for path in there.parent.iterdir()} == {".m.lock"}
    monkeypatch.undo()
    restore(tmp_path / "backup.zip", there, postgresql)
    assert versions.load_model(there)


def test_a_password_is_not_among_the_arguments_of_a_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "bin" / "pg_dump"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\necho "$@ $PGPASSWORD" > "$0.seen"\nexit 0\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    url = "postgresql+psycopg://ann:p%40ss@localhost:1/name"
    back_up(folder, tmp_path / "backup.zip", url)
    *arguments, password = Path(f"{script}.seen").read_text().split()
    assert password == "p@ss"  # noqa: S105 - the one of this test
    assert not any("p@ss" in word or "p%40ss" in word for word in arguments)
    assert "--dbname=postgresql://ann@localhost:1/name" in arguments


def test_the_manifest_of_a_backup_lists_checksums_that_sha256sum_prints(
    folder: Path, tmp_path: Path
) -> None:
    back_up(folder, tmp_path / "backup.zip", None)
    with zipfile.ZipFile(tmp_path / "backup.zip") as bundle:
        document = json.loads(bundle.read("manifest.json"))
    file = folder / "log" / "0002" / "ratings.parquet"
    expected = document["files"]["model/log/0002/ratings.parquet"]["sha256"]
    if shutil.which("sha256sum"):
        printed = subprocess.run(
            ["sha256sum", str(file)],  # noqa: S607
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert printed.stdout.split()[0] == expected


def test_a_degraded_server_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
    with serving(folder, default_database(folder)) as client:
        assert "degraded" not in client.get("/ready").json()
        assert client.get("/api/v1/model").json()["degraded"] is False
    flip(folder / "versions" / "0002" / "weights.safetensors")
    with serving(folder, default_database(folder)) as client:
        assert client.get("/ready").json() == {"status": "ready", "version": 1, "degraded": True}
        status = client.get("/api/v1/model").json()
        assert (status["degraded"], status["current"]) == (True, 1)
