"""Import of ratings from another service's export."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from tests.data.samples import LETTERBOXD, zipped
from tests.data.sources.export_samples import EXPORTS

from foreseen.data.sources.exports import Provider
from foreseen.errors import DataError
from foreseen.serving import imports
from foreseen.serving.bounded_pool import OverloadedError
from foreseen.serving.imports import ImportedCounts, Imports
from foreseen.serving.problems import ProblemError
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store, StoredRating
from foreseen.serving.uploads import MatchedExport, Upload, match_upload

MATRIX, GOOD_BAD_UGLY = 2571, 1201
MARCH_2021 = 1_615_075_200
LINE = "2021-03-07,No such film,1999,x,4.5\r\n"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ratings.db'}"


@pytest.fixture
def user(store: Store) -> int:
    return store.add_guest(1).id


def run(
    store: Store, snapshot: ModelSnapshot, user: int, data: bytes
) -> tuple[MatchedExport, ImportedCounts]:
    upload = Upload(data, "export", "letterboxd", {})
    return asyncio.run(Imports(store, "key").run(upload, snapshot, user, "192.0.2.1"))


def import_letterboxd(store: Store, snapshot: ModelSnapshot, user: int) -> int:
    matched, counts = run(store, snapshot, user, zipped(**{"ratings.csv": LETTERBOXD}))
    assert len(matched.ratings) == 2
    return counts.changed


def test_matched_ratings_are_stored_once_and_the_import_is_recorded(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    assert [import_letterboxd(store, snapshot, user) for _ in range(2)] == [2, 0]
    stored = {entry.movie: entry.rating for entry in store.ratings(user)}
    assert stored == {MATRIX: 4.5, GOOD_BAD_UGLY: 5.0}
    assert [entry["changed"] for entry in store.imports(user)] == [2, 0]
    assert {entry["service"] for entry in store.imports(user)} == {"letterboxd"}


def test_a_later_rating_in_the_store_is_kept_and_an_earlier_one_replaced(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    later = StoredRating(MATRIX, 1.0, int(time.time()))
    earlier = StoredRating(GOOD_BAD_UGLY, 1.0, MARCH_2021 - 400 * 86_400)
    store.rate(user, [later, earlier])
    assert import_letterboxd(store, snapshot, user) == 1
    stored = {entry.movie: entry.rating for entry in store.ratings(user)}
    assert stored == {MATRIX: 1.0, GOOD_BAD_UGLY: 5.0}


def test_a_file_of_another_layout_is_refused_and_nothing_is_stored(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    with pytest.raises(DataError):
        run(store, snapshot, user, b"a,b\n1,2\n")
    assert store.ratings(user) == store.imports(user) == []


def test_a_large_file_is_read_in_another_process(
    store: Store, snapshot: ModelSnapshot, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> MatchedExport:
        raise AssertionError(f"read in process {os.getpid()}")

    monkeypatch.setattr(match_upload, "__code__", refuse.__code__)
    matched, counts = run(store, snapshot, user, (LETTERBOXD + LINE * 5000).encode())
    assert (counts.changed, matched.counts["missing"]) == (2, 5000)


def test_a_file_that_takes_too_long_is_refused(
    store: Store, snapshot: ModelSnapshot, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_SECONDS", 0.01)
    with pytest.raises(ProblemError, match="too much time"):
        run(store, snapshot, user, (LETTERBOXD + LINE * 50_000).encode())
    assert store.imports(user) == []


def test_imports_are_limited_per_user_and_per_address(
    store: Store, snapshot: ModelSnapshot, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_USER_LIMIT", 2)
    monkeypatch.setattr(imports, "_ADDRESS_LIMIT", 3)
    others = [store.add_guest(1).id for _ in range(2)]
    for importing in (user, user, others[0]):
        import_letterboxd(store, snapshot, importing)
    for importing in (user, others[1]):
        with pytest.raises(ProblemError) as refused:
            import_letterboxd(store, snapshot, importing)
        assert refused.value.status == 429
        assert refused.value.retry_after is not None
        assert 3500 < refused.value.retry_after <= 3600


def test_imports_beyond_those_that_wait_are_refused(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    async def run_many() -> list[tuple[MatchedExport, ImportedCounts] | BaseException]:
        running = Imports(store, "key")
        upload = Upload(LETTERBOXD.encode(), "r.csv", "letterboxd", {})
        calls = [running.run(upload, snapshot, user, "192.0.2.1") for _ in range(6)]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(run_many())
    assert [isinstance(outcome, OverloadedError) for outcome in outcomes] == [False] * 4 + [
        True
    ] * 2


@pytest.mark.parametrize("service", EXPORTS)
def test_the_export_of_any_service_is_recognised_and_recorded(
    store: Store, snapshot: ModelSnapshot, user: int, service: Provider
) -> None:
    data = EXPORTS[service].encode()
    upload = Upload(data, "export", None, {})
    matched, counts = asyncio.run(Imports(store, "key").run(upload, snapshot, user, "192.0.2.1"))
    assert (matched.service, counts.changed) == (service, 2 if service == "simkl" else 1)
    assert {entry["service"] for entry in store.imports(user)} == {service}


def test_a_file_of_which_nothing_matches_is_refused_and_nothing_is_stored(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    with pytest.raises(DataError, match="no rating matches a movie of the catalogue"):
        run(store, snapshot, user, LETTERBOXD.splitlines()[0].encode() + b"\n" + LINE.encode())
    assert store.ratings(user) == store.imports(user) == []


WATCHED = "Date,Name,Year,Letterboxd URI\r\n2021-03-07,{},{},x\r\n"


def test_the_lists_of_an_export_are_stored_once_and_rated_movies_are_not_added_to_the_seen_ones(
    store: Store, snapshot: ModelSnapshot, user: int
) -> None:
    pulp, alien = 296, 1214
    store.rate(user, [StoredRating(alien, 4.0, MARCH_2021)])
    data = zipped(
        **{
            "ratings.csv": LETTERBOXD,
            "watched.csv": WATCHED.format("Pulp Fiction", 1994)
            + "2021-03-07,Alien,1979,x\r\n2021-03-07,The Matrix,1999,x\r\n",
            "watchlist.csv": WATCHED.format("Fargo", 1996),
        }
    )
    for changed, added in ((2, {"seen": 1, "watchlist": 1}), (0, {"seen": 0, "watchlist": 0})):
        matched, counts = run(store, snapshot, user, data)
        assert (counts.changed, counts.added) == (changed, added)
        assert matched.counts == {"matched": 5, "ambiguous": 0, "missing": 0}
    lists = store.lists(user)
    assert [(entry.movie, entry.at) for entry in lists["seen"]] == [(pulp, MARCH_2021)]
    assert [entry.movie for entry in lists["watchlist"]] == [608]
    assert [entry["changed"] for entry in store.imports(user)] == [4, 0]
