"""Training speed of the sequence network beside RecTools' SASRec, at equal width, depth and length.

Both are fitted for one pass over the log and for several; the difference in processor time, which
start-up, preparation and ranking do not enter, is that of the further passes. The loss of both is
the softmax over the whole catalogue, and both get the movies in time order. RecTools reads each
user's latest LENGTH movies, in batches of several sizes of which the fastest counts; this package
reads every rating, in windows of LENGTH, with its second loss, time biases and movie attributes.
A rating is one next movie that is learned from.

    python benchmarks/sequence_speed.py [DATA...] [--width 64] [--length 100] [--into docs/scale.md]
"""

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from measures import Measure, add_option, write
from peers import Peer, Split, results_of
from tables import markdown, put_table

from foreseen.compute.threads import keep_to_one_thread
from foreseen.data.canonical import Tables, load_data
from foreseen.data.catalogue import Catalogue
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import USER
from foreseen.evaluation.splits import leave_last_out
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.settings import SequenceSettings

LAYERS: Final = 2
HEADS: Final = 2
PASSES: Final = (1, 4)
BATCH_SIZES: Final = (16, 64)
"""Users per step of RecTools."""
COLUMNS: Final = ("data", "model", "ratings per pass", "seconds per pass", "ratings per second", "")


@dataclass(frozen=True)
class Speed:
    """Of one model: ratings of a pass, and processor seconds of it."""

    model: str
    ratings: int
    seconds: float

    @property
    def rate(self) -> float:
        """Ratings per processor second."""
        return self.ratings / self.seconds


def ours(known: pl.DataFrame, tables: Tables, width: int, length: int) -> Speed:
    """Fit the sequence model of this package."""
    log = InteractionLog.of(known, Catalogue.of(tables.movies))
    rows = np.ones(len(log.rating), dtype=np.bool_)
    seconds: list[float] = []
    for passes in PASSES:
        settings = SequenceSettings(
            width=width, layers=LAYERS, heads=HEADS, length=length, epochs=passes
        )
        begun = time.process_time()
        SequenceModel.fitted(settings, log, rows, seed=0)
        seconds.append(time.process_time() - begun)
    ratings = known.height - known[USER].n_unique()
    return Speed("Foreseen: sequence network", ratings, _per_pass(seconds))


def rectools(split: Split, known: pl.DataFrame, width: int, length: int, out: Path) -> Speed:
    """Fit SASRec of RecTools with each batch size; return the fastest."""
    peer = Peer("rectools", "SASRec", "next-item", [])
    ratings = int((known.group_by(USER).len()["len"] - 1).clip(upper_bound=length).sum())
    found: list[Speed] = []
    for size in BATCH_SIZES:
        seconds: list[float] = []
        for passes in PASSES:
            settings = {
                "loss": "softmax", "epochs": passes, "batch_size": size, "n_factors": width,
                "n_blocks": LAYERS, "n_heads": HEADS, "session_max_len": length,
            }  # fmt: skip
            file = results_of(peer, settings, split, out).with_name("seconds")
            seconds.append(float(file.read_text(encoding="utf-8")))
        label = f"RecTools: SASRec, {size} users per step"
        found.append(Speed(label, ratings, _per_pass(seconds)))
    return max(found, key=lambda speed: speed.rate)


def _per_pass(seconds: list[float]) -> float:
    return (seconds[1] - seconds[0]) / (PASSES[1] - PASSES[0])


def main() -> None:
    """Fit both to each data set, print the table and write it if a document is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="*", default=["ml-latest-small"])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("work/peers"))
    parser.add_argument("--into", type=Path, help="document to write the table into")
    add_option(parser)
    given = parser.parse_args()
    keep_to_one_thread()
    lines: list[list[str]] = []
    measures: list[Measure] = []
    for data in given.data:
        tables = load_data(data, keep_order=True)
        known, last, _ = leave_last_out(tables.ratings)
        # Not those of `next_item.py`: the times of a run belong together.
        folder = given.out / "splits" / fingerprint(tables) / "speed"
        split = Split.of(tables, known, last, folder)
        # Those of an earlier run may be of a busier machine.
        shutil.rmtree(split.folder / "predictions", ignore_errors=True)
        print("RecTools ...", file=sys.stderr, flush=True)
        theirs = rectools(split, known, given.width, given.length, given.out)
        own = ours(known, tables, given.width, given.length)
        name = f"training of the sequence network, width {given.width}"
        rate = own.rate
        measures.append(
            Measure(name, rate, "ratings/s", "RecTools", theirs.rate, at_least=2, digits=0)
        )
        for speed in (theirs, own):
            cells = [f"{speed.ratings:,}", f"{speed.seconds:.1f}", f"{speed.rate:,.0f}"]
            ratio = f"{speed.rate / theirs.rate:.1f} times"
            lines.append([Path(data).name, speed.model, *cells, ratio])
    put_table("sequence-speed", markdown(COLUMNS, lines), given.into)
    write(measures, given.measures)


if __name__ == "__main__":
    main()
