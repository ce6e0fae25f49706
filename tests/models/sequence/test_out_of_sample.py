"""Scores of a sequence model for ratings that it was not fitted to."""

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import placeholder_movies
from foreseen.features.interaction_log import InteractionLog
from foreseen.features.user_statistics import UserHistories
from foreseen.models.sequence.out_of_sample import fit_out_of_sample, trained_lengths
from foreseen.models.sequence.settings import SequenceSettings

SETTINGS = SequenceSettings(width=16, epochs=1, tokens=256)


def test_the_latest_ratings_of_early_users_and_all_of_late_users_are_held_out() -> None:
    # Histories of 20, 1 and 3 ratings before second 100, and one that begins after it.
    times = np.concatenate([np.arange(20), [99, 150], [1, 2, 3], [100, 101]]).astype(np.int64)
    starts = np.array([0, 20, 22, 25, 27], dtype=np.int64)
    flat = np.zeros(len(times))
    histories = UserHistories(starts, flat.astype(np.int32), flat, flat, times)
    assert trained_lengths(histories, 100).tolist() == [17, 0, 2, 0]


def test_held_out_ratings_do_not_change_the_scores_by_a_bit(log: InteractionLog) -> None:
    first = fit_out_of_sample(SETTINGS, log, seed=0)
    assert first is not None
    histories = log.histories
    user = int(np.flatnonzero(first.trained > 20)[0])
    start, stop = int(histories.starts[user]), int(histories.starts[user + 1])
    held_out = histories.movie[start + int(first.trained[user]) : stop]
    row = (log.user == user) & np.isin(log.movie, held_out)
    rating = pl.Series("rating", np.where(row, 5.5 - log.rating, log.rating))
    changed = InteractionLog(log.catalogue, log.users, log.ratings.with_columns(rating))
    other = fit_out_of_sample(SETTINGS, changed, seed=0)
    assert other is not None
    np.testing.assert_array_equal(first.trained, other.trained)
    before = int(histories.times[start + int(first.trained[user])])
    one, two = (part.scores(user, before) for part in (first, other))
    np.testing.assert_array_equal(one.log_probability, two.log_probability)
    assert one.trained == pytest.approx(1)
    new = int(np.flatnonzero(first.trained == 0)[0])
    assert first.scores(new, log.end).trained == 0


def test_a_log_of_users_with_one_rating_each_has_no_scores() -> None:
    ratings = ratings_of(*[(user, 1 + user % 3, 4.0, 1000 + user) for user in range(1, 30)])
    log = InteractionLog.of(ratings, Catalogue.of(placeholder_movies(pl.Series([1, 2, 3]))))
    assert fit_out_of_sample(SETTINGS, log, seed=0) is None
