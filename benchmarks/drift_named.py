"""Named drift: which finding a known change gives first, how soon, and how it is dated.

Every kind, shape and strength of `drift_kinds.py` is injected into logs in which nothing else
changes. Delays are in affected ratings: until the alarm of a finding, and until it is named. A
change is named if the first finding after its begin is of an expected kind and label. Findings in
logs without a change are false. Detectors of river read the absolute error of the running bias
prediction of the same logs: they have no names.

    python benchmarks/drift_named.py ml-latest-small dense --seeds 3 --out named.json
    python benchmarks/drift_named.py ml-latest-small --shapes abrupt --strengths strong --peers
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from drift_kinds import KINDS, SHAPES, STRENGTHS, YEAR, Injected, inject
from drift_logs import background
from river.drift import ADWIN, KSWIN, PageHinkley

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.drift.detectors import DriftDetector, detect
from foreseen.drift.finding import Finding
from foreseen.drift.stream_inputs import StreamInputs
from foreseen.features.interaction_log import InteractionLog
from foreseen.progress import progress_bar

SOON: Final = 500
HOW_USERS_RATE: Final = ("scale", "spread", "level", "error", "agreement", "taste", "movie")
PEERS: Final[dict[str, Callable[[], DriftDetector]]] = {
    "ADWIN": ADWIN,
    "Page-Hinkley": PageHinkley,
    "KSWIN": partial(KSWIN, seed=0),
}


@dataclass(frozen=True)
class Run:
    """One change and what was found of it.

    Attributes:
        data: Name of the background.
        kind: Kind of the change.
        shape: Its shape over time.
        strength: Its strength.
        seed: Random seed.
        named: Kind and label of the first finding; None if there was none.
        right: Whether it names the change.
        delay: Affected ratings until the alarm of the first finding that names the change; None if
            none does.
        named_delay: The same until that finding is named.
        any_delay: Affected ratings until the first finding.
        ratings: Ratings from the change to its estimated date, negative if that is before.
        days: Days from the change to its estimated date.
        beside: Findings within the 2,000 affected ratings after the begin, beside the first.
        peers: Affected ratings until the first alarm of each peer.
    """

    data: str
    kind: str
    shape: str
    strength: str
    seed: int
    named: str | None
    right: bool
    delay: int | None
    named_delay: int | None
    any_delay: int | None
    ratings: int | None
    days: float | None
    beside: int
    peers: dict[str, int | None]


def measure(task: tuple[str, str, str, str, int], peers: bool) -> Run:
    """Inject one change and detect it."""
    data, kind, shape, strength, seed = task
    case = inject(*background(data, seed), kind, shape, strength, seed)
    log = InteractionLog.of(case.ratings, Catalogue.of(case.movies))
    times = case.ratings[TIMESTAMP].to_numpy().astype(np.int64)
    after = [found for found in detect(log) if found.found >= case.begins]
    right = [found for found in after if is_expected(found, case)]

    def affected_until(second: int) -> int:
        return int(case.affected[times <= second].sum())

    def delay(found: Finding) -> int:
        return affected_until(found.found)

    ratings = days = named_delay = None
    if right:
        named_delay = affected_until(int(times[-1]) if right[0].named is None else right[0].named)
        begin, since = np.searchsorted(times, [case.begins, right[0].since])
        ratings, days = int(since - begin), (right[0].since - case.begins) / 86_400
    return Run(
        *task,
        named=f"{after[0].kind}: {after[0].label}" if after else None,
        right=bool(after) and is_expected(after[0], case),
        delay=delay(right[0]) if right else None,
        named_delay=named_delay,
        any_delay=delay(after[0]) if after else None,
        ratings=ratings,
        days=days,
        beside=sum(delay(found) <= 4 * SOON for found in after[1:]),
        peers=peer_delays(log, case) if peers else {},
    )


def is_expected(found: Finding, case: Injected) -> bool:
    """Return whether a finding names the change."""
    labels = case.expected.get(found.kind, set())
    return labels is None or found.label in labels


def peer_delays(log: InteractionLog, case: Injected) -> dict[str, int | None]:
    """Return the affected ratings until each peer's first alarm after the change.

    A peer reads the absolute one-step errors of a bias model, in order of time.
    """
    errors = np.abs(StreamInputs(log).residual)
    begin = int(np.searchsorted(log.timestamp, case.begins))
    delays: dict[str, int | None] = {}
    for name, new in PEERS.items():
        test, delays[name] = new(), None
        # The peers' windows are short: 5,000 values suffice to set what they expect.
        for n in range(max(begin - 5_000, 0), len(errors)):
            test.update(float(errors[n]))
            if test.drift_detected and n >= begin:
                delays[name] = int(case.affected[: n + 1].sum())
                break
    return delays


def false_findings(task: tuple[str, int]) -> dict[str, float]:
    """Return the findings per year in a log without a change."""
    ratings, movies = background(*task)
    times = ratings[TIMESTAMP]
    years = (int(times[-1]) - int(times[0])) / YEAR
    found = detect(InteractionLog.of(ratings, Catalogue.of(movies)))
    rating = sum(finding.kind in HOW_USERS_RATE for finding in found)
    return {"years": years, "all": len(found), "how users rate": rating}


def summary(runs: list[Run]) -> str:
    """Return a line of figures of several runs."""
    delays = np.array([np.inf if run.delay is None else run.delay for run in runs])
    named = np.array([np.inf if run.named_delay is None else run.named_delay for run in runs])
    ratings = [abs(run.ratings) for run in runs if run.ratings is not None]
    days = [abs(run.days) for run in runs if run.days is not None]
    other = Counter(run.named or "nothing" for run in runs if not run.right).most_common(3)
    return (
        f"named {np.mean([run.right for run in runs]):4.0%} | found within {SOON} "
        f"{np.mean(delays <= SOON):4.0%}, named {np.mean(named <= SOON):4.0%} | "
        f"median delay {np.median(delays):6,.0f} | dated within "
        f"{np.median(ratings) if ratings else np.nan:6,.0f} ratings, "
        f"{np.median(days) if days else np.nan:5,.0f} days | beside "
        f"{np.mean([run.beside for run in runs]):.1f} | "
        + ", ".join(f"{name} {count}" for name, count in other)
    )


def main() -> None:
    """Measure the chosen kinds, shapes and strengths, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="*", default=["ml-latest-small"])
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--strengths", nargs="*", choices=STRENGTHS, default=list(STRENGTHS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0, help="seeds 0 to 4 set the rules")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    tasks = [
        (data, kind, shape, strength, seed)
        for data in given.data
        for seed in seeds
        for shape in given.shapes
        for strength in given.strengths
        for kind in given.kinds
    ]
    runs: list[Run] = []
    with ProcessPoolExecutor(given.jobs) as pool, progress_bar("changes", len(tasks)) as advance:
        for run in pool.map(partial(measure, peers=given.peers), tasks):
            runs.append(run)
            advance(1)
        placebo = [(data, seed) for data in given.data for seed in seeds]
        quiet = list(pool.map(false_findings, placebo))
    for key in dict.fromkeys((run.data, run.shape, run.strength) for run in runs):
        group = [run for run in runs if (run.data, run.shape, run.strength) == key]
        print(", ".join(key))
        for kind in given.kinds:
            print(f"  {kind:<14} {summary([run for run in group if run.kind == kind])}")
        print(f"  {'all':<14} {summary(group)}")
        for name in PEERS if given.peers else ():
            found = [run.peers[name] for run in group]
            delays = np.array([np.inf if delay is None else delay for delay in found])
            print(f"  {name:<14} alarm within {SOON} {np.mean(delays <= SOON):4.0%}")
    for data in given.data:
        counts = [count for (name, _), count in zip(placebo, quiet, strict=True) if name == data]
        years = sum(count["years"] for count in counts)
        for what in ("all", "how users rate"):
            rate = sum(count[what] for count in counts) / years
            print(f"{data}: {rate:.3f} false findings a year, {what}")
    if given.out is not None:
        document = {"runs": [asdict(run) for run in runs], "placebo": quiet}
        given.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
