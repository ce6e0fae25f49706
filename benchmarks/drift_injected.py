"""Injected drift with known truth: detection, delay, correct kind, and recovery of the error.

The background is a real log with shuffled sessions (`foreseen.drift.placebo`), so that nothing else
changes. From a moment on, ratings change:

- taste: half of the users rate one genre a star higher and another a star lower;
- turned: half of the users rate 6 less their original rating;
- popularity: a genre's share of the ratings grows almost threefold;
- scale: all ratings rise by half a star, at most to five;
- halves: half of the ratings fall by half a star, on a scale that had whole stars only.

Abrupt, gradual (rising over a tenth of the log) or recurring (on and off, a twentieth each).

    python benchmarks/drift_injected.py ml-latest-small --seeds 10 --out injected.json
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, PREDICTION, RATING, TIMESTAMP, USER
from foreseen.drift.detectors import detect
from foreseen.drift.finding import Finding
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

KINDS: Final = ("taste", "turned", "popularity", "scale", "halves")
SHAPES: Final = ("abrupt", "gradual", "recurring")
YEAR: Final = 365.25 * 86_400
SOON: Final = 500
"""Affected ratings within which a drift should be found."""
RECOVERED: Final = 1.02
"""RMSE relative to the RMSE before the drift from which the error has recovered."""
STEP: Final = 500
COMMON_SHARE: Final = 0.05
"""Least share of the ratings of a genre that drifts."""


@dataclass(frozen=True)
class Injected:
    """A log with injected drift.

    Attributes:
        ratings: The log.
        affected: Whether each rating is changed, of shape E.
        begins: The second at which the drift begins.
        expected: Labels of the findings that name the drift correctly, by kind; None for any.
    """

    ratings: pl.DataFrame
    affected: NDArray[np.bool_]
    begins: int
    expected: dict[str, set[str] | None]


def strength(shape: str, position: NDArray[np.float64], begin: float) -> NDArray[np.float64]:
    """Return the strength of the drift at positions of the log (shares of it), from 0 to 1."""
    since = position - begin
    if shape == "gradual":
        return np.clip(since / 0.1, 0, 1)
    if shape == "recurring":
        return np.where(since >= 0, (np.floor(since / 0.05) % 2 == 0).astype(float), 0.0)
    return (since >= 0).astype(float)


def inject(tables: Tables, kind: str, shape: str, seed: int) -> Injected:
    """Return a log with shuffled sessions and one drift in it."""
    generator = np.random.default_rng(seed)
    ratings = shuffle_sessions(tables.ratings, seed)
    catalogue = Catalogue.of(tables.movies)
    if kind == "halves":
        whole = np.clip(np.ceil(ratings[RATING].to_numpy()), 1, 5)
        ratings = ratings.with_columns(pl.Series(RATING, whole))
    genres = catalogue.genres[catalogue.movies.rows(ratings[MOVIE].to_numpy())] > 0
    shares = genres.mean(axis=0)
    common = np.flatnonzero(shares >= COMMON_SHARE)
    one, other = generator.choice(common, 2, replace=False)
    count = ratings.height
    position = np.arange(count) / count
    begin = float(generator.uniform(0.4, 0.7))
    on = generator.random(count) < strength(shape, position, begin)
    users = ratings[USER].to_numpy()
    chosen = np.isin(users, generator.permutation(np.unique(users))[: len(np.unique(users)) // 2])
    rating = ratings[RATING].to_numpy().copy()
    names = {catalogue.genre_names[int(one)], catalogue.genre_names[int(other)]}
    begins = int(ratings[TIMESTAMP][int(begin * count)])
    if kind == "taste":
        differs = chosen & (genres[:, one] != genres[:, other])
        step = np.where(genres[:, one], 1.0, -1.0)
        rating = np.where(differs & on, np.clip(rating + step, 0.5, 5), rating)
        return _changed(ratings, rating, differs & on, begins, {"taste": names})
    if kind == "turned":
        rating = np.where(chosen & on, np.clip(6 - rating, 0.5, 5), rating)
        expected: dict[str, set[str] | None] = {"agreement": None, "level": None, "error": None}
        return _changed(ratings, rating, chosen & on, begins, expected)
    if kind == "scale":
        rating = np.where(on, np.clip(rating + 0.5, 0.5, 5), rating)
        return _changed(ratings, rating, on, begins, {"level": None, "scale": None})
    if kind == "halves":
        lowered = on & (generator.random(count) < 0.5)
        rating = np.where(lowered, rating - 0.5, rating)
        return _changed(ratings, rating, lowered, begins, {"scale": {"half stars"}, "level": None})
    return _popular(ratings, genres[:, one], on, begins, catalogue.genre_names[int(one)], generator)


def _changed(
    ratings: pl.DataFrame,
    rating: NDArray[np.float64],
    affected: NDArray[np.bool_],
    begins: int,
    expected: dict[str, set[str] | None],
) -> Injected:
    return Injected(ratings.with_columns(pl.Series(RATING, rating)), affected, begins, expected)


def _popular(
    ratings: pl.DataFrame,
    of_genre: NDArray[np.bool_],
    on: NDArray[np.bool_],
    begins: int,
    name: str,
    generator: np.random.Generator,
) -> Injected:
    """Remove two thirds of the ratings of other genres, so that the genre's share grows."""
    kept = of_genre | ~on | (generator.random(len(of_genre)) < 1 / 3)
    affected = (of_genre & on)[kept]
    return Injected(ratings.filter(pl.Series(kept)), affected, begins, {"share": {name}})


