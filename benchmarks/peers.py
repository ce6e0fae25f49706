"""Comparison with other libraries on the same data, splits and metrics.

Every library runs in a separate environment, created here from `peers/*.txt`. Its settings are
selected from a few on validation data, which is the same split of the first 80 % of the ratings;
then it is evaluated once on the test part. Peers are fitted to the revealed halves of the new users
too, including later users'; Foreseen predicts each user as of their last revealed rating.

    python benchmarks/peers.py [DATA] [--out work/peers] [--into README.md]

Predictions are stored under `--out`, so that an interrupted run resumes. On Linux,
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu avoids CUDA packages.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from tables import markdown, put_table

from foreseen.data import canonical
from foreseen.data.canonical import Tables
from foreseen.data.fingerprint import fingerprint
from foreseen.data.schema import GENRES, MOVIE, PREDICTION, RATING, TIMESTAMP, USER
from foreseen.evaluation.intervals import Estimate, mean_over_users
from foreseen.evaluation.metrics import (
    as_dicts,
    order_metrics,
    rating_errors,
)
from foreseen.evaluation.protocols import PROTOCOLS
from foreseen.evaluation.ranking_metrics import binary_ndcg
from foreseen.evaluation.splits import TEST_FROM, TRAIN_SHARE, cut, fold_in
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.files import write_atomically
from foreseen.models.spec import parse_settings

LIBRARIES: Final = Path(__file__).with_suffix("")
FORESEEN: Final = ("bias", "hybrid", "ensemble")
COLUMNS: Final = (USER, MOVIE, RATING, TIMESTAMP)
ONE_THREAD: Final = {
    f"{name}_NUM_THREADS": "1"
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON", "LK", "LK_NUM_BACKEND")
}
HEADERS: Final = {
    "rmse": "RMSE",
    "rmse_user": "RMSE per user",
    "ndcg10": "NDCG@10",
    "pairwise": "pairwise accuracy",
    "catalogue_ndcg10": "catalogue NDCG@10",
    "live": "live RMSE",
}
ERRORS: Final = ("rmse", "rmse_user", "live")
"""Metrics of which lower values are better."""


@dataclass(frozen=True)
class Peer:
    """One model of a library.

    Attributes:
        library: Its script and its requirements have its name.
        model: Name of the model.
        task: `fold-in` or `stream`, to predict ratings; `ranking`, of the catalogue for the users
            of the fold-in split; or `next-item`, of the catalogue for the last movie of each user.
        grid: Settings to select from.
    """

    library: str
    model: str
    task: str
    grid: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The label of its row."""
        return f"{self.library}: {self.model}"


PEERS: Final = (
    Peer("surprise", "SVD", "fold-in", [{"n_factors": k, "n_epochs": 30} for k in (10, 50)]),
    Peer("surprise", "SVD++", "fold-in", [{"n_factors": 10, "n_epochs": n} for n in (15, 25)]),
    Peer("surprise", "KNNBaseline", "fold-in", [{"k": k} for k in (20, 60)]),
    Peer("lenskit", "bias", "fold-in", [{"damping": d} for d in (2, 5, 10)]),
    Peer("lenskit", "item kNN", "fold-in", [{"max_nbrs": n} for n in (20, 60)]),
    Peer(
        "lenskit",
        "biased MF",
        "fold-in",
        [{"embedding_size": k, "regularization": r} for k in (10, 50) for r in (0.1, 0.5)],
    ),
    Peer("myfm", "ids only", "fold-in", [{"rank": k} for k in (4, 8)]),
    Peer("myfm", "implicit feedback and genres", "fold-in", [{"rank": k} for k in (4, 8, 12)]),
    Peer(
        "implicit",
        "recent popularity",
        "ranking",
        [{"half_life_days": d} for d in (30, 180, 1000)],
    ),
    Peer(
        "implicit",
        "ALS",
        "ranking",
        [{"factors": k, "alpha": a} for k in (16, 64) for a in (1.0, 5.0)],
    ),
    Peer("implicit", "EASE", "ranking", [{"regularization": r} for r in (100.0, 300.0, 1000.0)]),
    Peer(
        "rectools",
        "SASRec",
        "ranking",
        [{"epochs": n} for n in (8, 20)],
    ),
    Peer(
        "river",
        "BiasedMF",
        "stream",
        [{"factors": 10, "rate": r, "penalty": p} for r in (0.01, 0.03) for p in (0.01, 0.1)],
    ),
)


