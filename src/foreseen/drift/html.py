"""The report of a backtest as a page: error by policy, detected changes, adaptation, cost."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from foreseen.drift.answers import answers, shown_result
from foreseen.drift.detectors import day
from foreseen.drift.stream_spec import KIND_LABELS
from foreseen.html_report import PageTable, Picture, write_html
from foreseen.reports.page import format_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = {
    "frozen": "#bb5566",
    "sliding": "#999933",
    "full": "#004488",
    "incremental": "#44aa99",
    "adaptive": "#ee7733",
}
_METRICS: Final = ("rmse", "rmse_user", "ndcg10", "pairwise")


def write_backtest_page(document: dict[str, Any], out: Path) -> None:
    """Write the report of a backtest as one HTML file.

    Args:
        document: See `foreseen.drift.report.summarise_backtest`.
        out: The file.

    Raises:
        InputError: If the libraries for reports are not installed.
    """
    pictures: list[Picture] = [
        (
            "Prequential backtest: error by window, 95 % interval",
            _with(draw_error, document),
        ),
        (
            "Expected error: estimated before the ratings, and realised",
            _with(draw_expected, document),
        ),
        (
            "Detected changes of the log: from their start to their detection",
            _with(draw_findings, document),
        ),
    ]
    if any("recovered" in result for result in document["results"]):
        title = "Adaptation: share of the gain of full retraining, by cost"
        pictures.append((title, _with(draw_recovered, document)))
    if document.get("staleness"):
        title = "Staleness: error on the last tenth of the log by the age of the model"
        pictures.append((title, _with(draw_staleness, document)))
    title = "Placebo: false alarms in logs with shuffled sessions"
    pictures.append((title, _with(draw_placebo, document)))
    write_html(
        out,
        f"Robustness to drift: {document['model']} on {document['data']}",
        _lead(document),
        _facts(document),
        pictures,
        _tables(document),
    )


def _with(
    draw: "Callable[[dict[str, Any], Axes], None]", document: dict[str, Any]
) -> "Callable[[Axes], None]":
    return lambda axes: draw(document, axes)


def draw_error(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the error of every policy by window, with its interval."""
    for result in document["results"]:
        windows = result["windows"]
        when = [datetime.fromtimestamp(window["begins"], UTC) for window in windows]
        colour = _COLOURS[result["policy"]]
        values, lows, highs = (
            [window["rmse"][end] for window in windows] for end in ("value", "low", "high")
        )
        axes.plot(when, values, marker="o", label=result["policy"], color=colour)  # pyright: ignore[reportArgumentType]
        axes.fill_between(when, lows, highs, alpha=0.1, color=colour)  # pyright: ignore[reportArgumentType]
    axes.set_title(f"{document['model']} on {document['data']}, prequential backtest")
    axes.set_xlabel("start of the window")
    axes.set_ylabel("RMSE")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def draw_expected(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the error estimated before the ratings of each window, and the realised one."""
    result = shown_result(document)
    windows = result["windows"]
    when = [datetime.fromtimestamp(window["begins"], UTC) for window in windows]
    realised, lows, highs = (
        [window["rmse"][end] for window in windows] for end in ("value", "low", "high")
    )
    estimated = [window["expected"]["rmse"] for window in windows]
    colour = _COLOURS[result["policy"]]
    axes.plot(when, realised, marker="o", color=colour, label=f"realised, {result['policy']}")  # pyright: ignore[reportArgumentType]
    axes.fill_between(when, lows, highs, alpha=0.1, color=colour)  # pyright: ignore[reportArgumentType]
    axes.plot(when, estimated, marker="x", linestyle="--", color="black", label="estimated")  # pyright: ignore[reportArgumentType]
    axes.set_xlabel("start of the window")
    axes.set_ylabel("RMSE")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_findings(document: dict[str, Any], axes: "Axes") -> None:
    """Draw every finding as a line from the start of the change to its detection."""
    kinds = list(KIND_LABELS)
    for found in document["findings"]:
        row = kinds.index(found["what"])
        since, until = (datetime.fromtimestamp(found[end], UTC) for end in ("since", "found"))
        colour = "#ee7733" if found["after"] > found["before"] else "#004488"
        axes.plot([since, until], [row, row], color=colour, linewidth=2, alpha=0.6)  # pyright: ignore[reportArgumentType]
        axes.plot([until], [row], marker="o", color=colour)  # pyright: ignore[reportArgumentType]
        axes.annotate(
            found["which"].removeprefix("films of "),
            (until, row),  # pyright: ignore[reportArgumentType]
            xytext=(0, 5),
            textcoords="offset points",
            fontsize=6,
            rotation=25,
        )
    axes.set_yticks(range(len(kinds)), list(KIND_LABELS.values()))
    axes.set_ylim(-0.6, len(kinds) - 0.1)
    axes.set_xlabel("from the start of the change to its detection; orange: up, blue: down")
    axes.grid(alpha=0.3, axis="x")


def draw_recovered(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the share of the gain of full retraining by processor time after the start."""
    by_policy = {result["policy"]: result for result in document["results"]}
    for result in document["results"]:
        if "recovered" not in result:
            continue
        share = result["recovered"]
        cost = result["seconds_after_start"]
        interval = [[share["value"] - share["low"]], [share["high"] - share["value"]]]
        axes.errorbar(
            [cost], [share["value"]], yerr=interval, marker="o", capsize=4,
            label=result["policy"], color=_COLOURS[result["policy"]],
        )  # fmt: skip
    full = by_policy["full"]["seconds_after_start"]
    axes.plot([full], [1.0], marker="o", label="full", color=_COLOURS["full"])
    axes.axhline(0.95, linestyle=":", color="black")
    axes.axvline(0.05 * full, linestyle=":", color="black")
    axes.set_xlabel("processor seconds after the start (dotted: 5 % of full retraining)")
    axes.set_ylabel("recovered share (dotted: 0.95)")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_staleness(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the error by the model's age."""
    days = [entry["days"] for entry in document["staleness"]]
    values, lows, highs = (
        [entry["rmse"][end] for entry in document["staleness"]] for end in ("value", "low", "high")
    )
    axes.plot(days, values, marker="o", color="#ee7733")
    axes.fill_between(days, lows, highs, alpha=0.15, color="#ee7733")
    axes.axhline(
        1.01 * values[0], linestyle=":", color="black", label="1 % above the youngest model"
    )
    axes.set_xlabel("days since the last training rating")
    axes.set_ylabel("RMSE")
    axes.legend()
    axes.grid(alpha=0.3)


def draw_placebo(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the number of alarms in shuffled logs beside that in the original log."""
    alarms = document["placebo"]["alarms"]
    labels = ["original", *(f"shuffled {n + 1}" for n in range(len(alarms)))]
    colours = ["#ee7733", *["#999999"] * len(alarms)]
    bars = axes.bar(labels, [len(document["findings"]), *alarms], color=colours)
    axes.bar_label(bars)
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    axes.set_ylabel("alarms")


def _lead(document: dict[str, Any]) -> list[str]:
    results: list[dict[str, Any]] = document["results"]
    return [
        *answers(document),
        f"Evaluated on {results[0]['events']:,} ratings of {results[0]['users']:,} users, each "
        "predicted before it is used by the model.",
        *(f"Not monitored: {reason}." for reason in document["not_monitored"]),
    ]


def _facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("model", document["model"]),
        ("data", document["data"]),
        ("known at the start", f"{document['from']:.0%} of the ratings"),
        ("delay", f"{document['delay']} s"),
        ("seed", str(document["seed"])),
    ]


def _tables(document: dict[str, Any]) -> list[PageTable]:
    results: list[dict[str, Any]] = document["results"]
    tables: list[PageTable] = [
        (
            "Policies",
            ["policy", "RMSE", "RMSE per user", "NDCG@10", "pairwise accuracy",
             "RMSE, delta to full", "NDCG@10, delta to full", "recovered", "trainings",
             "processor seconds after the start"],
            [_policy_row(result) for result in results],
        ),
        (
            "Detected changes",
            ["change", "explains"],
            [
                [found["sentence"], "; ".join(found["explains"])]
                for found in document["findings"]
            ],
        ),
        (
            "Movies that may be promoted by injected ratings",
            ["suspicion"],
            [[suspected["sentence"]] for suspected in document["injections"]] or [["none"]],
        ),
    ]  # fmt: skip
    tables += [_actions(result) for result in results if result["policy"] == "adaptive"]
    tables.append(_calibration(results))
    for key, column in (("cells", "cell"), ("activity", "activity")):
        names = list(dict.fromkeys(part[column] for result in results for part in result[key]))
        rows = [
            [name, *(format_estimate(_rmse(result[key], column, name)) for result in results)]
            for name in names
        ]
        tables.append((f"RMSE by {column}", [column, *(r["policy"] for r in results)], rows))
    return tables


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


def _actions(result: dict[str, Any]) -> PageTable:
    rows: list[list[str]] = []
    windows = result["windows"]
    for before, window in zip([None, *windows[:-1]], windows, strict=True):
        action = "observed"
        if window["trained"]:
            action = "retrained"
        elif window["finetuned"]:
            action = "fine-tuned"
        found = "; ".join(finding["sentence"] for finding in window["findings"]) or "none"
        error, estimated = window["rmse"]["value"], window["expected"]["rmse"]
        change = "" if before is None else f"{error - before['rmse']['value']:+.3f}"
        begins = day(window["begins"])
        rows.append([begins, found, action, f"{estimated:.3f}", f"{error:.3f}", change])
    header = [
        "window from", "changes", "action", "RMSE estimated", "RMSE", "delta to the window before",
    ]  # fmt: skip
    return ("Adaptation layers: detected changes and actions by window", header, rows)


def _calibration(results: list[dict[str, Any]]) -> PageTable:
    """Return how close the estimates of the error are to the realised errors, by policy."""
    rows: list[list[str]] = []
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
    return (
        "Expected error by policy, from the second window on",
        ["policy", "correlation", "realised less estimated", "mean absolute difference",
         "that of the error of the window before"],
        rows,
    )  # fmt: skip


def _rmse(parts: list[dict[str, Any]], column: str, name: str) -> dict[str, float] | None:
    return next((part["rmse"] for part in parts if part[column] == name), None)
