"""Keeping a folder of models fresh: observe, look for drift, train a challenger if called for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from foreseen import registry
from foreseen.drift.champion import FEWEST_JUDGED, hold_contest, judged_from
from foreseen.drift.detectors import Finding, detect
from foreseen.drift.policies import has_grown
from foreseen.models import Model


@dataclass(frozen=True)
class Update:
    """What an update came to.

    Attributes:
        observed: Ratings that were given.
        ratings: Ratings known now.
        findings: What moved since the latest version was trained.
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


def update(folder: Path, new: pl.DataFrame) -> Update:
    """Take in new ratings; train a challenger if called for, and promote it only if better.

    Killed at any moment it leaves a working current version; what was observed by then is kept,
    and the same ratings may be given again.

    Args:
        folder: A folder of models.
        new: Canonical ratings.

    Raises:
        ModelFolderError: If the folder holds no models, or the current one is damaged.
    """
    with registry.changing(folder):
        current = registry.read_version(folder)
        champion = registry.load_model(folder).observe(new)
        registry.save_knowledge(champion, folder)
        latest = registry.versions(folder)[-1]
        reasons, findings = _reasons(champion, latest)
        done = Update(
            observed=new.height,
            ratings=champion.timeline.ratings.height,
            findings=findings,
            reasons=reasons,
            version=current.number,
            challenger=None,
            comparison={},
            decision="nothing calls for training",
        )
        if reasons:
            done = _challenge(folder, champion, current, done)
        registry.note(folder, "update", done.decision, **done.as_json())
    return done


def _reasons(
    champion: Model, latest: registry.Version
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return what calls for training, and what moved since the latest version was considered."""
    log = champion.timeline
    considered = int(latest.comparison.get("ends", latest.until))
    findings = tuple(found for found in detect(log) if found.found >= considered)
    reasons = [str(found) for found in findings]
    if has_grown(latest.ratings, log.ratings.height):
        reasons.append(f"{log.ratings.height:,} ratings known, {latest.ratings:,} learned from")
    return tuple(reasons), findings


def _challenge(folder: Path, champion: Model, current: registry.Version, asked: Update) -> Update:
    place = judged_from(champion.timeline, current.until)
    judging = asked.ratings - place
    if judging < FEWEST_JUDGED:
        decision = (
            f"kept version {current.number}: only {judging} ratings are newer than what it "
            f"learned from, fewer than the {FEWEST_JUDGED} that may judge a challenger"
        )
        return replace(asked, decision=decision)
    contest = hold_contest(champion, place, champion.seed + current.number)
    figures = contest.figures()
    difference = contest.differences["rmse"]
    verdict = (
        f"RMSE {contest.challenged.value:.4f} against {contest.champion.value:.4f} on the newest "
        f"{contest.ratings:,} ratings of {contest.users:,} users, paired difference "
        f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    )
    number = registry.add_version(
        folder, contest.challenger, current.number, "; ".join(asked.reasons), figures
    )
    if contest.better:
        decision = f"promoted version {number}: {verdict}"
        registry.promote(folder, number, verdict)
    else:
        decision = (
            f"kept version {current.number}, version {number} is not surely better: {verdict}"
        )
    return replace(
        asked,
        version=number if contest.better else current.number,
        challenger=number,
        comparison=figures,
        decision=decision,
    )
