"""Other libraries and ours on the same data, the same splits, by the same measures.

Every library runs in an environment of its own, made here from `peers/*.txt`. Its settings are
chosen among a few on validation data, which is the same split of the first 80 % of the ratings;
then it is measured once. Peers may be fitted to the revealed halves of the new users too; ours
answer each as of their own moment.

    python benchmarks/peers.py [DATA] [--out work/peers] [--into README.md]

Answers are kept under `--out`, by what was asked: a run that was stopped goes on where it was. On
Linux, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu keeps CUDA out.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
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
from foreseen.evaluation.metrics import Measured, mean_over_users, order_quality, rating_errors
from foreseen.evaluation.protocols import PROTOCOLS
from foreseen.evaluation.ranking_metrics import hit_ndcg
from foreseen.evaluation.splits import TEST_FROM, TRAIN_SHARE, cut, fold_in
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.files import write_atomically
from foreseen.models.spec import parse_settings

LIBRARIES: Final = Path(__file__).with_suffix("")
OURS: Final = ("bias", "hybrid", "ensemble")
COLUMNS: Final = (USER, MOVIE, RATING, TIMESTAMP)
ONE_THREAD: Final = {
    f"{name}_NUM_THREADS": "1"
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON", "LK", "LK_NUM_BACKEND")
}
HEADERS: Final = {
    "rmse": "RMSE",
    "rmse_user": "RMSE per user",
    "ndcg10": "NDCG@10",
    "pairwise": "pairs in order",
    "lists": "catalogue NDCG@10",
    "live": "live RMSE",
}


@dataclass(frozen=True)
class Peer:
    """One model of a library.

    Attributes:
        library: Its script and its requirements bear its name.
        model: Which of its models.
        answers: What it answers: stars of `fold-in` pairs, a `list`, or stars of a `stream`.
        grid: Settings to choose among.
    """

    library: str
    model: str
    answers: str
    grid: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """What it is called in the table."""
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
    Peer("myfm", "plain", "fold-in", [{"rank": k} for k in (4, 8)]),
    Peer("myfm", "with lists and genres", "fold-in", [{"rank": k} for k in (4, 8, 12)]),
    Peer("implicit", "recent popularity", "list", [{"half_life_days": d} for d in (30, 180, 1000)]),
    Peer(
        "implicit",
        "ALS",
        "list",
        [{"factors": k, "alpha": a} for k in (16, 64) for a in (1.0, 5.0)],
    ),
    Peer("implicit", "EASE", "list", [{"regularization": r} for r in (100.0, 300.0, 1000.0)]),
    Peer(
        "rectools",
        "SASRec",
        "list",
        [{"factors": 64, "length": 100, "epochs": n} for n in (8, 20)],
    ),
    Peer(
        "river",
        "BiasedMF",
        "stream",
        [{"factors": 10, "rate": r, "penalty": p} for r in (0.01, 0.03) for p in (0.01, 0.1)],
    ),
)


@dataclass(frozen=True)
class Task:
    """A split as a peer sees it, in a folder, and what it is measured on."""

    folder: Path
    asked: pl.DataFrame

    @classmethod
    def write(cls, tables: Tables, ratings: pl.DataFrame, answers: str, folder: Path) -> "Task":
        """Split some ratings and write what a peer may know and is asked."""
        if answers == "stream":
            known, asked = cut(ratings, TEST_FROM)
        else:
            split = fold_in(ratings)
            known, asked = pl.concat([split.known, split.revealed]), split.hidden
        folder.mkdir(parents=True, exist_ok=True)
        known.sort(TIMESTAMP, maintain_order=True).select(COLUMNS).write_csv(folder / "known.csv")
        asked.select(COLUMNS).write_csv(folder / "asked.csv")
        movies = tables.movies.select(MOVIE, pl.col(GENRES).list.join("|"))
        movies.write_csv(folder / "movies.csv")
        return cls(folder, asked)


def main() -> None:
    """Choose, measure, print; write the table where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default="ml-latest-small")
    parser.add_argument("--out", type=Path, default=Path("work/peers"))
    parser.add_argument("--into", type=Path, help="a file to write the table into")
    parser.add_argument("--library", action="append", help="only these; may be repeated")
    given = parser.parse_args()
    tables = canonical.load_data(given.data, None)
    peers = [peer for peer in PEERS if not given.library or peer.library in given.library]
    rows: dict[str, dict[str, Measured]] = {}
    chosen: dict[str, Mapping[str, Any]] = {}
    for peer in peers:
        print(f"{peer.name} ...", file=sys.stderr, flush=True)
        chosen[peer.name], rows[peer.name] = measure(peer, tables, given.out)
    if not given.library:
        rows |= {f"Foreseen: `{name}`": measure_ours(name, tables) for name in OURS}
    figures = {name: {n: vars(value) for n, value in own.items()} for name, own in rows.items()}
    document = {"data": tables.manifest.source, "figures": figures, "settings": chosen}
    text = json.dumps(document, indent=2)
    write_atomically(given.out / "peers.json", lambda path: path.write_text(text, encoding="utf-8"))
    table = as_table(rows)
    put_table("peers", table, given.into)