@dataclass(frozen=True)
class Split:
    """A split as files for a peer.

    Attributes:
        folder: Has `known.csv`, `test.csv` and `movies.csv`.
        test: The ratings to predict.
    """

    folder: Path
    test: pl.DataFrame

    @classmethod
    def write(cls, tables: Tables, ratings: pl.DataFrame, task: str, folder: Path) -> "Split":
        """Split ratings for a task and write the files."""
        if task == "stream":
            known, test = cut(ratings, TEST_FROM)
        else:
            split = fold_in(ratings)
            known, test = pl.concat([split.known, split.revealed]), split.hidden
        return cls.of(tables, known, test, folder)

    @classmethod
    def of(cls, tables: Tables, known: pl.DataFrame, test: pl.DataFrame, folder: Path) -> "Split":
        """Write the files of known and test ratings."""
        folder.mkdir(parents=True, exist_ok=True)
        known.sort(TIMESTAMP, maintain_order=True).select(COLUMNS).write_csv(folder / "known.csv")
        test.select(COLUMNS).write_csv(folder / "test.csv")
        movies = tables.movies.select(MOVIE, pl.col(GENRES).list.join("|"))
        movies.write_csv(folder / "movies.csv")
        return cls(folder, test)


def main() -> None:
    """Select settings, evaluate, print the table and write it if a document is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--out", type=Path, default=Path("work/peers"))
    parser.add_argument("--into", type=Path, help="document to write the table into")
    parser.add_argument("--library", action="append", help="only these; may be repeated")
    given = parser.parse_args()
    tables = canonical.load_data(given.data, None)
    peers = [peer for peer in PEERS if not given.library or peer.library in given.library]
    rows: dict[str, dict[str, Estimate]] = {}
    selected: dict[str, Mapping[str, Any]] = {}
    for peer in peers:
        print(f"{peer.name} ...", file=sys.stderr, flush=True)
        selected[peer.name], rows[peer.name] = evaluate_peer(peer, tables, given.out)
    if not given.library:
        rows |= {f"Foreseen: `{name}`": evaluate_foreseen(name, tables) for name in FORESEEN}
    metrics = {name: as_dicts(estimates) for name, estimates in rows.items()}
    document = {"data": tables.manifest.source, "metrics": metrics, "settings": selected}
    text = json.dumps(document, indent=2)
    write_atomically(given.out / "peers.json", lambda path: path.write_text(text, encoding="utf-8"))
    put_table("peers", as_table(rows), given.into)


def evaluate_peer(
    peer: Peer, tables: Tables, out: Path
) -> tuple[Mapping[str, Any], dict[str, Estimate]]:
    """Select a peer's settings on validation data, then evaluate it on the test part."""
    protocol = "stream" if peer.task == "stream" else "fold-in"
    folder = out / "splits" / fingerprint(tables) / protocol
    early, _ = cut(tables.ratings, TEST_FROM if peer.task == "stream" else TRAIN_SHARE)
    validation = Split.write(tables, early, peer.task, folder / "validation")
    metrics = [run_peer(peer, settings, validation, out) for settings in peer.grid]
    if peer.task == "ranking":
        best = max(range(len(metrics)), key=lambda n: metrics[n]["catalogue_ndcg10"].value)
    else:
        name = "live" if peer.task == "stream" else "rmse"
        best = min(range(len(metrics)), key=lambda n: metrics[n][name].value)
    test = Split.write(tables, tables.ratings, peer.task, folder / "test")
    return peer.grid[best], run_peer(peer, peer.grid[best], test, out)


def run_peer(
    peer: Peer, settings: Mapping[str, Any], split: Split, out: Path
) -> dict[str, Estimate]:
    """Return the metrics of a peer on a split; run it unless its predictions are stored."""
    file = results_of(peer, settings, split, out)
    if peer.task == "ranking":
        return {"catalogue_ndcg10": catalogue_ndcg(pl.read_csv(file), split.test)}
    predicted = split.test.with_columns(pl.Series(PREDICTION, np.loadtxt(file)))
    if peer.task == "stream":
        return {"live": rating_errors(predicted)["rmse"]}
    return rating_errors(predicted) | order_metrics(predicted)


