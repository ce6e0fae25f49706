"""Injected drift with known truth: is it found, how soon, under its right name, and overcome?

The background is a real log whose sessions have changed places (`foreseen.drift.placebo`), so that
nothing else moves in it. From a moment on, half of the users' ratings change:

- taste: two genres are swapped, the one a star up, the other a star down;
- turned: the users rate 6 less what they gave, against the crowd;
- popularity: a genre is watched three times as often;
- scale: everything is half a star higher, cut at five;
- halves: half of the ratings lose half a star, where there were none but whole ones.

Abrupt, gradual (rising over a tenth of the log) or recurring (on and off, a twentieth each).

    python benchmarks/drift_injected.py ml-latest-small --seeds 10 --out injected.json
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.drift.detectors import Finding, detect
from foreseen.drift.placebo import shuffle_sessions
from foreseen.evaluation.metrics import paired_differences, plain
from foreseen.evaluation.protocols import answer_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.spec import parse_settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

SHAPES = ("abrupt", "gradual", "recurring")
YEAR = 365.25 * 86_400
SOON = 500
RECOVERED = 1.02
STEP = 500
COMMON = 0.05


@dataclass(frozen=True)
class Injected:
    """A log with a drift in it.

    Attributes:
        ratings: The log.
        affected: Which of its rows are changed, or would be were the drift on, of shape E.
        begins: The second it begins.
        names: What a finding of it may be called, by kind and by which.
    """

    ratings: pl.DataFrame
    affected: NDArray[np.bool_]
    begins: int
    names: dict[str, set[str] | None]


def strength(shape: str, position: NDArray[np.float64], begin: float) -> NDArray[np.float64]:
    """Return how much of the drift is on at each place of the log, from 0 to 1."""
    since = position - begin
    if shape == "gradual":
        return np.clip(since / 0.1, 0, 1)
    if shape == "recurring":
        return np.where(since >= 0, (np.floor(since / 0.05) % 2 == 0).astype(float), 0.0)
    return (since >= 0).astype(float)


def inject(tables: Tables, kind: str, shape: str, seed: int) -> Injected:
    """Return a background with one drift in it."""
    generator = np.random.default_rng(seed)
    ratings = shuffle_sessions(tables.ratings, seed)
    catalogue = Catalogue.of(tables.movies)
    if kind == "halves":
        whole = np.clip(np.ceil(ratings[RATING].to_numpy()), 1, 5)
        ratings = ratings.with_columns(pl.Series(RATING, whole))
    genres = catalogue.genres[catalogue.movies.rows(ratings[MOVIE].to_numpy())] > 0
    shares = genres.mean(axis=0)
    common = np.flatnonzero(shares >= COMMON)
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
    names: dict[str, set[str] | None],
) -> Injected:
    return Injected(ratings.with_columns(pl.Series(RATING, rating)), affected, begins, names)


def _popular(
    ratings: pl.DataFrame,
    own: NDArray[np.bool_],
    on: NDArray[np.bool_],
    begins: int,
    name: str,
    generator: np.random.Generator,
) -> Injected:
    """Leave out two thirds of what is not of a genre: its share grows nearly threefold."""
    kept = own | ~on | (generator.random(len(own)) < 1 / 3)
    return Injected(ratings.filter(pl.Series(kept)), (own & on)[kept], begins, {"share": {name}})


def measure(tables: Tables, case: Injected) -> dict[str, Any]:
    """Return whether and how soon a drift was found, and whether error came back down."""
    findings = detect(InteractionLog.of(case.ratings, Catalogue.of(tables.movies)))
    times = case.ratings[TIMESTAMP].to_numpy()
    after = [found for found in findings if found.found >= case.begins]
    right = [found for found in after if _meant(found, case)]

    def delay(found: Finding) -> int:
        return int(case.affected[times <= found.found].sum())

    return {
        "early": sum(found.found < case.begins for found in findings),
        "delay": delay(right[0]) if right else None,
        "named": bool(after) and _meant(after[0], case),
        "found_as": str(right[0]) if right else None,
    }


def _meant(found: Finding, case: Injected) -> bool:
    which = case.names.get(found.what, set())
    return which is None or found.which in which


def recovery(tables: Tables, case: Injected, model: str, seed: int) -> dict[str, Any]:
    """Return after how many ratings the error of what is affected is back, and others' harm."""
    catalogue = Catalogue.of(tables.movies)
    times = case.ratings[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, case.begins))
    learned = case.ratings[: place // 2]
    settings = parse_settings(model)
    fitted = train_on(
        InteractionLog.of(learned, catalogue), model, settings, seed, next_item=UNTRAINED
    )
    events = case.ratings[place // 2 :]
    before = times[place // 2 :]
    answers = answer_events(fitted.observe(events), events, before)
    error = (answers["prediction"] - answers[RATING]).to_numpy() ** 2
    usual = float(np.sqrt(error[before < case.begins].mean()))
    later = before >= case.begins
    found = np.sqrt(
        [part.mean() for part in np.array_split(error[later], max(later.sum() // STEP, 1))]
    )
    back = np.flatnonzero(found <= RECOVERED * usual)
    return {"usual": usual, "worst": float(found.max()), "back_after": int(back[0] + 1) * STEP
            if len(back) else None}  # fmt: skip


def others_harm(tables: Tables, kind: str, seed: int, model: str) -> dict[str, Any]:
    """Return how much worse the users who did not change are answered for the others' change.

    And how much worse if nobody told the model what was changed: nothing wrong is learned then,
    but what those ratings would have told is missing.
    """
    case = inject(tables, kind, "abrupt", seed)
    clean = shuffle_sessions(tables.ratings, seed)
    changed = set(case.ratings.filter(pl.Series(case.affected))[USER].to_list())
    times = clean[TIMESTAMP].to_numpy().astype(np.int64)
    later = pl.Series(times >= case.begins)
    usual = _others(tables, clean, later, changed, model, seed)
    kept = pl.Series(~case.affected)
    told = _others(tables, case.ratings, later, changed, model, seed)
    untold = _others(tables, case.ratings.filter(kept), later.filter(kept), changed, model, seed)
    return {
        "told": plain(paired_differences(usual, told))["rmse"],
        "untold": plain(paired_differences(usual, untold))["rmse"],
    }


def _others(
    tables: Tables,
    log: pl.DataFrame,
    later: pl.Series,
    changed: set[int],
    model: str,
    seed: int,
) -> pl.DataFrame:
    """Return the answers to the later ratings of users who did not change."""
    before, after = log.filter(~later), log.filter(later)
    log = InteractionLog.of(before, Catalogue.of(tables.movies))
    fitted = train_on(log, model, parse_settings(model), seed, next_item=UNTRAINED)
    moments = after[TIMESTAMP].to_numpy().astype(np.int64)
    answers = answer_events(fitted.observe(after), after, moments)
    return answers.filter(~answers[USER].is_in(list(changed)))


def main() -> None:
    """Measure all kinds and shapes over several seeds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--model", default="bias")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    tables = load_data(given.data)
    years = (tables.manifest.last - tables.manifest.first) / YEAR
    rows: list[dict[str, Any]] = []
    kinds = ("taste", "turned", "popularity", "scale", "halves")
    print(f"{'kind':<11}{'shape':<11}found<=500 found<=1000 median  named  back<=2000")
    for kind in kinds:
        for shape in SHAPES:
            cases = [inject(tables, kind, shape, seed) for seed in range(given.seeds)]
            measured: list[dict[str, Any]] = []
            with progress_bar(f"{kind}, {shape}", len(cases)) as advance:
                for case in cases:
                    measured.append(measure(tables, case))
                    advance(1)
            delays = [m["delay"] if m["delay"] is not None else np.inf for m in measured]
            row: dict[str, Any] = {
                "kind": kind,
                "shape": shape,
                "found_within_500": float(np.mean(np.array(delays) <= SOON)),
                "found_within_1000": float(np.mean(np.array(delays) <= 2 * SOON)),
                "median_delay": float(np.median(delays)),
                "named": float(np.mean([m["named"] for m in measured])),
                "cases": measured,
            }
            if shape == "abrupt" and kind != "popularity":
                row["recovery"] = [
                    recovery(tables, case, given.model, seed) for seed, case in enumerate(cases)
                ]
                backs = [r["back_after"] or np.inf for r in row["recovery"]]
                row["back_within_2000"] = float(np.mean(np.array(backs) <= 2000))
            rows.append(row)
            back = row.get("back_within_2000", "")
            print(
                f"{kind:<11}{shape:<11}{row['found_within_500']:>10.2f} "
                f"{row['found_within_1000']:>11.2f} {row['median_delay']:>6.0f} "
                f"{row['named']:>6.2f}  {back}"
            )
    abrupt = [row["found_within_500"] for row in rows if row["shape"] == "abrupt"]
    print(f"abrupt drifts found within 500 affected ratings: {np.mean(abrupt):.1%} of all runs")
    harm = {kind: [others_harm(tables, kind, seed, given.model) for seed in range(3)]
            for kind in ("taste", "turned")}  # fmt: skip
    for kind, found in harm.items():
        for told, words in (("told", "others'"), ("untold", "without what was changed, others'")):
            shown = ", ".join(
                f"{f[told]['value']:+.4f} ({f[told]['low']:+.4f} to {f[told]['high']:+.4f})"
                for f in found
            )
            print(f"{words} RMSE after {kind}, more than without it: {shown}")
    alarms = [
        len(
            detect(
                InteractionLog.of(shuffle_sessions(tables.ratings, s), Catalogue.of(tables.movies))
            )
        )
        for s in range(given.seeds)
    ]
    print(f"alarms in {given.seeds} shuffled logs of {years:.1f} years: {alarms}, "
          f"{np.mean(alarms) / years:.3f} a year")  # fmt: skip
    if given.out is not None:
        document = {"data": given.data, "rows": rows, "others": harm, "alarms": alarms}
        given.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
