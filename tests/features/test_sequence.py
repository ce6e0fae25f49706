import numpy as np
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.catalogue import Catalogue
from foreseen.features.sequence import WatchShares, watched_next
from foreseen.features.timeline import Timeline

# Two people watched 1, 2, 3 in this order; a third has watched 1 only.
ROWS = (
    (1, 1, 4.0, 10), (1, 2, 4.0, 20), (1, 3, 4.0, 30),
    (2, 1, 3.0, 40), (2, 2, 3.0, 50), (2, 3, 3.0, 60),
    (3, 1, 5.0, 70),
)  # fmt: skip


@pytest.fixture
def log() -> Timeline:
    tables = tables_of(ratings_of(*ROWS))
    return Timeline.of(tables.ratings, Catalogue.of(tables.movies))


def test_what_followed_counts_the_nearer_the_more(log: Timeline) -> None:
    after, near = watched_next(log, log.histories, 2, 80)
    # Movie 1 has three ratings, damped by five; 2 followed at once and 3 as second, twice each.
    np.testing.assert_allclose(after, np.array([0, 2, 2 / np.sqrt(2)]) / (3 + 5))
    np.testing.assert_allclose(near, after)


def test_what_came_before_is_near_but_does_not_follow(log: Timeline) -> None:
    wider = log.with_ratings(ratings_of((4, 3, 4.0, 75)))
    after, near = watched_next(wider, wider.histories, 3, 80)
    assert after.sum() == 0
    assert near[1] > near[0] > 0


def test_only_what_was_known_counts(log: Timeline) -> None:
    early, _ = watched_next(log, log.histories, 1, 45)
    assert early[1] == pytest.approx(1 / (2 + 5))
    none, _ = watched_next(log, log.histories, 2, 70)
    assert none.sum() == 0


def test_shares_sum_to_one_and_a_newcomers_are_recent_popularity(log: Timeline) -> None:
    shares = WatchShares.of(log, log, 3, 80)
    np.testing.assert_allclose(shares.next.sum(axis=1), 1)
    np.testing.assert_allclose(shares.near.sum(axis=1), 1)
    early = WatchShares.of(log, log, 3, 70)
    assert early.next[2, 0] == pytest.approx(early.next[2, 1], rel=0.01)
    assert (early.next[:, -1] == 0).all()
