"""Snapshots of a model."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.errors import ModelFolderError
from foreseen.registry import versions
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating


def test_a_snapshot_is_loaded_with_the_version_and_revision_of_its_folder(
    snapshot: ModelSnapshot, trained: Path
) -> None:
    assert snapshot.version == versions.read_version(trained)
    assert snapshot.revision == versions.revision(trained)
    assert snapshot.now == snapshot.model.log.end


def test_later_snapshots_have_higher_serials(snapshot: ModelSnapshot) -> None:
    again = ModelSnapshot(snapshot.model, snapshot.version, snapshot.links, snapshot.revision)
    assert again.serial > snapshot.serial


def test_rows_and_ids_are_inverse_and_an_unknown_movie_has_no_row(snapshot: ModelSnapshot) -> None:
    assert [snapshot.row(int(movie)) for movie in snapshot.ids[:20]] == list(range(20))
    assert snapshot.row(-5) is None
    assert snapshot.rows([int(snapshot.ids[3]), -5, int(snapshot.ids[0])]) == [3, 0]
    assert snapshot.rows([]) == []


def test_statistics_of_movies_are_those_of_the_ratings_of_the_log(snapshot: ModelSnapshot) -> None:
    log = snapshot.model.log
    row = int(np.argmax(snapshot.views))
    rating = log.rating[log.movie == row]
    assert snapshot.views[row] == len(rating)
    assert snapshot.means[row] == pytest.approx(rating.mean())
    assert snapshot.rating_deviations[row] == pytest.approx(rating.std())
    assert snapshot.like_counts[row] == (rating >= 4).sum()
    unrated = int(np.argmin(snapshot.views))
    assert snapshot.views[unrated] == 0
    assert np.isnan(snapshot.means[unrated])
    assert snapshot.rating_deviations[unrated] == snapshot.like_counts[unrated] == 0


@given(offsets=st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_a_history_ends_before_now_and_keeps_its_order_and_its_past(
    snapshot: ModelSnapshot, offsets: list[int]
) -> None:
    moments = sorted(snapshot.now + offset for offset in offsets)
    rated = [StoredRating(n + 1, 3.5, moment) for n, moment in enumerate(moments)]
    history = snapshot.history(rated)
    assert history.movies.tolist() == [entry.movie for entry in rated]
    assert history.ratings.tolist() == [entry.rating for entry in rated]
    shifted = history.timestamps.tolist()
    assert shifted == sorted(shifted)
    assert all(moment < snapshot.now for moment in shifted)
    past = [moment for moment in moments if moment < snapshot.now]
    assert shifted[: len(past)] == past


def test_ratings_after_the_end_of_the_log_are_shifted_together(snapshot: ModelSnapshot) -> None:
    moments = [snapshot.now - 500, snapshot.now + 1000, snapshot.now + 1060]
    history = snapshot.history([StoredRating(1, 4.0, moment) for moment in moments])
    expected = [snapshot.now - 500, snapshot.now - 61, snapshot.now - 1]
    assert history.timestamps.tolist() == expected


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError):
        ModelSnapshot.load(tmp_path)