def results_of(peer: Peer, settings: Mapping[str, Any], split: Split, out: Path) -> Path:
    """Return the file of a peer's predictions or rankings; run it unless they are stored.

    The processor time of the run, in seconds, is in the file `seconds` beside it.
    """
    arguments = json.dumps(settings, sort_keys=True)
    script = LIBRARIES / f"with_{peer.library}.py"
    sources = [script, script.with_name("exchange.py"), script.with_name(f"{peer.library}.txt")]
    parts = [peer.model, arguments, *(file.read_text(encoding="utf-8") for file in sources)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    folder = split.folder / "predictions" / f"{peer.library}-{digest}"
    ranks = peer.task in {"ranking", "next-item"}
    file = folder / ("rankings.csv" if ranks else "ratings.csv")
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        python = environment(peer.library, out)
        begun = processor_seconds()
        command = [python, script, split.folder, folder, peer.model, arguments]
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **ONE_THREAD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{peer.name} {arguments} failed:\n{done.stderr[-2000:]}")
        seconds = processor_seconds() - begun
        print(f"  {arguments}: {seconds:.0f} s", file=sys.stderr, flush=True)
        (folder / "seconds").write_text(f"{seconds:.1f}\n", encoding="utf-8")
    return file


def processor_seconds() -> float:
    """Return the processor time of this process and, except on Windows, of its children."""
    return sum(os.times()[:4])


def catalogue_ndcg(rankings: pl.DataFrame, test: pl.DataFrame) -> Estimate:
    """Return NDCG@10 over the catalogue, of the users with a liked test rating.

    Args:
        rankings: userId and movieId, best first for each user.
        test: The test ratings.
    """
    liked = test.filter(pl.col(RATING) >= LIKED_FROM)
    values: list[float] = []
    for ratings in liked.partition_by(USER, maintain_order=True):
        top = rankings.filter(pl.col(USER) == ratings[USER][0])[MOVIE].to_numpy()
        hits = np.isin(top, ratings[MOVIE].to_numpy())
        values.append(binary_ndcg(hits, ratings.height))
    return mean_over_users(np.array(values))


def environment(library: str, out: Path) -> Path:
    """Return the Python interpreter of a library's environment; create it if it is missing."""
    folder = out / "environments" / library
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed, requirements = folder / "installed", LIBRARIES / f"{library}.txt"
    text = requirements.read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != text:
        print(f"  installing {library}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        options = ["--quiet", "--only-binary=:all:", "-r", str(requirements)]
        subprocess.run([str(python), "-m", "pip", "install", *options], check=True)
        installed.write_text(text, encoding="utf-8")
    return python.absolute()


def evaluate_foreseen(name: str, tables: Tables) -> dict[str, Estimate]:
    """Return the metrics of a model of this package, with its default settings."""
    print(f"Foreseen: {name} ...", file=sys.stderr, flush=True)
    settings = parse_settings(name)
    new_users = PROTOCOLS["foldin"](tables)(name, settings, 0)[0]
    live = PROTOCOLS["stream"](tables)(name, settings, 0)[0]
    assert new_users.ranking is not None
    return {
        **rating_errors(new_users.events),
        **order_metrics(new_users.events),
        "catalogue_ndcg10": Estimate(**new_users.ranking["blend"]["ndcg10"]),
        "live": rating_errors(live.events)["rmse"],
    }


def as_table(rows: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Return the metrics as Markdown, the best of each column in bold."""
    best = {
        metric: (min if metric in ERRORS else max)(
            row[metric].value for row in rows.values() if metric in row
        )
        for metric in HEADERS
        if any(metric in row for row in rows.values())
    }
    header = ["", *(HEADERS[metric] for metric in best)]
    lines = [
        [name, *(_cell(row.get(metric), value) for metric, value in best.items())]
        for name, row in rows.items()
    ]
    return markdown(header, lines)


def _cell(estimate: Estimate | None, best: float) -> str:
    if estimate is None:
        return ""
    value = f"{estimate.value:.3f}"
    if estimate.value == best:
        value = f"**{value}**"
    return f"{value} ({estimate.low:.2f}-{estimate.high:.2f})"


if __name__ == "__main__":
    main()
