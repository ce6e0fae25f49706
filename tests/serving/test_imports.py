"""Import of ratings from another service's export."""

import time
from pathlib import Path

import pytest
from tests.data.samples import LETTERBOXD, zipped

from foreseen.errors import DataError
from foreseen.serving.imports import store_export
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store, StoredRating

MATRIX, GOOD_BAD_UGLY = 2571, 1201
MARCH_2021 = 1_615_075_200


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ratings.db'}"


@pytest.fixture
def user(store: Store) -> int:
    return store.add_guest(1).id


def import_letterboxd(store: Store, snapshot: ModelSnapshot, user: int) -> int:
    data = zipped(**{"ratings.csv": LETTERBOXD})
    index = snapshot.title_index
    report, changed = store_export(store, index, user, data, "export.zip", "letterboxd")
    assert len(report.matched) == 2
    return changed


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
        store_export(store, snapshot.title_index, user, b"a,b\n1,2\n", "x.csv", "letterboxd")
    assert store.ratings(user) == store.imports(user) == []
