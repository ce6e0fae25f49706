"""The drift report: what moved, what was done about it, and what it was worth."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from foreseen.html_report import PageTable, Picture, format_estimate, write_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = {
    "frozen": "#bb5566",
    "sliding": "#999933",
    "full": "#004488",
    "incremental": "#44aa99",
    "adaptive": "#ee7733",
}
_MEASURES: Final = ("rmse", "rmse_user", "ndcg10", "pairwise")
_KINDS: Final = ("scale", "level", "error", "agreement", "taste", "share", "catalogue")


def write_drift_page(document: dict[str, Any], out: Path) -> None:
    """Write the report of a walk as one HTML file."""
    pictures: list[Picture] = [
        (
            "Error window by window, predicted before learned, 95 % interval",
            _with(draw_error, document),
        ),
        ("What moved in the log, and when it was found", _with(draw_findings, document)),
    ]
    if any("recovered" in result for result in document["results"]):
        title = "Share of full retraining's gain over a frozen model, against what it cost"
        pictures.append((title, _with(draw_recovered, document)))
    if "staleness" in document:
        title = "Error on the last tenth by the age of the model, told of every rating since"
        pictures.append((title, _with(draw_staleness, document)))
    title = "Alarms where sessions were only put in another order (placebo)"
    pictures.append((title, _with(draw_placebo, document)))
    write_html(
        out,
        f"Drift: {document['model']} on {document['data']}",
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
    """Draw the error of every policy, window by window, with its band."""
    for result in document["results"]:
        windows = result["windows"]
        when = [datetime.fromtimestamp(window["begins"], UTC) for window in windows]
        colour = _COLOURS[result["policy"]]
        values, lows, highs = (
            [window["rmse"][end] for window in windows] for end in ("value", "low", "high")
        )
        axes.plot(when, values, marker="o", label=result["policy"], color=colour)  # pyright: ignore[reportArgumentType]
        axes.fill_between(when, lows, highs, alpha=0.1, color=colour)  # pyright: ignore[reportArgumentType]
    axes.set_title(f"{document['model']} on {document['data']}, predicted before learned")
    axes.set_xlabel("beginning of the window")
    axes.set_ylabel("RMSE (stars)")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def draw_findings(document: dict[str, Any], axes: "Axes") -> None:
    """Draw every finding as a line from when it began to when it was found."""
    for found in document["findings"]:
        row = _KINDS.index(found["what"])
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
    axes.set_yticks(range(len(_KINDS)), _KINDS)
    axes.set_ylim(-0.6, len(_KINDS) - 0.1)
    axes.set_xlabel("from when it began to when it was found; orange up, blue down")
    axes.grid(alpha=0.3, axis="x")


def draw_recovered(document: dict[str, Any], axes: "Axes") -> None:
    """Draw what each policy recovered against the processor time it took after the start."""
    for result in document["results"]:
        if "recovered" not in result:
            continue
        share = result["recovered"]
        cost = result["seconds_after_start"]
        off = [[share["value"] - share["low"]], [share["high"] - share["value"]]]
        axes.errorbar(
            [cost], [share["value"]], yerr=off, marker="o", capsize=4,
            label=result["policy"], color=_COLOURS[result["policy"]],
        )  # fmt: skip
    full = _result(document, "full")["seconds_after_start"]
    axes.plot([full], [1.0], marker="o", label="full", color=_COLOURS["full"])
    axes.axhline(0.95, linestyle=":", color="black")
    axes.axvline(0.05 * full, linestyle=":", color="black")
    axes.set_xlabel("processor seconds after the start (dotted: a twentieth of full retraining's)")
    axes.set_ylabel("recovered (dotted: 0.95)")
    axes.grid(alpha=0.3)
    axes.legend()


def draw_staleness(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the error against the model's age."""
    days = [entry["days"] for entry in document["staleness"]]
    values, lows, highs = (
        [entry["rmse"][end] for entry in document["staleness"]] for end in ("value", "low", "high")
    )
    axes.plot(days, values, marker="o", color="#ee7733")
    axes.fill_between(days, lows, highs, alpha=0.15, color="#ee7733")
    axes.axhline(1.01 * values[0], linestyle=":", color="black", label="1 % above a fresh model")
    axes.set_xlabel("days since the last rating learned from")
    axes.set_ylabel("RMSE (stars)")
    axes.legend()
    axes.grid(alpha=0.3)


