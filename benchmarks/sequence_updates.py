"""Fine-tuning of the sequence model against keeping it and against retraining.

The network is fitted to the first 80 % of a log, and fine-tuned on the next tenth, at once or in
three steps. The next movie of each rating of the last tenth (a sample of them) is ranked among the
movies its user has not rated, as of its moment, by the network alone. Intervals are over users;
seconds are processor time, relative to training on the first 90 %.

    python benchmarks/sequence_updates.py DATA... [--into docs/models.md]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tables import markdown, put_table, with_interval

from foreseen.compute.threads import one_thread
from foreseen.data.canonical import load_data
from foreseen.data.catalogue import Catalogue
from foreseen.evaluation.intervals import mean_over_users
from foreseen.evaluation.metrics import TOP
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import settings_for

SEED: Final = 0
FITTED: Final = 0.8
NOW: Final = 0.9
SAMPLE: Final = 5000
BLOCK: Final = 256
COLUMNS: Final = ("data", "weights", "NDCG@10", "difference to those of 80 % (paired)", "seconds")


class Events(NamedTuple):
    """Ratings whose movies are ranked: rows of users and of movies, and timestamps."""

    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    time: NDArray[np.int64]


def rows_of(name: str, log: InteractionLog) -> list[list[str]]:
    """Return the rows of the table for one data set.

    Raises:
        ValueError: If the log is too small for a sequence model.
    """
    settings = settings_for(int(FITTED * len(log.rating)), len(log.catalogue))
    if settings is None:
        raise ValueError(f"{name} is too small for a sequence model")
    moments = [int(log.timestamp[int(share * len(log.rating))]) for share in (FITTED, NOW)]
    fitted, now = moments
    times = log.histories.times
    steps = [int(part) for part in np.linspace(fitted, now, 4)[1:]]

    def train(until: int) -> SequenceModel:
        return SequenceModel.fitted(settings, log, times < until, SEED)

    def in_steps() -> SequenceModel:
        model = old
        for step in steps:
            model = model.finetuned(log, step, SEED)
        return model

    old, _ = timed(lambda: train(fitted))
    new, full = timed(lambda: train(now))
    once, cost = timed(lambda: old.finetuned(log, now, SEED))
    thrice, cost_in_steps = timed(in_steps)
    models = {
        "of the first 80 %": (old, 0.0),
        "fine-tuned once": (once, cost),
        "fine-tuned in three steps": (thrice, cost_in_steps),
        "of the first 90 %": (new, full),
    }
    events = sample(log, now)
    users = events.user
    found = {label: ndcg(model, log, events) for label, (model, _) in models.items()}
    base = found["of the first 80 %"]
    rows: list[list[str]] = []
    for label, (_, seconds) in models.items():
        level, delta = (
            with_interval(mean_over_users(by_user(users, values)))
            for values in (found[label], found[label] - base)
        )
        rows.append([name, label, level, delta, f"{seconds / full:.0%}"])
    return rows


def timed(fit: Callable[[], SequenceModel]) -> tuple[SequenceModel, float]:
    """Return a model and the processor seconds of its training."""
    begun = time.process_time()
    return fit(), time.process_time() - begun


def sample(log: InteractionLog, now: int) -> Events:
    """Draw ratings from a moment on whose users had rated before."""
    rows = np.flatnonzero(log.timestamp >= now)
    rows = rows[log.histories.known(log.user[rows], log.timestamp[rows]) > 0]
    drawn = np.random.default_rng(SEED).permutation(rows)[:SAMPLE]
    return Events(log.user[drawn], log.movie[drawn], log.timestamp[drawn])


def ndcg(model: SequenceModel, log: InteractionLog, events: Events) -> NDArray[np.float64]:
    """Return NDCG@10 of each event's movie among those its user has not rated before."""
    histories = log.histories
    found = np.zeros(len(events.user))
    for first in range(0, len(found), BLOCK):
        part = slice(first, first + BLOCK)
        user, movie, moment = events.user[part], events.movie[part], events.time[part]
        scores = model.log_probabilities(log.view, user, moment)[:, :, 0]
        for row, stop in enumerate(histories.ends(user, moment)):
            target = scores[row, movie[row]]
            scores[row, histories.movie[histories.starts[user[row]] : stop]] = -np.inf
            rank = int((scores[row] > target).sum())
            found[first + row] = 1 / np.log2(rank + 2) if rank < TOP else 0.0
    return found


def by_user(user: NDArray[np.int32], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean value of each user."""
    table = pl.DataFrame({"user": user, "value": values})
    return table.group_by("user", maintain_order=True).mean()["value"].to_numpy()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="+")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    rows: list[list[str]] = []
    with one_thread():
        for data in given.data:
            tables = load_data(data)
            log = InteractionLog.of(tables.ratings, Catalogue.of(tables.movies))
            rows += rows_of(Path(data).name, log)
    put_table("sequence-updates", markdown(COLUMNS, rows), given.into)


if __name__ == "__main__":
    main()
