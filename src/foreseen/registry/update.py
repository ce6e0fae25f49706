"""Keeping a folder of models fresh: observe, look for drift, train a challenger if called for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from foreseen.data.schema import USER
from foreseen.drift.detectors import Finding, detect
from foreseen.drift.policies import calls_for_training, should_finetune
from foreseen.models.base import Model
from foreseen.registry import audit_log as journal
from foreseen.registry import versions as registry
from foreseen.registry.champion import (
    FEWEST_JUDGED,
    FEWEST_JUDGES,
    hold_contest,
    judged_from,
    train_challenger,
)


@dataclass(frozen=True)
class Update:
    """What an update came to.

    Attributes:
        observed: Ratings that were given.
        ratings: Ratings known now.
        findings: What was found in ratings that the latest version has not learned from.
        reasons: What called for a challenger; empty if nothing did.
        version: The version that answers now.
        challenger: The version that was made, if one was.
        comparison: Its figures against the champion's.
        decision: What was decided and why, in a sentence.
    """

    observed: int
    ratings: int
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...]
    version: int
    challenger: int | None
    comparison: dict[str, float | int | bool]
    decision: str

    def as_json(self) -> dict[str, Any]:
        """Return the update as the command line prints it."""
        return {**vars(self), "findings": [finding.as_json() for finding in self.findings]}


def update(folder: Path, new: pl.DataFrame, whole_from: int | None = None) -> Update:
    """Take in new ratings; train a challenger if called for, and promote it only if better.

    Killed at any moment it leaves a working current version; what was observed by then is kept,
    and the same ratings may be given again.

    Args:
        folder: A folder of models.
        new: Canonical ratings.
        whole_from: Users with ids from this on have given all their ratings in `new`: what they
            gave before and have taken back is forgotten. None for nobody.

    Raises:
        ModelFolderError: If the folder holds no models, or the current one is damaged.
    """
    with registry.changing(folder):
        current = registry.read_version(folder)
        champion = registry.load_model(folder)
        if whole_from is not None:
            champion = replace(champion, log=champion.log.without_users(whole_from))
        champion = champion.observe(new)
        registry.save_knowledge(champion, folder)
        latest = registry.versions(folder)[-1]
        known = champion.log.ratings.height
        findings = [found for found in detect(champion.log) if found.found >= latest.until]
        done = Update(
            observed=new.height,
            ratings=known,
            findings=tuple(findings),
            reasons=tuple(calls_for_training(latest.trained_on, known, findings)),
            version=current.number,
            challenger=None,
            comparison={},
            decision="nothing calls for a challenger",
        )
        if _due(latest, known, findings):
            done = _challenge(folder, champion, current, done)
        journal.write(folder, "update", done.decision, done.as_json())
    return done


def _due(latest: registry.Version, known: int, findings: Sequence[Finding]) -> bool:
    """Tell whether it is time for a contest.

    It is when something serious has been found since the last one, or enough is new since then:
    the same few ratings must not be asked again and again until chance says yes.
    """
    contested = int(latest.comparison.get("ends", latest.until))
    if any(found.serious and found.found >= contested for found in findings):
        return True
    return should_finetune(int(latest.comparison.get("known", latest.ratings)), known)


def _challenge(folder: Path, champion: Model, current: registry.Version, asked: Update) -> Update:
    """Make a challenger, trained anew if there is a reason, else brought up to date."""
    log = champion.log
    place = judged_from(log, current.until)
    judging = asked.ratings - place
    judges = log.ratings[place:][USER].n_unique()
    if judging < FEWEST_JUDGED or judges < FEWEST_JUDGES:
        decision = (
            f"kept version {current.number}: {judging} ratings of {judges} users may judge a "
            f"challenger, {FEWEST_JUDGED} of {FEWEST_JUDGES} must"
        )
        return replace(asked, decision=decision)
    if asked.reasons:
        challenger = train_challenger(champion, place, champion.seed + current.number)
        why = "trained anew: " + "; ".join(asked.reasons)
    else:
        challenger = champion.finetuned(int(log.timestamp[place]))
        why = "networks brought up to date with what is new"
    if challenger is champion:
        return replace(asked, decision=f"kept version {current.number}: it knows what is new")
    contest = hold_contest(champion, challenger, place)
    difference = contest.differences["rmse"]
    verdict = (
        f"RMSE {contest.challenged.value:.4f} against {contest.champion.value:.4f} on the newest "
        f"{contest.ratings:,} ratings of {contest.users:,} users, paired difference "
        f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    )
    figures = contest.figures()
    number = registry.add_version(folder, contest.challenger, current.number, why, figures)
    if contest.better:
        registry.promote(folder, number, verdict)
        decision = f"promoted version {number}: {verdict}"
    else:
        decision = f"kept version {current.number}, {number} is not surely better: {verdict}"
    return replace(
        asked,
        version=number if contest.better else current.number,
        challenger=number,
        comparison=figures,
        decision=decision,
    )
