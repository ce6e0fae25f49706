import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import ratings_of, tables_of

from foreseen.candidates.co_occurrence import CO_WATCH_FEATURES, co_watch_counts
from foreseen.data.catalogue import Catalogue
from foreseen.features.interaction_log import InteractionLog

# Two people watched 1, 2, 3 in this order; a third has watched 1 only.
ROWS = (
    (1, 1, 4.0, 10), (1, 2, 4.0, 20), (1, 3, 4.0, 30),
    (2, 1, 3.0, 40), (2, 2, 3.0, 50), (2, 3, 3.0, 60),
    (3, 1, 5.0, 70),
)  # fmt: skip


@pytest.fixture
def log() -> InteractionLog:
    tables = tables_of(ratings_of(*ROWS))
    return InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))


def counts(log: InteractionLog, history: int, before: int) -> dict[str, NDArray[np.float64]]:
    found = co_watch_counts(log, log.histories, history, before)
    return dict(zip(CO_WATCH_FEATURES, found.T, strict=True))


def test_what_followed_counts_the_nearer_the_more(log: InteractionLog) -> None:
    found = counts(log, 2, 80)
    # Movie 1 has three ratings, damped by five; 2 followed at once and 3 as second, twice each.
    np.testing.assert_allclose(found["follows"], np.array([0, 2, 2 / np.sqrt(2)]) / (3 + 5))
    np.testing.assert_allclose(found["follows_at_once"], np.array([0, 2, 0]) / (3 + 5))
    np.testing.assert_allclose(found["near"], found["follows"])


def test_what_came_before_is_near_but_does_not_follow(log: InteractionLog) -> None:
    found = counts(log.with_ratings(ratings_of((4, 3, 4.0, 75))), 3, 80)
    assert found["follows"].sum() == 0
    assert found["near"][1] > found["near"][0] > 0


def test_older_movies_of_a_history_count_less(log: InteractionLog) -> None:
    wider = log.with_ratings(
        ratings_of((3, 9, 4.0, 75), (4, 9, 4.0, 76), (4, 8, 4.0, 77), (4, 7, 4.0, 78))
    )
    found = counts(wider, 2, 80)
    two = list(wider.catalogue.movies.ids).index(2)
    assert found["near"][two] == pytest.approx(0.5 * found["near_flat"][two])
    assert found["near_level"][two] == pytest.approx(np.sqrt(0.5) * found["near_flat"][two])
    assert found["near_newest"][two] == 0


def test_only_what_was_known_counts(log: InteractionLog) -> None:
    assert counts(log, 1, 45)["follows"][1] == pytest.approx(1 / (2 + 5))
    assert counts(log, 2, 70)["follows"].sum() == 0


def test_a_remembered_tally_is_the_one_worked_out_and_none_is_of_a_later_moment(
    log: InteractionLog,
) -> None:
    item = int(log.catalogue.movies.rows([1])[0])
    first, again = (log.co_occurrence.of(item, log.end) for _ in range(2))
    assert first is again
    grown = log.with_ratings(ratings_of((4, 1, 4.0, 75), (4, 9, 4.0, 76)))
    past = grown.co_occurrence.of(int(grown.catalogue.movies.rows([1])[0]), log.end)
    np.testing.assert_array_equal(past.movies, first.movies)
    np.testing.assert_array_equal(past.sums, first.sums)


def test_a_movie_nobody_rated_has_no_company(log: InteractionLog) -> None:
    wider = InteractionLog.of(log.ratings, log.catalogue.extended(np.array([77])))
    item = int(wider.catalogue.movies.rows([77])[0])
    assert len(wider.co_occurrence.of(item, wider.end).movies) == 0


def test_company_looked_up_beforehand_is_there_when_asked_for(log: InteractionLog) -> None:
    log.co_occurrence.look_up(np.arange(len(log.catalogue)))
    early = {item: log.co_occurrence.of(item, log.end) for item in range(3)}
    assert all(log.co_occurrence.of(item, log.end) is tally for item, tally in early.items())
    assert [len(tally.movies) for tally in early.values()] == [2, 2, 2]
