import numpy as np
import pytest
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.popularity import RecentPopularity, popularity_scorer
from foreseen.evaluation.rankings import eval_users
from foreseen.evaluation.results import POPULARITY
from foreseen.features.examples import DAY
from foreseen.features.interaction_log import InteractionLog

RATINGS = ratings_of(
    (1, 5, 3.0, 0), (2, 5, 3.0, 1), (3, 5, 3.0, 2),
    (1, 6, 3.0, 2 * DAY), (2, 6, 3.0, 3 * DAY),
    (3, 7, 3.0, 7 * DAY), (1, 7, 3.0, 7 * DAY + 1), (2, 4, 3.0, 9 * DAY),
)  # fmt: skip
LOG = InteractionLog.of(RATINGS, Catalogue.of(tables_of(RATINGS).movies))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # Movies 4, 5, 6, 7 within seven days; ties by the number of all earlier ratings.
        (9 * DAY, [0, 0, 2, 2]),
        (7 * DAY, [0, 3, 2, 0]),
        (7 * DAY + 2, [0, 1, 2, 2]),
        (9 * DAY + 1, [1, 0, 1, 2]),
        (900 * DAY, [1, 0, 1, 2]),
        (0, [0, 0, 0, 0]),
    ],
)
def test_ratings_of_seven_days_before_the_moment_count(before: int, expected: list[int]) -> None:
    popularity = RecentPopularity(LOG)
    assert np.floor(popularity.scores(before)).astype(int).tolist() == expected


def test_movies_with_as_many_ratings_are_ordered_by_all_earlier_ones() -> None:
    scores = RecentPopularity(LOG).scores(9 * DAY)
    assert np.argsort(-scores, kind="stable").tolist() == [2, 3, 1, 0]


def test_the_order_of_the_moments_does_not_matter() -> None:
    ratings = tables_of(random_ratings(0, 200))
    log = InteractionLog.of(ratings.ratings, Catalogue.of(ratings.movies))
    moments = np.random.default_rng(1).integers(log.timestamp[0], log.end + 9, 20).tolist()
    popularity = RecentPopularity(log)
    for moment in moments:
        np.testing.assert_array_equal(
            popularity.scores(moment), RecentPopularity(log).scores(moment)
        )


def test_a_known_moment_is_that_of_the_next_rating() -> None:
    users = eval_users(LOG, ratings_of((3, 6, 4.0, 7 * DAY), (1, 4, 5.0, 8 * DAY)))
    unknown = popularity_scorer(LOG)(users)[POPULARITY]
    known = popularity_scorer(LOG, moment_known=True)(users)[POPULARITY]
    assert np.floor(unknown).astype(int).tolist() == [[1, 0, 1, 2]] * 2
    assert np.floor(known).astype(int).tolist() == [[0, 3, 2, 0], [0, 0, 2, 2]]
