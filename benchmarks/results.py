"""Errors and rankings by protocol, for several data sets: the tables of `docs/results.md`.

Runs `foreseen evaluate` for each data set and protocol, unless its `metrics.json` is there already,
and makes tables of the metrics. The folders under `--out` keep every prediction and ranking as
Parquet, so that any other program can score them. `leave-last-out` is that of `ensemble` alone,
with the ratings of one second in the order of the file.

    python benchmarks/results.py [DATA...] [--out work/results] [--into docs/results.md]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tables import markdown, put_table, with_interval

from foreseen import __version__
from foreseen.evaluation.intervals import Estimate
from foreseen.evaluation.protocols import GLOBAL_MEAN
from foreseen.evaluation.results import POPULARITY, criterion_label, setting_label

MODELS: Final = ("bias", "hybrid", "ensemble")
LAST: Final = "leave-last-out"
PROTOCOLS: Final = ("stream", "foldin", "calendar-ranking", "time-to-split", LAST)
PREDICTING: Final = ("stream", "foldin", "calendar-ranking")
"""The protocols of the table of errors; `time-to-split` cuts the same ratings once more."""
ERRORS: Final = {"rmse": "RMSE", "rmse_user": "RMSE per user"}
ORDERS: Final = {"ndcg10": "NDCG@10", "pairwise": "pairwise accuracy"}
RANKING: Final = {"ndcg10": "NDCG@10", "hit10": "HR@10", "recall20": "Recall@20"}
CRITERIA: Final = (POPULARITY, "likely", "blend")

Row = tuple[str, str, Mapping[str, Any]]
"""The setting, the label of the row, and its metrics by name."""


def main() -> None:
    """Evaluate, print the tables and write them if a document is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="*", default=["ml-latest-small"])
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parser.add_argument("--out", type=Path, default=Path("work/results"))
    parser.add_argument("--into", type=Path, help="document to write the tables into")
    given = parser.parse_args()
    sections: list[str] = []
    for data in given.data:
        name = Path(data).name
        files = [
            evaluate(data, protocol, given.out / name / protocol, *_choices(protocol))
            for protocol in given.protocol or PROTOCOLS
        ]
        day = datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC).date()
        documents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        sections.append(section(name, documents, f"Foreseen {__version__}, {day}"))
    put_table("results", "\n\n".join(sections), given.into)


def evaluate(
    data: str,
    protocol: str,
    out: Path,
    models: Sequence[str] = MODELS,
    options: Sequence[str] = (),
) -> Path:
    """Return the metrics of models on a data set; evaluate them unless they are stored."""
    file = out / "metrics.json"
    if not file.exists():
        print(f"{data}: {protocol} ...", file=sys.stderr, flush=True)
        named = [part for model in models for part in ("--model", model)]
        command = ["evaluate", data, "--protocol", protocol, *options, *named, "--out", str(out)]
        python = [sys.executable, "-m", "foreseen"]
        subprocess.run([*python, *command], check=True, stdout=subprocess.DEVNULL)
    return file


def _choices(protocol: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return the models that are evaluated by a protocol, and its options."""
    return (("ensemble",), ("--ties", "file")) if protocol == LAST else (MODELS, ())


def section(name: str, documents: Sequence[Mapping[str, Any]], made: str) -> str:
    """Return the tables of one data set, below a heading.

    Args:
        name: Name of the data set.
        documents: The metrics of its protocols, as `metrics.json` has them.
        made: Version and date.
    """
    predicted: list[Row] = []
    ranked: list[Row] = []
    for document in documents:
        protocol = document["protocol"]
        for summary in document["results"]:
            model = summary["model"]
            if model not in {GLOBAL_MEAN, *MODELS}:
                continue
            setting = f"`{protocol}`, {setting_label(summary['setting'])}"
            if protocol in PREDICTING:
                label = model if model == GLOBAL_MEAN else f"`{model}`"
                predicted.append((setting, label, summary))
            for by, metrics in summary.get("lists", {}).items():
                if by in CRITERIA:
                    label = criterion_label(by) if by == POPULARITY else f"`{model}` by `{by}`"
                    ranked.append((setting, label, metrics))
    parts = [f"### {name}", made]
    if predicted:
        parts.append(as_table("model", predicted, ERRORS, ORDERS))
    if ranked:
        parts.append(as_table("rankings", ranked, {}, RANKING))
    return "\n\n".join(parts)


def as_table(
    header: str, rows: Sequence[Row], low: Mapping[str, str], high: Mapping[str, str]
) -> str:
    """Return rows of metrics as Markdown, by setting, the best of each setting in bold.

    Args:
        header: Header of the labels.
        rows: The rows; a metric that is missing is an empty cell.
        low: Headers of the metrics of which lower values are better, by name.
        high: Headers of the others.
    """
    order = list(dict.fromkeys(setting for setting, _, _ in rows))
    best: dict[tuple[str, str], float] = {}
    for metric in (*low, *high):
        pick: Callable[[float, float], float] = min if metric in low else max
        for setting, _, metrics in rows:
            if metric in metrics:
                value = metrics[metric]["value"]
                best[setting, metric] = pick(value, best.get((setting, metric), value))
    cells = [
        [
            setting,
            label,
            *(_cell(metrics.get(metric), best.get((setting, metric))) for metric in (*low, *high)),
        ]
        for setting, label, metrics in sorted(rows, key=lambda row: order.index(row[0]))
    ]
    return markdown(["protocol", header, *low.values(), *high.values()], cells)


def _cell(metric: Mapping[str, float] | None, best: float | None) -> str:
    if metric is None:
        return ""
    estimate = Estimate(**metric)
    text = with_interval(estimate)
    return text if estimate.value != best else f"**{text[:5]}**{text[5:]}"


if __name__ == "__main__":
    main()
