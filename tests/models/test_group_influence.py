"""How far a coordinated group of users can have raised a prediction."""

import numpy as np
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.features import movie_statistics as movies_at
from foreseen.features.interaction_log import MOVIE_DAMPING, InteractionLog
from foreseen.models.group_influence import GroupInfluence


def item_biases(log: InteractionLog, before: int) -> np.ndarray:
    states = log.movie_states(before)
    return states[:, movies_at.OFFSETS] / (states[:, movies_at.COUNT] + MOVIE_DAMPING)


def test_without_the_most_favourable_rater_the_item_bias_is_lower_by_the_influence(
    log: InteractionLog,
) -> None:
    # Sixty users: one per cent, rounded up, is one user.
    influence = GroupInfluence(log).before(log.end)
    bias = item_biases(log, log.end)
    row = int(np.argmax(log.views(log.end)))
    offsets = log.movies.offsets[log.movies.starts[row] : log.movies.starts[row + 1]]
    rest = (offsets.sum() - offsets.max()) / (len(offsets) - 1 + MOVIE_DAMPING)
    assert influence[row] == pytest.approx(bias[row] - rest)
    assert influence.min() >= 0
    assert (influence[log.views(log.end) == 0] == 0).all()


def test_a_movie_rated_by_a_group_alone_keeps_nothing_of_its_bias() -> None:
    ratings = ratings_of((1, 1, 3.0, 10), (2, 1, 3.5, 20), (3, 2, 5.0, 30))
    log = InteractionLog.of(ratings, Catalogue.of(tables_of(ratings).movies))
    influence, bias = GroupInfluence(log).before(log.end), item_biases(log, log.end)
    assert bias[1] > 0
    assert influence[1] == pytest.approx(bias[1])


def test_only_ratings_before_the_moment_count(small: Tables) -> None:
    catalogue = Catalogue.of(small.movies)
    log = InteractionLog.of(small.ratings, catalogue)
    moment = int(log.timestamp[len(log.timestamp) // 2])
    known = int(np.searchsorted(log.timestamp, moment))
    past = InteractionLog.of(small.ratings[:known], catalogue)
    expected = GroupInfluence(past).before(moment)
    assert GroupInfluence(log).before(moment).tolist() == expected.tolist()
    assert expected.any()


def test_a_log_without_ratings_has_no_influence(small: Tables) -> None:
    empty = InteractionLog.of(small.ratings[:0], Catalogue.of(small.movies))
    assert not GroupInfluence(empty).before(0).any()