def measure(peer: Peer, tables: Tables, out: Path) -> tuple[Mapping[str, Any], dict[str, Measured]]:
    """Choose a peer's settings on validation data, then measure it once."""
    protocol = "stream" if peer.answers == "stream" else "fold-in"
    folder = out / "tasks" / fingerprint(tables) / protocol
    early, _ = cut(tables.ratings, TEST_FROM if peer.answers == "stream" else TRAIN_SHARE)
    trial = Task.write(tables, early, peer.answers, folder / "validation")
    found = [figures_of(peer, settings, trial, out) for settings in peer.grid]
    if peer.answers == "list":
        best = max(range(len(found)), key=lambda n: found[n]["lists"].value)
    else:
        name = "live" if peer.answers == "stream" else "rmse"
        best = min(range(len(found)), key=lambda n: found[n][name].value)
    test = Task.write(tables, tables.ratings, peer.answers, folder / "test")
    return peer.grid[best], figures_of(peer, peer.grid[best], test, out)


def figures_of(
    peer: Peer, settings: Mapping[str, Any], task: Task, out: Path
) -> dict[str, Measured]:
    """Run a peer on a task, unless it has been, and measure what it answers."""
    wish = json.dumps(settings, sort_keys=True)
    script = LIBRARIES / f"with_{peer.library}.py"
    sources = [script, script.with_name("exchange.py"), script.with_name(f"{peer.library}.txt")]
    parts = [peer.model, wish, *(file.read_text(encoding="utf-8") for file in sources)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    answer = task.folder / "answers" / f"{peer.library}-{digest}"
    file = answer / ("lists.csv" if peer.answers == "list" else "ratings.csv")
    if not file.exists():
        answer.mkdir(parents=True, exist_ok=True)
        begun = time.perf_counter()
        command = [environment(peer.library, out), script, task.folder, answer, peer.model, wish]
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **ONE_THREAD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{peer.name} {wish} failed:\n{done.stderr[-2000:]}")
        taken = time.perf_counter() - begun
        print(f"  {wish}: {taken:.0f} s", file=sys.stderr, flush=True)
    if peer.answers == "list":
        return {"lists": list_figure(pl.read_csv(file), task.asked)}
    stars = np.loadtxt(file)
    answers = task.asked.with_columns(pl.Series(PREDICTION, stars))
    if peer.answers == "stream":
        return {"live": rating_errors(answers)["rmse"]}
    return rating_errors(answers) | order_quality(answers)


def list_figure(lists: pl.DataFrame, asked: pl.DataFrame) -> Measured:
    """Return NDCG@10 over the catalogue of who liked something later."""
    liked = asked.filter(pl.col(RATING) >= LIKED_FROM)
    values: list[float] = []
    for own in liked.partition_by(USER, maintain_order=True):
        top = lists.filter(pl.col(USER) == own[USER][0])[MOVIE].to_numpy()
        values.append(hit_ndcg(np.isin(top, own[MOVIE].to_numpy()), own.height))
    return mean_over_users(np.array(values))


def environment(library: str, out: Path) -> Path:
    """Return the Python a library is installed for, after installing it if need be."""
    folder = out / "environments" / library
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "installed", LIBRARIES / f"{library}.txt"
    text = wanted.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != text:
        print(f"  installing {library}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        command = [python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "-r", wanted]
        subprocess.run([str(part) for part in command], check=True)
        stamp.write_text(text, encoding="utf-8")
    return python.absolute()


def measure_ours(name: str, tables: Tables) -> dict[str, Measured]:
    """Measure a model of ours, with the settings it comes with."""
    print(f"Foreseen: {name} ...", file=sys.stderr, flush=True)
    settings = parse_settings(name, {})
    half = PROTOCOLS["foldin"](tables)(name, settings, 0)[0]
    live = PROTOCOLS["stream"](tables)(name, settings, 0)[0]
    assert half.lists is not None
    return {
        **rating_errors(half.events),
        **order_quality(half.events),
        "lists": Measured(**half.lists["blend"]["ndcg10"]),
        "live": rating_errors(live.events)["rmse"],
    }


def as_table(rows: Mapping[str, Mapping[str, Measured]]) -> str:
    """Return the figures as Markdown, the best of each column in bold."""
    low = {"rmse", "rmse_user", "live"}
    best = {
        name: (min if name in low else max)(own[name].value for own in rows.values() if name in own)
        for name in HEADERS
        if any(name in own for own in rows.values())
    }
    header = ["", *(HEADERS[name] for name in best)]
    lines = [
        [peer, *(_cell(own.get(name), best[name]) for name in best)] for peer, own in rows.items()
    ]
    return markdown(header, lines)


def _cell(figure: Measured | None, best: float) -> str:
    if figure is None:
        return ""
    value = f"{figure.value:.3f}"
    if figure.value == best:
        value = f"**{value}**"
    return f"{value} ({figure.low:.2f}-{figure.high:.2f})"


if __name__ == "__main__":
    main()
