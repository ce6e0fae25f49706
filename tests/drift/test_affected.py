"""The ratings that a change concerns."""

import numpy as np
import pytest

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.drift.affected import affected_ratings
from foreseen.drift.occurrences import earlier_occurrences
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.features.interaction_log import InteractionLog


@pytest.fixture(scope="module")
def inputs(small: Tables) -> StreamInputs:
    return StreamInputs(InteractionLog.of(small.ratings, Catalogue.of(small.movies)))


def test_a_change_of_a_genre_concerns_its_ratings(inputs: StreamInputs) -> None:
    log = inputs.log
    genre = log.catalogue.genre_names.index("Comedy")
    expected = log.catalogue.genres[log.movie, genre] > 0
    for kind in ("taste", "share"):
        affected = affected_ratings(inputs, kind, "Comedy")
        assert affected is not None
        assert affected is not None
    assert np.array_equal(affected, expected)


def test_a_change_of_new_users_concerns_their_first_ratings(inputs: StreamInputs) -> None:
    log = inputs.log
    affected = affected_ratings(inputs, "level", "new users")
    assert affected is not None
    assert np.array_equal(affected, earlier_occurrences(log.user.astype(np.int64)) < 20)


def test_a_change_of_a_movie_concerns_its_ratings(inputs: StreamInputs) -> None:
    log = inputs.log
    row = int(np.argmax(np.bincount(log.movie)))
    affected = affected_ratings(inputs, "movie", log.catalogue.titles[row])
    assert affected is not None
    assert np.array_equal(affected, log.movie == row)


@pytest.mark.parametrize(
    ("kind", "label"),
    [("level", "all"), ("spread", "all"), ("scale", "width"), ("own", "anything")],
)
def test_any_other_change_concerns_all_ratings(inputs: StreamInputs, kind: str, label: str) -> None:
    assert affected_ratings(inputs, kind, label) is None
