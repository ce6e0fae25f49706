"""Drift detection: what changed is found and named, and little is found where nothing changed."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from river.drift import ADWIN
from tests.conftest import tables_of

from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.drift.default_streams import stream_specs
from foreseen.drift.detectors import detect
from foreseen.drift.placebo import shuffle_sessions
from foreseen.drift.standardise import Standardisation
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.drift.stream_spec import SHARE, StreamSpec
from foreseen.features.interaction_log import InteractionLog

CHANGE = 7000
"""Position at which the ratings of `noise` change."""


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def log_of(tables: Tables, ratings: pl.DataFrame) -> InteractionLog:
    return InteractionLog.of(ratings, Catalogue.of(tables.movies))


def noise(change: float, label: str = "all", seed: int = 0) -> StreamSpec:
    """Return a stream of independent values with a changed mean from `CHANGE` on."""

    def values(inputs: StreamInputs) -> NDArray[np.float64]:
        count = len(inputs.log.rating)
        shift = np.where(np.arange(count) >= CHANGE, change, 0.0)
        return np.random.default_rng(seed).normal(2, 1, count) + shift

    whole = Standardisation(prior=4.0, whole=True)
    return StreamSpec("noise", label, "points", True, values, standardisation=whole)


class AlwaysAlarmed:
    """A detector that raises an alarm with every value."""

    drift_detected = True

    def update(self, x: float) -> None:
        """Ignore the value."""


class NeverAlarmed(AlwaysAlarmed):
    """A detector that raises no alarm."""

    drift_detected = False


@pytest.fixture(scope="module")
def shuffled(real: Tables) -> pl.DataFrame:
    return shuffle_sessions(real.ratings, 0)


def test_a_slow_fall_of_all_ratings_is_found_and_named(real: Tables) -> None:
    # Ever more ratings are a star lower.
    begin, slow = 40_000, 40_000
    quiet = shuffle_sessions(real.ratings, 2)
    fall = np.clip((np.arange(quiet.height) - begin) / slow, 0, 1)
    lowered = np.random.default_rng(0).random(quiet.height) < fall
    rating = np.clip(quiet["rating"].to_numpy() - lowered, 0.5, 5)
    falling = quiet.with_columns(pl.Series("rating", rating))
    times = quiet["timestamp"].to_numpy()
    first = next(found for found in detect(log_of(real, falling)) if found.since > times[begin])
    assert (first.kind, first.label) == ("level", "all")
    assert first.after < first.before
    assert first.found < times[begin + slow // 2]


def test_the_introduction_of_half_stars_in_2003_is_found(real: Tables) -> None:
    findings = detect(log_of(real, real.ratings))
    scale = [found for found in findings if (found.kind, found.label) == ("scale", "half stars")]
    assert scale[0].before == pytest.approx(0, abs=0.001)
    assert scale[0].after > 0.2
    assert second("2003-04-15") < scale[0].since < second("2003-06-15")
    assert scale[0].found < second("2003-07-01")
    assert scale[0].is_concept_drift
    assert str(scale[0]).startswith("rating scale: half stars up since 2003-05-15: 0.0% before")
    assert not [f for f in findings if f.kind == "level" and f.since <= scale[0].found <= f.found]


def single_ratings(seed: int) -> InteractionLog:
    """Return a log of users who rate one movie at a time; a few sessions have three or four."""
    generator = np.random.default_rng(seed)
    sessions, merit = 12_000, generator.normal(3.4, 0.5, 300)
    size = np.where(generator.random(sessions) < 0.03, generator.integers(3, 5, sessions), 1)
    session = np.repeat(np.arange(sessions), size)
    user = generator.integers(0, 3_000, sessions)[session]
    movie = generator.integers(0, 300, len(session))
    value = merit[movie] + generator.normal(0, 0.9, len(session))
    ratings = pl.DataFrame(
        {
            "userId": user + 1,
            "movieId": movie + 1,
            "rating": np.clip(np.round(2 * value) / 2, 0.5, 5),
            "timestamp": 1_500_000_000 + 1_000 * session + np.arange(len(session)) % 7,
        }
    )
    tables = tables_of(ratings.unique(["userId", "movieId"], keep="first").cast(RATINGS_SCHEMA))
    return log_of(tables, tables.ratings)


@pytest.mark.parametrize("seed", [0, 1])
def test_single_ratings_raise_no_alarm_about_agreement_or_spread(seed: int) -> None:
    findings = detect(single_ratings(seed))
    assert not [found for found in findings if found.is_concept_drift]


def test_there_are_few_false_alarms_in_logs_with_shuffled_sessions(real: Tables) -> None:
    years = (real.manifest.last - real.manifest.first) / (365.25 * 86_400)
    alarms = [len(detect(log_of(real, shuffle_sessions(real.ratings, seed)))) for seed in range(3)]
    assert sum(alarms) / 3 <= years


def test_a_swap_of_two_tastes_is_found_and_named_within_500_affected_ratings(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    change = shuffled.height // 2
    log = log_of(real, shuffled)
    names = log.catalogue.genre_names
    action, drama = (
        log.catalogue.genres[log.movie, names.index(name)] > 0 for name in ("Action", "Drama")
    )
    rating = shuffled["rating"].to_numpy().copy()
    affected = (np.arange(len(rating)) >= change) & (action != drama)
    rating = np.where(affected & action, np.clip(rating + 1, 0.5, 5), rating)
    rating = np.where(affected & drama, np.clip(rating - 1, 0.5, 5), rating)
    findings = detect(log_of(real, shuffled.with_columns(pl.Series("rating", rating))))
    begun = int(shuffled["timestamp"][change])
    first = next(found for found in findings if found.found >= begun)
    assert first.kind == "taste"
    assert first.label in {"Action", "Drama", "Adventure", "Romance", "Sci-Fi", "Thriller", "War"}
    assert not first.is_concept_drift
    assert (affected & (shuffled["timestamp"].to_numpy() <= first.found)).sum() <= 500


def test_half_a_star_more_from_all_users_is_found_within_1000_ratings(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    later = np.arange(shuffled.height) >= shuffled.height // 2
    rating = shuffled["rating"].to_numpy()
    rating = np.where(later, np.clip(rating + 0.5, 0.5, 5), rating)
    findings = detect(log_of(real, shuffled.with_columns(pl.Series("rating", rating))))
    begun = int(shuffled["timestamp"][shuffled.height // 2])
    first = next(found for found in findings if found.found >= begun)
    assert first.kind in {"level", "scale"}
    assert first.after > first.before
    assert (later & (shuffled["timestamp"].to_numpy() <= first.found)).sum() <= 1000


def test_half_a_star_less_from_all_users_is_one_finding_of_the_rating_level(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    change = int(0.6 * shuffled.height)
    later = np.arange(shuffled.height) >= change
    rating = shuffled["rating"].to_numpy()
    rating = np.where(later, np.clip(rating - 0.5, 0.5, 5), rating)
    findings = detect(log_of(real, shuffled.with_columns(pl.Series("rating", rating))))
    begun = int(shuffled["timestamp"][change])
    first, *others = [found for found in findings if found.found >= begun]
    assert first.kind == "level"
    assert first.after < first.before
    assert first.is_concept_drift
    assert first.earliest <= begun <= first.latest
    assert first.explains
    assert not [found for found in others if found.earliest <= begun <= found.latest]


def test_a_movie_that_falls_out_of_favour_is_named(real: Tables, shuffled: pl.DataFrame) -> None:
    movies, counts = np.unique(shuffled["movieId"].to_numpy(), return_counts=True)
    movie = int(movies[np.argmax(counts)])
    later = np.arange(shuffled.height) >= shuffled.height // 2
    fallen = later & (shuffled["movieId"].to_numpy() == movie)
    rating = shuffled["rating"].to_numpy()
    rating = np.where(fallen, np.clip(rating - 2, 0.5, 5), rating)
    findings = detect(log_of(real, shuffled.with_columns(pl.Series("rating", rating))))
    title = real.movies.filter(pl.col("movieId") == movie)["title"][0]
    (found,) = [found for found in findings if found.kind == "movie"]
    assert found.label == title
    assert found.evidence < 50
    assert str(found).startswith(f"ratings of a movie: {title} down since ")


def test_later_ratings_and_the_numbering_of_users_change_no_finding(real: Tables) -> None:
    whole = detect(log_of(real, real.ratings))
    position = int(0.6 * real.ratings.height)
    prefix = log_of(real, real.ratings[:position])
    end = int(real.ratings["timestamp"][position - 1])
    findings = detect(prefix)
    assert [finding for finding in findings if finding.named is not None] == [
        replace(finding, explains=tuple(e for e in finding.explains if e.found <= end))
        for finding in whole
        if finding.named is not None and finding.named <= end
    ]
    half = position // 2
    grown = log_of(real, real.ratings[:half]).with_ratings(real.ratings[half:position])
    assert detect(grown) == findings


def test_a_change_is_found_before_it_is_named(real: Tables) -> None:
    times = real.ratings["timestamp"].to_numpy()
    (late, *_) = [f for f in detect(log_of(real, real.ratings)) if (f.named or 0) > f.found]
    assert late.named is not None
    before = real.ratings[: int(np.searchsorted(times, late.found, side="right"))]
    (change,) = [f for f in detect(log_of(real, before)) if f.named is None]
    assert change.found == late.found
    assert "not named for certain yet" in str(change)
    named = real.ratings[: int(np.searchsorted(times, late.named, side="right"))]
    (finding,) = [f for f in detect(log_of(real, named)) if f.found == late.found]
    assert (finding.kind, finding.label, finding.since) == (late.kind, late.label, late.since)


def test_a_stream_of_a_third_party_is_monitored(log: InteractionLog) -> None:
    (found,) = detect(log, streams=[noise(3.0)])
    assert (found.kind, found.label, found.is_concept_drift) == ("noise", "all", True)
    assert int(log.timestamp[CHANGE - 500]) <= found.since <= int(log.timestamp[CHANGE + 100])
    assert found.before == pytest.approx(2, abs=0.1)
    assert 4 < found.after < 5.5
    assert str(found).startswith("noise: all up since ")
    assert "points before, " in str(found)
    both = detect(log, streams=[*stream_specs(log.catalogue), noise(3.0)])
    assert found in both
    assert [other for other in both if other != found] == detect(log)


def test_a_detector_of_river_can_be_passed(log: InteractionLog) -> None:
    (found,) = detect(log, streams=[noise(3.0)], detector=ADWIN)
    assert int(log.timestamp[CHANGE - 500]) <= found.since <= int(log.timestamp[CHANGE + 100])
    assert found.found > int(log.timestamp[CHANGE])
    assert detect(log, streams=[noise(0.0)], detector=ADWIN) == []


def test_an_alarm_is_a_finding_only_if_the_means_differ(log: InteractionLog) -> None:
    assert detect(log, streams=[noise(0.0)], detector=AlwaysAlarmed) == []
    assert len(detect(log, streams=[noise(3.0)], detector=AlwaysAlarmed)) == 1
    assert detect(log, streams=[noise(3.0)], detector=NeverAlarmed) == []


def test_a_fall_of_a_stream_of_errors_is_no_concept_drift(log: InteractionLog) -> None:
    for change, is_concept_drift in ((3.0, True), (-3.0, False)):
        (found,) = detect(log, streams=[replace(noise(change), only_rise=True)])
        assert found.is_concept_drift is is_concept_drift


def test_a_combined_stream_does_not_repeat_a_finding_of_its_parts(log: InteractionLog) -> None:
    changed, constant = noise(3.0, "changed"), noise(0.0, "constant", seed=1)
    both = replace(changed, label="both", parts=(changed, constant))
    assert [found.label for found in detect(log, streams=[both])] == ["both"]
    assert [f.label for f in detect(log, streams=[changed, constant, both])] == ["changed"]


def test_the_json_of_a_finding_has_its_documented_keys(log: InteractionLog) -> None:
    (found,) = detect(log, streams=[noise(3.0)])
    document = found.as_json()
    assert list(document) == [
        "what", "which", "since", "earliest", "latest", "found", "named", "before", "after",
        "ratings", "evidence", "deviations", "sentence", "explains",
    ]  # fmt: skip
    assert (document["what"], document["which"]) == ("noise", "all")
    assert document["sentence"] == str(found)


def test_shares_are_shown_in_per_cent(log: InteractionLog) -> None:
    spec = StreamSpec(
        "share", "late ratings", SHARE, False,
        lambda inputs: (np.arange(len(inputs.log.rating)) >= CHANGE).astype(np.float64),
        standardisation=Standardisation(whole=True),
    )  # fmt: skip
    assert ": 0.0% before, " in str(detect(log, streams=[spec])[0])


def test_odd_points_of_a_scale_of_ten_are_no_half_stars(
    real: Tables, shuffled: pl.DataFrame
) -> None:
    """From the middle on, all points are even: in stars these are the whole ones."""
    scale = RatingScale(1, 10, 1)
    points = np.round(shuffled["rating"].to_numpy() * 2)
    later = np.arange(shuffled.height) >= shuffled.height // 2
    points = np.where(later, points + points % 2, points)
    changed = log_of(real, shuffled.with_columns(rating=scale.to_stars(points)))

    def labels(scale: RatingScale) -> set[str]:
        findings = detect(changed, scale=scale)
        return {f.label for finding in findings for f in (finding, *finding.explains)}

    assert "half stars" not in labels(scale)
    assert "half stars" in labels(STARS)


def test_half_points_of_a_scale_of_ten_are_found(real: Tables, shuffled: pl.DataFrame) -> None:
    scale = RatingScale(1, 10, 0.5)
    points = np.round(shuffled["rating"].to_numpy() * 2)
    later = np.arange(shuffled.height) >= shuffled.height // 2
    halves = np.arange(shuffled.height) % 4 == 0
    points = np.where(later & halves & (points > 1), points - 0.5, points)
    changed = log_of(real, shuffled.with_columns(rating=scale.to_stars(points)))
    (found, *_) = [f for f in detect(changed, scale=scale) if f.label == "fractions"]
    assert found.before == 0
    assert found.after > 0.1


def test_only_means_in_stars_are_converted_to_a_scale(log: InteractionLog) -> None:
    (found,) = detect(log, streams=[noise(3.0)])
    assert found.on_scale(RatingScale(1, 10, 1)) == found
    (found,) = detect(log, streams=[replace(noise(3.0), unit="stars")])
    scaled = replace(found, explains=(found,)).on_scale(RatingScale(1, 10, 1))
    assert scaled.after == pytest.approx(2 * found.after)
    assert scaled.explains[0].after == scaled.after
