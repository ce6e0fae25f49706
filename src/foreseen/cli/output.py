"""Output of the command line: tables for people, JSON for programs.

Characters that standard output cannot encode are replaced in tables and escaped in JSON.
"""

import io
import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Console
from rich.table import Table

from foreseen.errors import ForeseenError

_WIDTH: Final = 120
"""Width of tables, in characters, where stdout is not a terminal."""


class PrintError(ForeseenError):
    """A failure to write to standard output.

    Attributes:
        is_closed: Whether the reader of a pipe has ended.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written ({error.strerror})")
        self.is_closed = isinstance(error, BrokenPipeError)


def prepare_streams() -> None:
    """Make stdout and stderr replace characters that they cannot encode.

    Those that the caller has closed are replaced by the null device.
    """
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream: object = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def print_json(document: object) -> None:
    """Print a document as JSON.

    Raises:
        PrintError: If standard output cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    with _printing():
        sys.stdout.write(text + "\n")


def date(second: int) -> str:
    """Return the date of a second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")


def print_table(title: str | None, header: list[str], rows: list[list[str]]) -> None:
    """Print a table, as wide as the terminal.

    Raises:
        PrintError: If standard output cannot be written.
    """
    table = Table(*header, title=title, title_justify="left", header_style="bold")
    for row in rows:
        table.add_row(*row)
    console = _Console()
    if not console.is_terminal:
        console = _Console(width=_WIDTH)
    with _printing():
        console.print(table)


def print_file(file: Path) -> None:
    """Print the content of a file, as bytes.

    Raises:
        PrintError: If standard output cannot be written.
    """
    content = file.read_bytes()
    with _printing():
        sys.stdout.buffer.write(content)


@contextmanager
def after_change() -> Generator[None]:
    """Print the report of a change that is complete.

    The command has succeeded: if the report cannot be printed, a line on stderr says so and the
    exit code stays 0.
    """
    try:
        yield
    except PrintError as error:
        if not error.is_closed:
            print(f"foreseen: done, but {error}", file=sys.stderr)  # noqa: T201


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error again; the base class exits."""
        raise  # noqa: PLE0704


@contextmanager
def _printing() -> Generator[None]:
    """Convert a failure to write to standard output within the block, or to flush it."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _discard_stdout()
        raise PrintError(error) from error


def _discard_stdout() -> None:
    """Send what standard output still buffers to the null device: it is flushed again at exit."""
    with suppress(OSError), Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), sys.stdout.fileno())


def print_evaluation(
    protocol: str, source: str, summaries: list[dict[str, Any]], has_ratings: bool = True
) -> None:
    """Print the metrics of an evaluation: overall, by activity, and of rankings.

    Without ratings to predict, only those of rankings.
    """
    if has_ratings:
        _print_errors(protocol, source, summaries)
    _print_rankings(summaries)


def _print_errors(protocol: str, source: str, summaries: list[dict[str, Any]]) -> None:
    from foreseen.evaluation.results import setting_label

    ordered = sorted(summaries, key=lambda summary: str(summary["setting"]))
    print_table(
        f"{source}, {protocol}: {summaries[0]['events']:,} held-out ratings (95 % intervals)",
        ["setting", "model", "RMSE", "RMSE per user", "NDCG@10", "pairwise accuracy"],
        [
            [
                setting_label(summary["setting"]),
                summary["model"],
                *(_estimate(summary, name) for name in ("rmse", "rmse_user", "ndcg10", "pairwise")),
            ]
            for summary in ordered
        ],
    )
    buckets = _activity_buckets(summaries)
    print_table(
        "RMSE by number of the user's known ratings",
        ["setting", "model", *buckets],
        [
            [
                setting_label(summary["setting"]),
                summary["model"],
                *(_activity_rmse(summary, bucket) for bucket in buckets),
            ]
            for summary in ordered
            if "activity" in summary
        ],
    )


def _print_rankings(summaries: list[dict[str, Any]]) -> None:
    from foreseen.evaluation.results import setting_label, tied_note

    rankings: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for summary in summaries:
        for by, metrics in summary.get("lists", {}).items():
            rankings.setdefault(summary["setting"], []).append((summary["model"], by, metrics))
    for setting, rows in rankings.items():
        label = f", {setting_label(setting)}" if len(rankings) > 1 else ""
        print_table(
            f"Rankings of the whole catalogue for {rows[0][2]['users']:,} users{label}"
            f"{tied_note(summaries[0])}",
            [
                "model", "by", "NDCG@10", "Recall@20", "HR@10, next movie", "coverage",
                "novelty, bits",
            ],
            [
                [
                    name,
                    by,
                    *(_estimate(metrics, name) for name in ("ndcg10", "recall20", "next_hit10")),
                    f"{metrics['coverage']:.1%}",
                    f"{metrics['novelty']:.2f}",
                ]
                for name, by, metrics in rows
            ],
        )  # fmt: skip


def print_backtest(document: dict[str, Any]) -> None:
    """Print the metrics of a backtest by update policy."""
    results: list[dict[str, Any]] = document["results"]
    delay = f", delay {document['delay']} seconds" if document["delay"] else ""
    print_table(
        f"{document['data']}, {document['model']}: {results[0]['events']:,} ratings "
        f"predicted in time order{delay} (95 % intervals)",
        ["policy", "RMSE", "RMSE per user", "NDCG@10", "pairwise accuracy", "trainings", "seconds"],
        [
            [
                result["policy"],
                *(_estimate(result, name) for name in ("rmse", "rmse_user", "ndcg10", "pairwise")),
                str(result["trainings"]),
                f"{result['train_seconds']:.0f}",
            ]
            for result in results
        ],
    )


def print_search(document: dict[str, Any]) -> None:
    """Print the trials of a search for settings, the best first."""
    trials: list[dict[str, Any]] = sorted(
        document["trials"], key=lambda trial: trial["figures"]["rmse"]
    )
    print_table(
        f"{document['data']}, {document['model']}: {document['measured']}",
        ["trial", "RMSE", "RMSE per user", "seconds", "changed settings"],
        [
            [
                str(trial["number"]),
                *(f"{trial['figures'][name]:.4f}" for name in ("rmse", "rmse_user")),
                f"{trial['seconds']:.0f}",
                _changed_settings(trial["settings"], document["defaults"]) or "none",
            ]
            for trial in trials
        ],
    )


def _changed_settings(settings: dict[str, Any], defaults: dict[str, Any]) -> str:
    changes: list[str] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            changes.append(_changed_settings(cast("dict[str, Any]", value), defaults[name]))
        elif value != defaults[name]:
            changes.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(change for change in changes if change)


def _estimate(summary: dict[str, Any], name: str) -> str:
    if name not in summary:
        return ""
    estimate = summary[name]
    return f"{estimate['value']:.4f} ({estimate['low']:.2f}-{estimate['high']:.2f})"


def _activity_buckets(summaries: list[dict[str, Any]]) -> list[str]:
    names = (part["activity"] for summary in summaries for part in summary.get("activity", ()))
    return list(dict.fromkeys(names))


def _activity_rmse(summary: dict[str, Any], bucket: str) -> str:
    for part in summary["activity"]:
        if part["activity"] == bucket:
            return f"{part['rmse']['value']:.4f}"
    return ""
