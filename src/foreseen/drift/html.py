"""The report of a backtest as a page: is the model still good, what moved, did adaptation help."""

from pathlib import Path
from typing import Any, Final

import polars as pl

from foreseen.drift.answers import answer, long_date, shown_result, tiles
from foreseen.evaluation.segment_errors import ALL, DIMENSIONS
from foreseen.reports.page import Page, Provenance, Section, Table, format_estimate, write_page

_METRICS: Final = ("rmse", "rmse_user", "ndcg10", "pairwise")
Cells = list[list[object]]


def write_backtest_page(
    document: dict[str, Any], segments: pl.DataFrame, provenance: Provenance, out: Path
) -> None:
    """Write the report of a backtest as one HTML file.

    Args:
        document: See `foreseen.drift.report.summarise_backtest`.
        segments: See `foreseen.drift.segments.backtest_segments`.
        provenance: What the report is of.
        out: The file.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    from foreseen.drift import adaptation_charts, error_charts
    from foreseen.evaluation.segment_charts import SEGMENTS_NOTE, segment_choice, segment_figures

    policy = shown_result(document)["policy"]
    overall = segments.filter(pl.col("window").is_null())
    of_policy = overall.filter(pl.col("policy") == policy)
    sections = [
        error_charts.error_section(document, segments),
        adaptation_charts.change_section(document),
        adaptation_charts.adaptation_section(document),
        error_charts.expected_section(document),
        adaptation_charts.staleness_section(document),
        Section(f"Where the error lies under {policy}", SEGMENTS_NOTE, segment_figures(of_policy)),
        Section("All numbers", _method(document), tables=_tables(document, overall)),
    ]
    page = Page(
        "drift",
        f"Robustness to drift: {document['model']} on {document['data']}",
        answer(document),
        tiles(document),
        [section for section in sections if section is not None],
        provenance,
        (segment_choice(of_policy), error_charts.policy_choice(document)),
    )
    write_page(out, page)


def _method(document: dict[str, Any]) -> str:
    delay = document["delay"]
    return (
        f"{document['from']:.0%} of the ratings are known at the start; a rating is known to the "
        f"model {f'{delay:,} seconds' if delay else 'from the second'} after it; seed "
        f"{document['seed']}. Intervals are 95%, by bootstrap over users, in segments by "
        "linearisation; deltas are paired."
    )


def _tables(document: dict[str, Any], segments: pl.DataFrame) -> list[Table]:
    results: list[dict[str, Any]] = document["results"]
    injections = [[suspected["sentence"]] for suspected in document["injections"]]
    return [
        Table(
            "Policies",
            ["policy", "RMSE", "RMSE per user", "NDCG@10", "pairwise accuracy",
             "RMSE, delta to full", "NDCG@10, delta to full", "recovered", "trainings",
             "processor seconds after the start"],
            [_policy_row(result) for result in results],
        ),
        _windows(results),
        *(_actions(result) for result in results if result["policy"] == "adaptive"),
        Table(
            "Detected changes",
            ["change", "explains"],
            [
                [found["sentence"], "; ".join(found["explains"])]
                for found in document["findings"]
            ] or [["none", ""]],
        ),
        Table(
            "Movies that may be promoted by injected ratings",
            ["suspicion"],
            injections or [["none"]],
        ),
        _calibration(results),
        *_staleness(document),
        _placebo(document),
        Table(
            "RMSE by what was known at the start",
            ["cell", *(result["policy"] for result in results)],
            _by_cell(results),
        ),
        _segments(results, segments),
    ]  # fmt: skip


def _policy_row(result: dict[str, Any]) -> list[object]:
    deltas = result.get("less_full", {})
    return [
        result["policy"],
        *(format_estimate(result.get(name)) for name in _METRICS),
        *(format_estimate(deltas.get(name)) for name in ("rmse", "ndcg10")),
        format_estimate(result.get("recovered")),
        result["trainings"],
        f"{result['seconds_after_start']:.0f}",
    ]


def _windows(results: list[dict[str, Any]]) -> Table:
    rows: Cells = [
        [long_date(windows[0]["begins"]), *(format_estimate(part["rmse"]) for part in windows)]
        for windows in zip(*(result["windows"] for result in results), strict=True)
    ]
    header = ["window from", *(result["policy"] for result in results)]
    return Table("RMSE by window and policy", header, rows)


def _actions(result: dict[str, Any]) -> Table:
    from foreseen.drift.error_charts import action

    rows: Cells = []
    windows = result["windows"]
    for before, window in zip([None, *windows[:-1]], windows, strict=True):
        found = "; ".join(finding["sentence"] for finding in window["findings"]) or "none"
        error, expected = window["rmse"]["value"], window["expected"]["rmse"]
        change = "" if before is None else f"{error - before['rmse']['value']:+.3f}"
        begins = long_date(window["begins"])
        rows.append([begins, found, action(window), f"{expected:.3f}", f"{error:.3f}", change])
    header = [
        "window from", "changes", "action", "RMSE expected", "RMSE", "delta to the window before",
    ]  # fmt: skip
    return Table("Detected changes and actions of the policy adaptive by window", header, rows)


def _calibration(results: list[dict[str, Any]]) -> Table:
    """Return how close expected errors are to the realised ones, by policy."""
    rows: Cells = []
    for result in results:
        figures = result["expected_error"]
        values = [
            figures.get("correlation"),
            figures.get("difference"),
            figures.get("mae"),
            figures.get("last_window", {}).get("mae"),
        ]
        rows.append(
            [result["policy"], *("" if value is None else f"{value:.4f}" for value in values)]
        )
    return Table(
        "Expected error by policy, from the second window on",
        ["policy", "correlation", "realised less expected", "mean absolute difference",
         "that of the error of the window before"],
        rows,
    )  # fmt: skip


def _staleness(document: dict[str, Any]) -> list[Table]:
    rows: Cells = [
        [entry["days"], format_estimate(entry["rmse"]), format_estimate(entry["difference"])]
        for entry in document.get("staleness", [])
    ]
    header = ["days", "RMSE", "delta to the youngest model"]
    return [Table("RMSE by age of the model", header, rows)] if rows else []


def _placebo(document: dict[str, Any]) -> Table:
    alarms = document["placebo"]["alarms"]
    rows = [("as it is", len(document["findings"]))]
    rows += [(f"shuffled, {number}", count) for number, count in enumerate(alarms, start=1)]
    return Table("Findings in this log and in logs without drift", ["log", "findings"], rows)


def _by_cell(results: list[dict[str, Any]]) -> Cells:
    names = list(dict.fromkeys(part["cell"] for result in results for part in result["cells"]))
    return [[name, *(_of_cell(result, name) for result in results)] for name in names]


def _of_cell(result: dict[str, Any], name: str) -> str:
    found = (part["rmse"] for part in result["cells"] if part["cell"] == name)
    return format_estimate(next(found, None))


def _segments(results: list[dict[str, Any]], segments: pl.DataFrame) -> Table:
    policies = [result["policy"] for result in results]
    cells: dict[tuple[str, str], list[object]] = {}
    for row in segments.filter(pl.col("dimension") != ALL).iter_rows(named=True):
        key = (DIMENSIONS[row["dimension"]], row["segment"])
        bounds = {"value": row["rmse"], "low": row["rmse_low"], "high": row["rmse_high"]}
        text = format_estimate(bounds) if row["rmse_low"] is not None else f"{row['rmse']:.4f}"
        cells.setdefault(key, [f"{row['events']:,}"]).append(text)
    return Table(
        "RMSE by segment",
        ["by", "segment", "ratings", *policies],
        [[*key, *values] for key, values in cells.items()],
    )
