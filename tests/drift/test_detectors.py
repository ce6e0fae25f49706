"""Detectors: they find what moved and when, and little where nothing did."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import random_ratings

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.drift.detectors import detect
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.sessions import SESSION_SILENCE, session_numbers
from foreseen.drift.streams import streams_of
from foreseen.features.interaction_log import InteractionLog


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def log(tables: Tables, ratings: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(tables.movies))


@pytest.fixture(scope="module")
def shuffled(real: Tables) -> pl.DataFrame:
    return shuffle_sessions(real.ratings, 0)


def test_the_beginning_of_half_stars_in_2003_is_found(real: Tables) -> None:
    findings = detect(log(real, real.ratings))
    scale = [found for found in findings if (found.what, found.which) == ("scale", "half stars")]
    assert scale[0].before == pytest.approx(0, abs=0.001)
    assert scale[0].after > 0.2
    assert second("2003-04-15") < scale[0].since < second("2003-06-15")
    assert scale[0].found < second("2003-07-01")
    assert scale[0].serious
    assert "half stars" in str(scale[0])
    assert not [f for f in findings if f.what == "level" and f.since <= scale[0].found <= f.found]


def test_where_sessions_only_change_places_there_are_few_alarms(real: Tables) -> None:
    years = (real.manifest.last - real.manifest.first) / (365.25 * 86_400)
    alarms = [len(detect(log(real, shuffle_sessions(real.ratings, seed)))) for seed in range(3)]
    assert sum(alarms) / 3 <= years


def test_a_swap_of_two_tastes_is_found_within_500_affected_ratings_and_named(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    place = shuffled.height // 2
    log = log(real, shuffled)
    genres = log.catalogue.genre_names
    action, drama = (log.catalogue.genres[log.movie, genres.index(g)] > 0
                     for g in ("Action", "Drama"))  # fmt: skip
    rating = shuffled["rating"].to_numpy().copy()
    later = np.arange(len(rating)) >= place
    touched = later & (action != drama)
    rating = np.where(touched & action, np.clip(rating + 1, 0.5, 5), rating)
    rating = np.where(touched & drama, np.clip(rating - 1, 0.5, 5), rating)
    findings = detect(log(real, shuffled.with_columns(pl.Series("rating", rating))))
    begun = int(shuffled["timestamp"][place])
    new = [found for found in findings if found.found >= begun]
    assert new[0].what == "taste"
    assert new[0].which in {"Action", "Drama", "Adventure", "Romance", "Sci-Fi", "Thriller", "War"}
    affected = touched & (shuffled["timestamp"].to_numpy() <= new[0].found)
    assert affected.sum() <= 500


def test_half_a_star_more_for_everybody_is_found_within_1000_ratings(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    place = shuffled.height // 2
    later = np.arange(shuffled.height) >= place
    rating = shuffled["rating"].to_numpy()
    rating = np.where(later, np.clip(rating + 0.5, 0.5, 5), rating)
    findings = detect(log(real, shuffled.with_columns(pl.Series("rating", rating))))
    begun = int(shuffled["timestamp"][place])
    first = next(found for found in findings if found.found >= begun)
    assert first.what in {"level", "scale"}
    assert first.after > first.before
    assert (later & (shuffled["timestamp"].to_numpy() <= first.found)).sum() <= 1000


def test_level_and_halves_are_told_of_the_same_pieces(real: Tables, shuffled: pl.DataFrame) -> None:
    streams = {(s.what, s.which): s for s in streams_of(log(real, shuffled))}
    level, half = streams["level", "all"], streams["scale", "half stars"]
    np.testing.assert_array_equal(level.begins, half.begins)
    np.testing.assert_array_equal(level.ends, half.ends)
    both = streams["level", "all with half stars"].values
    np.testing.assert_allclose(both, (level.values + half.values) / np.sqrt(2))
    assert 0.8 < both.std() < 1.2


def test_what_was_found_is_not_changed_by_what_comes_later(real: Tables) -> None:
    log = log(real, real.ratings)
    place = int(0.7 * real.ratings.height)
    rating = real.ratings["rating"].to_numpy().copy()
    rating[place:] = np.random.default_rng(0).permutation(rating[place:])
    other = log(real, real.ratings.with_columns(pl.Series("rating", rating)))
    for one, two in zip(streams_of(log), streams_of(other), strict=True):
        known = one.ends < place
        assert (one.what, one.which) == (two.what, two.which)
        np.testing.assert_array_equal(one.values[known], two.values[: known.sum()])


def test_a_prefix_of_a_log_has_the_findings_of_that_time_however_users_are_numbered(
    real: Tables,
) -> None:
    whole = detect(log(real, real.ratings))
    place = int(0.6 * real.ratings.height)
    prefix = log(real, real.ratings[:place])
    end = int(real.ratings["timestamp"][place - 1])
    assert detect(prefix) == [found for found in whole if found.found <= end]
    grown = log(real, real.ratings[: place // 2]).with_ratings(real.ratings[place // 2 : place])
    assert detect(grown) == detect(prefix)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 300))
def test_sessions_end_with_silence_and_shuffling_keeps_them_whole(seed: int, count: int) -> None:
    ratings = random_ratings(seed, count).sort("timestamp", "userId", "movieId")
    user, times = ratings["userId"].to_numpy(), ratings["timestamp"].to_numpy()
    numbers = session_numbers(user, times)
    frame = ratings.with_columns(pl.Series("session", numbers))
    for part in frame.partition_by("session"):
        assert part["userId"].n_unique() == 1
        gaps = np.diff(part["timestamp"].to_numpy())
        assert (gaps <= SESSION_SILENCE).all()
    moved = shuffle_sessions(ratings, seed)
    key = ["userId", "movieId", "rating"]
    assert moved.select(key).sort(key).equals(ratings.select(key).sort(key))
    assert moved["timestamp"].min() == ratings["timestamp"].min()
