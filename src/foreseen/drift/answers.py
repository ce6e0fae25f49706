"""The first screen of the report of a backtest: the questions that it is opened for, answered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from foreseen.drift.expected_error import GOOD
from foreseen.reports.page import Tile

_PREFERRED: Final = ("adaptive", "incremental", "full", "sliding", "frozen")
_RECOVERED: Final[tuple[float, float]] = (0.95, 0.8)
"""Shares of the gain of full retraining from which an adaptation is good, and fair."""

Document = Mapping[str, Any]


def answer(document: Document) -> str:
    """Return whether the model is still good, compared with what was expected.

    Args:
        document: See `foreseen.drift.report.summarise_backtest`.
    """
    result = shown_result(document)
    last = result["windows"][-1]
    above = last["rmse"]["value"] / last["expected"]["rmse"] - 1
    text = {"good": "is still good", "fair": "may have become worse", "poor": "is no longer good"}
    return (
        f"{document['model']} {text[_last_window(result)]} under the policy {result['policy']}: "
        f"its error in the last window is {abs(above):.1%} {'above' if above > 0 else 'below'} "
        "the expected one."
    )


def tiles(document: Document) -> list[Tile]:
    """Return an answer to each question as a number with what it is compared with."""
    result = shown_result(document)
    return [
        _still_good(result),
        *_moved(document["findings"], document["placebo"]),
        _done(result),
        _helped(document, result),
        _cost(document, result),
    ]


def shown_result(document: Document) -> Document:
    """Return the metrics of the policy that the report is about: `adaptive` if it was run."""
    by_policy = {result["policy"]: result for result in document["results"]}
    return next(by_policy[name] for name in _PREFERRED if name in by_policy)


def result_of(document: Document, policy: str) -> Document | None:
    """Return the metrics of a policy; None if it was not run."""
    found = (result for result in document["results"] if result["policy"] == policy)
    return next(found, None)


def subject(finding: Document) -> str:
    """Return what a finding is about, and its direction: `rating level: new users ↑`."""
    beginning = str(finding["sentence"]).partition(" since ")[0]
    for word, arrow in ((" up", " ↑"), (" down", " ↓")):
        if beginning.endswith(word):
            return beginning.removesuffix(word) + arrow
    return beginning


def long_date(second: int) -> str:
    """Return the UTC date of a second, such as 9 January 1995."""
    return datetime.fromtimestamp(second, UTC).strftime("%d %B %Y").lstrip("0")


def _last_window(result: Document) -> Literal["good", "fair", "poor"]:
    """Return whether the error of the last window is good, or is above the expected one.

    It is fair if the interval of the error contains the expected one.
    """
    last = result["windows"][-1]
    expected = last["expected"]["rmse"]
    if last["rmse"]["value"] / expected < GOOD:
        return "good"
    return "fair" if last["rmse"]["low"] <= expected else "poor"


def _still_good(result: Document) -> Tile:
    last = result["windows"][-1]
    realised, expected = last["rmse"]["value"], last["expected"]["rmse"]
    return Tile(
        "Is the model still good?",
        f"RMSE {realised:.3f}",
        f"of the last window, from {long_date(last['begins'])}; {expected:.3f} was expected",
        _last_window(result),
    )


def _moved(findings: Sequence[Document], placebo: Document) -> list[Tile]:
    rate = f"logs without drift have {placebo['alarms_per_year']:.2f} findings per year"
    label = "What moved?"
    if not findings:
        return [Tile(label, "nothing", rate)]
    newest = max(findings, key=lambda finding: finding["since"])
    count = len(findings)
    between = " and ".join(long_date(newest[end]) for end in ("earliest", "latest"))
    moved = subject(newest)
    if newest["named"] is None:
        moved += ", not named for certain yet"
    return [
        Tile(label, f"{count} change{'s' * (count != 1)}", f"newest: {moved}; {rate}"),
        Tile(
            "Since when?",
            long_date(newest["since"]),
            f"the newest, between {between}; found on {long_date(newest['found'])}",
        ),
    ]


def _done(result: Document) -> Tile:
    later = [window for window in result["windows"] if window["window"]]
    retrained = [window for window in later if window["trained"]]
    finetuned = sum(window["finetuned"] for window in later)
    reasons = [reason.partition(" since ")[0] for w in retrained for reason in w["reasons"]]
    windows = f"{len(later)} window{'s' * (len(later) != 1)}"
    note = f"in {windows} after the start; fine-tuned in {finetuned}"
    if reasons:
        note += f"; reasons: {', '.join(dict.fromkeys(reasons))}"
    count = len(retrained)
    return Tile("What was done?", f"{count} retraining{'s' * (count != 1)}", note)


def _helped(document: Document, result: Document) -> Tile:
    label = "Did it help?"
    frozen, full = result_of(document, "frozen"), result_of(document, "full")
    if frozen is None or (full is None and result is frozen):
        return Tile(label, "unknown", "needs the policies frozen and full in the same backtest")
    difference = result["rmse"]["value"] - frozen["rmse"]["value"]
    if full is None:
        note = "RMSE to that of a frozen model; the policy full would show what could be gained"
        return Tile(label, f"{difference:+.3f}", note)
    if "recovered" not in result:
        if result in (frozen, full):
            return Tile(label, "unknown", f"compare {result['policy']} with the policy adaptive")
        note = "full retraining is no better than a frozen model: there is nothing to recover"
        return Tile(label, "no drift", note)
    recovered, (good, fair) = result["recovered"], _RECOVERED
    return Tile(
        label,
        f"{recovered['value']:.1%}",
        f"({recovered['low']:.1%} to {recovered['high']:.1%}) of the gain of full retraining; "
        f"RMSE {abs(difference):.3f} {'below' if difference < 0 else 'above'} a frozen model",
        "good" if recovered["value"] >= good else "fair" if recovered["value"] >= fair else "poor",
    )


def _cost(document: Document, result: Document) -> Tile:
    seconds = result["seconds_after_start"]
    note = "of processor time after the start"
    full = result_of(document, "full")
    if full is not None and full is not result and full["seconds_after_start"]:
        note += f", {seconds / full['seconds_after_start']:.0%} of full retraining"
    return Tile("What did it cost?", f"{seconds:,.0f} s", note)
