"""The first screen of the report of a backtest: the answers that it is opened for, in sentences."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from foreseen.drift.detectors import day
from foreseen.drift.expected_error import GOOD
from foreseen.reports.page import format_estimate

_PREFERRED: Final = ("adaptive", "incremental", "full", "sliding", "frozen")
_MOST_NAMED: Final = 3
"""Changes that are named; the table has all."""

Document = Mapping[str, Any]


def answers(document: Document) -> list[str]:
    """Return what the report says first, one sentence or two for each question.

    Args:
        document: See `foreseen.drift.report.summarise_backtest`.
    """
    result = shown_result(document)
    return [
        f"Is the model still good? {_is_good(result)}",
        f"What moved, and since when? {_moved(document)}",
        f"What was done? {_done(result)}",
        f"Did it help? {_helped(document, result)}",
        f"What did it cost? {_cost(document, result)}",
    ]


def shown_result(document: Document) -> Document:
    """Return the metrics of the policy that the report is about: `adaptive` if it was run."""
    by_policy = {result["policy"]: result for result in document["results"]}
    return next(by_policy[name] for name in _PREFERRED if name in by_policy)


def result_of(document: Document, policy: str) -> Document | None:
    """Return the metrics of a policy; None if it was not run."""
    found = (result for result in document["results"] if result["policy"] == policy)
    return next(found, None)


def _is_good(result: Document) -> str:
    last = result["windows"][-1]
    realised, estimated = last["rmse"]["value"], last["expected"]["rmse"]
    above = realised / estimated - 1
    good = f"Yes under {result['policy']}" if above < GOOD - 1 else f"No under {result['policy']}"
    return (
        f"{good}: RMSE {realised:.3f} in the last window from {day(last['begins'])}, "
        f"{abs(above):.1%} {'above' if above > 0 else 'below'} the {estimated:.3f} estimated "
        f"before its ratings."
    )


def _moved(document: Document) -> str:
    findings: Sequence[Document] = document["findings"]
    false = f"logs without drift have {document['placebo']['alarms_per_year']:.2f} alarms per year"
    if not findings:
        return f"No change was detected ({false})."
    newest = sorted(findings, key=lambda found: -found["since"])[:_MOST_NAMED]
    named = "; ".join(_short(found["sentence"]) for found in newest)
    count = len(findings)
    which = "all" if count <= _MOST_NAMED else f"the newest {_MOST_NAMED}"
    return f"{count} change{'s' * (count != 1)} in the log, {which}: {named} ({false})."


def _done(result: Document) -> str:
    later = [window for window in result["windows"] if window["window"]]
    retrained = [window for window in later if window["trained"]]
    text = (
        f"Under {result['policy']} the model was retrained at {len(retrained)} of {len(later)} "
        f"later windows and fine-tuned at {sum(window['finetuned'] for window in later)}."
    )
    reasons = [_short(reason) for window in retrained for reason in window["reasons"]]
    return f"{text} Reasons: {'; '.join(reasons)}." if reasons else text


def _short(sentence: str) -> str:
    """Return the beginning of a finding's sentence, up to the date; any other text as it is."""
    beginning = re.match(r"(.* since [0-9-]{10}):", sentence)
    return sentence if beginning is None else beginning[1]


def _helped(document: Document, result: Document) -> str:
    frozen, full = result_of(document, "frozen"), result_of(document, "full")
    if frozen is None or full is None:
        return "That needs the policies frozen and full in the same backtest."
    if "recovered" not in result:
        if result in (frozen, full):
            return f"Compare {result['policy']} with the policy adaptive."
        return "There is nothing to recover: full retraining is no better than a frozen model."
    difference = result["rmse"]["value"] - frozen["rmse"]["value"]
    return (
        f"RMSE is {abs(difference):.4f} {'below' if difference < 0 else 'above'} that of a frozen "
        f"model, {result['recovered']['value']:.1%} of the gain of full retraining; the difference "
        f"to full retraining is {format_estimate(result['less_full']['rmse'])}."
    )


def _cost(document: Document, result: Document) -> str:
    seconds = result["seconds_after_start"]
    text = f"{seconds:.0f} processor seconds after the start"
    full = result_of(document, "full")
    if full is None or full is result or not full["seconds_after_start"]:
        return f"{text}."
    return f"{text}, {seconds / full['seconds_after_start']:.1%} of those of full retraining."
