"""Streams: derived from a list of specs, point in time, standardised."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.conftest import random_ratings, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.drift.default_streams import left_out, stream_specs
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.standardise import Standardisation
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.drift.stream_spec import KIND_LABELS, SHARE, StreamSpec
from foreseen.drift.streams import streams_of
from foreseen.features.interaction_log import InteractionLog


def log_of(tables: Tables, ratings: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(tables.movies))


def test_every_default_stream_has_a_name_of_its_own_and_a_label_for_people(
    log: InteractionLog,
) -> None:
    specs = stream_specs(log.catalogue)
    assert len({(spec.kind, spec.label) for spec in specs}) == len(specs)
    assert {spec.kind for spec in specs} | {"movie"} == set(KIND_LABELS)
    tastes = {spec.label for spec in specs if spec.kind == "taste"}
    assert "IMAX" not in tastes
    assert {"Action", "films of the 1990s"} <= tastes


def test_only_a_change_of_how_users_rate_is_concept_drift(log: InteractionLog) -> None:
    kinds = {spec.kind for spec in stream_specs(log.catalogue) if spec.is_concept_drift}
    assert kinds == {"scale", "spread", "level", "error", "agreement"}
    groups = {"new users", "known users", "active users"}
    specs = [spec for spec in stream_specs(log.catalogue) if spec.label in groups]
    assert {spec.label for spec in specs} == groups
    assert not any(spec.is_concept_drift for spec in specs)


def test_every_spec_returns_one_value_per_rating(log: InteractionLog) -> None:
    inputs = StreamInputs(log)
    for spec in stream_specs(log.catalogue):
        values, selected = spec.values(inputs), spec.selected(inputs)
        assert values.shape == selected.shape == log.rating.shape
        assert np.isfinite(values).all()
        assert selected.dtype == np.bool_


def test_streams_come_in_the_order_of_their_specs(log: InteractionLog) -> None:
    specs = stream_specs(log.catalogue)[::-1]
    assert [stream.spec for stream in streams_of(log, specs)] == specs


def test_a_stream_is_added_by_one_spec(log: InteractionLog) -> None:
    generator = np.random.default_rng(0)
    low = StreamSpec(
        kind="scale",
        label="low ratings",
        unit=SHARE,
        is_concept_drift=True,
        values=lambda inputs: (inputs.log.rating <= 2).astype(np.float64),
    )
    noise = StreamSpec(
        kind="noise",
        label="all",
        unit="stars",
        is_concept_drift=False,
        values=lambda inputs: generator.normal(size=len(inputs.log.rating)),
        standardisation=Standardisation(whole=True),
    )
    *defaults, first, second = streams_of(log, [*stream_specs(log.catalogue), low, noise])
    assert len(defaults) == len(stream_specs(log.catalogue))
    assert (first.spec, second.spec) == (low, noise)
    assert (first.levels >= 0).all()
    assert (first.levels <= 1).all()
    assert abs(second.values.mean()) < 0.3
    assert second.weights.sum() == pytest.approx(len(log.rating) - 5000, rel=0.15)


def test_a_selection_limits_a_stream_to_its_ratings(log: InteractionLog) -> None:
    even = StreamSpec(
        kind="row",
        label="even",
        unit="movies",
        is_concept_drift=False,
        values=lambda inputs: (inputs.log.movie % 2).astype(np.float64),
        selected=lambda inputs: inputs.log.movie % 2 == 0,
    )
    (stream,) = streams_of(log, [even])
    assert len(stream.values)
    assert (stream.levels == 0).all()


def test_agreement_is_the_covariance_of_offsets_and_item_means_within_chunks(
    log: InteractionLog,
) -> None:
    inputs = StreamInputs(log)
    merit = log.movie_mean(log.movie, log.timestamp) - log.global_mean(log.timestamp)
    chunk = np.flatnonzero(inputs.chunks.size == 25)[0]
    inside = inputs.chunks.chunk == chunk
    covariance = np.cov(inputs.offset[inside], np.clip(merit[inside], -1, 1))[0, 1]
    assert inputs.agreement[inside].mean() == pytest.approx(covariance)
    assert inputs.spread[inside].mean() > 0


def test_a_change_of_level_alters_neither_agreement_nor_spread_nor_width(
    log: InteractionLog,
) -> None:
    inputs, lowered = StreamInputs(log), StreamInputs(log)
    lowered.__dict__["offset"] = inputs.offset - 0.5 * (inputs.chunks.chunk % 2)
    for name in ("agreement", "spread", "width"):
        np.testing.assert_allclose(getattr(lowered, name), getattr(inputs, name), atol=1e-9)


def test_streams_of_level_read_only_the_first_chunk_of_each_session(log: InteractionLog) -> None:
    chunks = StreamInputs(log).chunks
    opening = set(chunks.begins[chunks.opening].tolist())
    (level,) = (s for s in streams_of(log) if (s.spec.kind, s.spec.label) == ("level", "all"))
    assert len(level.begins) > 50
    assert set(level.begins.tolist()) <= opening


def test_a_movie_with_many_ratings_has_a_stream_of_its_own(real: Tables) -> None:
    log = log_of(real, real.ratings)
    movies = [stream for stream in streams_of(log) if stream.spec.kind == "movie"]
    counts = np.bincount(log.movie)
    assert len(movies) == (counts >= 100).sum() > 0
    for stream in movies[:5]:
        (row,) = np.unique(log.movie[stream.begins])
        assert stream.spec.label == log.catalogue.titles[row]
        assert (np.diff(stream.begins) > 0).all()


def test_new_users_are_those_with_few_earlier_ratings() -> None:
    ratings = random_ratings(0, 300).sort("timestamp", "userId", "movieId")
    tables = tables_of(ratings)
    log = log_of(tables, tables.ratings)
    earlier = pl.Series(log.user).to_frame("user").select(pl.int_range(pl.len()).over("user"))
    np.testing.assert_array_equal(StreamInputs(log).of_new_user, earlier.to_series() < 20)


def test_the_rating_level_and_half_stars_are_combined_over_the_same_chunks(real: Tables) -> None:
    log = log_of(real, shuffle_sessions(real.ratings, 0))
    wanted = {"all", "half stars", "all with half stars", "all against half stars"}
    specs = [s for s in stream_specs(log.catalogue) if s.kind in {"level", "scale"}]
    streams = {
        stream.spec.label: stream
        for stream in streams_of(log, [spec for spec in specs if spec.label in wanted])
    }
    level, half = streams["all"], streams["half stars"]
    np.testing.assert_array_equal(level.begins, half.begins)
    np.testing.assert_array_equal(level.ends, half.ends)
    total, difference = streams["all with half stars"], streams["all against half stars"]
    np.testing.assert_allclose(total.values, (level.values + half.values) / np.sqrt(2))
    np.testing.assert_allclose(difference.values, (level.values - half.values) / np.sqrt(2))
    assert 0.8 < total.values.std() < 1.2


def test_later_ratings_change_no_value(small: Tables) -> None:
    log = log_of(small, small.ratings)
    position = int(0.9 * small.ratings.height)
    rating = small.ratings["rating"].to_numpy().copy()
    rating[position:] = np.random.default_rng(0).permutation(rating[position:])
    other = log_of(small, small.ratings.with_columns(pl.Series("rating", rating)))
    lags = (0, 5_000)
    for one, two in zip(streams_of(log, lags=lags), streams_of(other, lags=lags), strict=True):
        available = one.ends < position
        assert (one.spec.kind, one.spec.label) == (two.spec.kind, two.spec.label)
        np.testing.assert_array_equal(one.values[available], two.values[: available.sum()])


@pytest.mark.parametrize(
    ("scale", "reason"),
    [
        (STARS, None),
        (RatingScale(1, 5, 1), None),
        (RatingScale(1, 10, 0.5), None),
        (RatingScale(0, 10, 0.1), None),
        (RatingScale(1, 10, 1), "the scale 1 to 10 has no steps between whole numbers"),
        (RatingScale(-10, 10, None), "the scale -10 to 10 has no steps"),
        (RatingScale(0, 1, 0.1), "the scale 0 to 1 has no whole numbers but its ends"),
        (RatingScale(0, 1, 1, "binary"), "likes and views have no steps"),
    ],
    ids=str,
)
def test_half_steps_are_monitored_only_on_a_scale_that_has_them(
    log: InteractionLog, scale: RatingScale, reason: str | None
) -> None:
    found = left_out(scale)
    assert found == (reason and f"rating scale: half stars: {reason}")
    specs = [s for s in stream_specs(log.catalogue, scale) if s.kind == "scale" or s.parts]
    assert len(specs) == (5 if reason is None else 2)
    assert specs[-1].label == "top ratings"


@pytest.mark.parametrize(
    "scale", [RatingScale(1, 10, 0.5), RatingScale(0, 100, 0.5), RatingScale(-5, 5, 0.25)], ids=str
)
def test_fractions_and_top_ratings_are_those_of_the_scale_of_the_data(
    log: InteractionLog, scale: RatingScale
) -> None:
    whole = np.array([scale.low, scale.low + 3, scale.high])
    ratings = np.concatenate([whole, whole[:2] + 0.5])
    given = log_with(log, scale.to_stars(np.resize(ratings, log.ratings.height)))
    specs = {s.label: s for s in stream_specs(log.catalogue, scale) if s.kind == "scale"}
    values = {label: spec.values(StreamInputs(given))[:5] for label, spec in specs.items()}
    assert values["fractions"].tolist() == [0, 0, 0, 1, 1]
    assert values["top ratings"].tolist() == [0, 0, 1, 0, 0]


def log_with(log: InteractionLog, ratings: NDArray[np.float64]) -> InteractionLog:
    return InteractionLog.of(log.ratings.with_columns(rating=ratings), log.catalogue)