def draw_placebo(document: dict[str, Any], axes: "Axes") -> None:
    """Draw the alarms in shuffled logs beside those in the real one."""
    alarms = document["placebo"]["alarms"]
    labels = ["as it was", *(f"shuffled {n + 1}" for n in range(len(alarms)))]
    colours = ["#ee7733", *["#999999"] * len(alarms)]
    bars = axes.bar(labels, [len(document["findings"]), *alarms], color=colours)
    axes.bar_label(bars)
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    axes.set_ylabel("alarms")


def _result(document: dict[str, Any], policy: str) -> dict[str, Any]:
    return next(result for result in document["results"] if result["policy"] == policy)


def _lead(document: dict[str, Any]) -> list[str]:
    results: list[dict[str, Any]] = document["results"]
    lead = [
        f"{results[0]['events']:,} ratings of {results[0]['users']:,} users, each predicted before "
        "it was learned from. Detectors found "
        f"{len(document['findings'])} changes in the log; where sessions are only put in another "
        f"order they give {document['placebo']['alarms_per_year']:.2f} alarms a year."
    ]
    for result in results:
        if result["policy"] == "adaptive" and "recovered" in result:
            cost = result["seconds_after_start"] / _result(document, "full")["seconds_after_start"]
            lead.append(
                f"Adapting has {result['recovered']['value']:.1%} of what training anew at every "
                f"window gains over a frozen model, for {cost:.1%} of its processor time."
            )
    return lead


def _facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("model", document["model"]),
        ("data", document["data"]),
        ("known to begin with", f"{document['from']:.0%} of the ratings"),
        ("delay", f"{document['delay']} s"),
        ("seed", str(document["seed"])),
    ]


def _tables(document: dict[str, Any]) -> list[PageTable]:
    results: list[dict[str, Any]] = document["results"]
    tables: list[PageTable] = [
        (
            "Policies",
            ["policy", "RMSE", "RMSE per user", "NDCG@10", "in order", "less full, RMSE",
             "less full, NDCG@10", "recovered", "trainings", "processor seconds after the start"],
            [
                [
                    result["policy"],
                    *(format_estimate(result.get(name)) for name in _MEASURES),
                    *(format_estimate(result.get("less_full", {}).get(n)) for n in ("rmse", "ndcg10")),
                    format_estimate(result.get("recovered")),
                    result["trainings"],
                    f"{result['seconds_after_start']:.0f}",
                ]
                for result in results
            ],
        ),
        (
            "What moved in the whole log",
            ["what"],
            [[found["sentence"]] for found in document["findings"]],
        ),
    ]  # fmt: skip
    tables += [_actions(result) for result in results if result["policy"] == "adaptive"]
    for kind, title in (("cell", "cells"), ("activity", "activity")):
        keys = list(dict.fromkeys(p[kind] for r in results for p in r[_plural(kind)]))
        rows = [
            [key, *(format_estimate(_part(result, kind, key)) for result in results)]
            for key in keys
        ]
        tables.append((f"RMSE by {title}", [kind, *(r["policy"] for r in results)], rows))
    return tables


def _actions(result: dict[str, Any]) -> PageTable:
    rows: list[list[str]] = []
    windows = result["windows"]
    for before, window in zip([None, *windows[:-1]], windows, strict=True):
        action = "trained anew" if window["trained"] else "networks learned what was new"
        found = "; ".join(finding["sentence"] for finding in window["findings"]) or "nothing"
        error = window["rmse"]["value"]
        change = "" if before is None else f"{error - before['rmse']['value']:+.3f}"
        begins = datetime.fromtimestamp(window["begins"], UTC).strftime("%Y-%m-%d")
        rows.append([begins, found, action, f"{error:.3f}", change])
    header = ["window from", "found since the last", "done", "RMSE after", "against the one before"]
    return ("Adaptive: what was found and done, window by window", header, rows)


def _plural(kind: str) -> str:
    return "cells" if kind == "cell" else kind


def _part(result: dict[str, Any], kind: str, key: str) -> dict[str, float] | None:
    for part in result[_plural(kind)]:
        if part[kind] == key:
            return part["rmse"]
    return None
