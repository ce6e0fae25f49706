"""Tables in Markdown, and where they are written in a document."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from foreseen.evaluation.intervals import Estimate
from foreseen.evaluation.metrics import order_metrics, paired_differences, rating_errors
from foreseen.files import write_atomically

_METRICS: Final = {"rmse": "RMSE", "rmse_user": "RMSE per user", "ndcg10": "NDCG@10"}


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return an estimate with its 95 % interval, as text."""
    interval = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({interval})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def comparison(predictions: Mapping[str, pl.DataFrame], full: str) -> str:
    """Return the errors of several predictions of the same ratings as a table in Markdown.

    Args:
        predictions: Ratings with predictions, by name.
        full: The name of those that the others are compared with.
    """
    rows: list[list[str]] = []
    for name, events in predictions.items():
        metrics = rating_errors(events) | order_metrics(events)
        delta = paired_differences(predictions[full], events)["rmse"]
        cells = [with_interval(metrics[metric]) for metric in _METRICS]
        rows.append([name, *cells, "" if name == full else with_interval(delta)])
    return markdown(["", *_METRICS.values(), f"RMSE, delta to {full} (paired)"], rows)


def put_table(name: str, table: str, file: Path | None) -> None:
    """Print a table, and write it into a document if one is given.

    It replaces what is between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: If the document has no such markers.
    """
    print(table)
    if file is None:
        return
    begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{file} should contain '{begin}' and '{end}'")
    text = f"{before}{begin}\n{table}\n{end}{after}"
    write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))