def measure(tables: Tables, case: Injected) -> dict[str, Any]:
    """Return whether and after how many affected ratings a drift was found, and as what."""
    findings = detect(InteractionLog.of(case.ratings, Catalogue.of(tables.movies)))
    times = case.ratings[TIMESTAMP].to_numpy()
    after = [finding for finding in findings if finding.found >= case.begins]
    correct = [finding for finding in after if _is_expected(finding, case)]

    def delay(finding: Finding) -> int:
        return int(case.affected[times <= finding.found].sum())

    return {
        "early": sum(finding.found < case.begins for finding in findings),
        "delay": delay(correct[0]) if correct else None,
        "named": bool(after) and _is_expected(after[0], case),
        "found_as": str(correct[0]) if correct else None,
    }


def _is_expected(finding: Finding, case: Injected) -> bool:
    labels = case.expected.get(finding.kind, set())
    return labels is None or finding.label in labels


def recovery(tables: Tables, case: Injected, model: str, seed: int) -> dict[str, Any]:
    """Return the RMSE before the drift, its maximum since, and the ratings until it recovers."""
    times = case.ratings[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, case.begins))
    log = InteractionLog.of(case.ratings[: place // 2], Catalogue.of(tables.movies))
    fitted = train_on(log, model, parse_settings(model), seed, next_item=UNTRAINED)
    events = case.ratings[place // 2 :]
    before = times[place // 2 :]
    predicted = predict_events(fitted.with_ratings(events), events, before)
    error = (predicted[PREDICTION] - predicted[RATING]).to_numpy() ** 2
    usual = float(np.sqrt(error[before < case.begins].mean()))
    later = before >= case.begins
    steps = np.array_split(error[later], max(later.sum() // STEP, 1))
    rmse = np.sqrt([step.mean() for step in steps])
    recovered = np.flatnonzero(rmse <= RECOVERED * usual)
    return {
        "usual": usual,
        "worst": float(rmse.max()),
        "back_after": int(recovered[0] + 1) * STEP if len(recovered) else None,
    }


def summarise(kind: str, shape: str, measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the detection figures of one kind and shape over all seeds."""
    delays = np.array([m["delay"] if m["delay"] is not None else np.inf for m in measured])
    return {
        "kind": kind,
        "shape": shape,
        "found_within_500": float(np.mean(delays <= SOON)),
        "found_within_1000": float(np.mean(delays <= 2 * SOON)),
        "median_delay": float(np.median(delays)),
        "named": float(np.mean([m["named"] for m in measured])),
        "cases": measured,
    }


def main() -> None:
    """Measure all kinds and shapes over several seeds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--model", default="bias")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tables = load_data(given.data)
    rows: list[dict[str, Any]] = []
    print(f"{'drift':<11}{'shape':<11}found<=500 found<=1000 median  named  recovered<=2000")
    for kind in KINDS:
        for shape in given.shapes:
            cases = [inject(tables, kind, shape, seed) for seed in range(given.seeds)]
            measured: list[dict[str, Any]] = []
            with progress_bar(f"{kind}, {shape}", len(cases)) as advance:
                for case in cases:
                    measured.append(measure(tables, case))
                    advance(1)
            row = summarise(kind, shape, measured)
            if shape == "abrupt" and kind != "popularity":
                row["recovery"] = [
                    recovery(tables, case, given.model, seed) for seed, case in enumerate(cases)
                ]
                recovered = [r["back_after"] or np.inf for r in row["recovery"]]
                row["back_within_2000"] = float(np.mean(np.array(recovered) <= 2000))
            rows.append(row)
            print(
                f"{kind:<11}{shape:<11}{row['found_within_500']:>10.2f} "
                f"{row['found_within_1000']:>11.2f} {row['median_delay']:>6.0f} "
                f"{row['named']:>6.2f}  {row.get('back_within_2000', '')}"
            )
    abrupt = [row["found_within_500"] for row in rows if row["shape"] == "abrupt"]
    if abrupt:
        print(f"abrupt drifts found within 500 affected ratings: {np.mean(abrupt):.1%} of all runs")
    years = (tables.manifest.last - tables.manifest.first) / YEAR
    catalogue = Catalogue.of(tables.movies)
    alarms = [
        len(detect(InteractionLog.of(shuffle_sessions(tables.ratings, seed), catalogue)))
        for seed in range(given.seeds)
    ]
    print(f"alarms in {given.seeds} shuffled logs of {years:.1f} years: {alarms}, "
          f"{np.mean(alarms) / years:.3f} a year")  # fmt: skip
    if given.out is not None:
        document = {"data": given.data, "rows": rows, "alarms": alarms}
        given.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
