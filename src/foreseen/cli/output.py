"""What the command line prints: tables for people, JSON for programs."""

import json
import sys
from typing import Any, Final, cast

from rich.console import Console
from rich.table import Table

_WIDTH: Final = 120


def print_json(document: object) -> None:
    """Print a document for programs."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(title: str | None, header: list[str], rows: list[list[str]]) -> None:
    """Print a table for people, of a fixed width where there is no terminal."""
    table = Table(*header, title=title, title_justify="left", header_style="bold")
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)


def print_summaries(protocol: str, source: str, summaries: list[dict[str, Any]]) -> None:
    """Print the figures of an evaluation, and errors by activity."""
    print_table(
        f"{source}, {protocol}: {summaries[0]['events']:,} later ratings (95 % intervals)",
        ["setting", "model", "RMSE", "RMSE per user", "NDCG@10", "pairs in order"],
        [
            [
                summary["setting"],
                summary["model"],
                *(_shown(summary, name) for name in ("rmse", "rmse_user", "ndcg10", "pairwise")),
            ]
            for summary in sorted(summaries, key=lambda s: str(s["setting"]))
        ],
    )
    rows = [
        [s["setting"], s["model"], *(_by_activity(s, bucket) for bucket in _buckets(summaries))]
        for s in sorted(summaries, key=lambda s: str(s["setting"]))
        if "activity" in s
    ]
    header = ["setting", "model", *_buckets(summaries)]
    print_table("RMSE by how many of the user's ratings were known", header, rows)
    lists = [(s["model"], by, own) for s in summaries for by, own in s.get("lists", {}).items()]
    if not lists:
        return
    print_table(
        f"Lists from the whole catalogue for {lists[0][2]['users']:,} users",
        ["model", "by", "NDCG@10", "Recall@20", "HR@10 of the next", "coverage", "novelty, bits"],
        [
            [
                name,
                by,
                *(_shown(own, figure) for figure in ("ndcg10", "recall20", "next_hit10")),
                f"{own['coverage']:.1%}",
                f"{own['novelty']:.2f}",
            ]
            for name, by, own in lists
        ],
    )


def print_walk(document: dict[str, Any]) -> None:
    """Print the figures of a walk through time, policy by policy."""
    results: list[dict[str, Any]] = document["results"]
    late = f", {document['delay']} seconds late" if document["delay"] else ""
    print_table(
        f"{document['data']}, {document['model']}: {results[0]['events']:,} ratings predicted "
        f"before they were learned from{late} (95 % intervals)",
        ["policy", "RMSE", "RMSE per user", "NDCG@10", "pairs in order", "trainings", "seconds"],
        [
            [
                result["policy"],
                *(_shown(result, name) for name in ("rmse", "rmse_user", "ndcg10", "pairwise")),
                str(result["trainings"]),
                f"{result['train_seconds']:.0f}",
            ]
            for result in results
        ],
    )


def print_search(document: dict[str, Any]) -> None:
    """Print the trials of a search, the best first."""
    trials: list[dict[str, Any]] = sorted(
        document["trials"], key=lambda own: own["figures"]["rmse"]
    )
    print_table(
        f"{document['data']}, {document['model']}: {document['measured']}",
        ["trial", "RMSE", "RMSE per user", "seconds", "what differs"],
        [
            [
                str(own["number"]),
                *(f"{own['figures'][name]:.4f}" for name in ("rmse", "rmse_user")),
                f"{own['seconds']:.0f}",
                _differing(own["settings"], document["defaults"]) or "nothing",
            ]
            for own in trials
        ],
    )


def _differing(settings: dict[str, Any], defaults: dict[str, Any]) -> str:
    told: list[str] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            told.append(_differing(cast("dict[str, Any]", value), defaults[name]))
        elif value != defaults[name]:
            told.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(part for part in told if part)


def _shown(summary: dict[str, Any], name: str) -> str:
    if name not in summary:
        return ""
    figure = summary[name]
    return f"{figure['value']:.4f} ({figure['low']:.2f}-{figure['high']:.2f})"


def _buckets(summaries: list[dict[str, Any]]) -> list[str]:
    names = (part["activity"] for s in summaries for part in s.get("activity", ()))
    return list(dict.fromkeys(names))


def _by_activity(summary: dict[str, Any], bucket: str) -> str:
    for part in summary["activity"]:
        if part["activity"] == bucket:
            return f"{part['rmse']['value']:.4f}"
    return ""
