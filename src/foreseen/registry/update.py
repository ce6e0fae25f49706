"""Updates of a folder of models: add ratings, detect drift, train and compare a challenger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from foreseen.data.schema import RATINGS_SCHEMA, USER
from foreseen.data.tabular import TableLike, as_table
from foreseen.drift.detectors import detect
from foreseen.drift.finding import Finding
from foreseen.drift.policies import calls_for_training, should_finetune
from foreseen.drift.profile_injection import SuspectedInjection, find_injections
from foreseen.messages import Message, Series, parts_of
from foreseen.models.base import Model
from foreseen.registry import audit_log, drift_log, versions
from foreseen.registry.champion import (
    MIN_HOLDOUT_RATINGS,
    MIN_HOLDOUT_USERS,
    compare,
    holdout_start,
    train_challenger,
)
from foreseen.registry.drift_tracking import NewRatings, with_findings, with_window
from foreseen.registry.layout import Version


@dataclass(frozen=True)
class Update:
    """The result of an update.

    Attributes:
        observed: Number of ratings given.
        ratings: Number of ratings in the log.
        findings: Drift in ratings that the latest version has not been trained on; those that
            are not named yet come last.
        injections: Movies of the log that may be promoted by injected ratings.
        reasons: Reasons to retrain; empty if there are none.
        version: Number of the current version.
        challenger: Number of the challenger; None if none was made.
        comparison: Its comparison with the champion; empty if there was none.
        decision: The decision and its reason, in a sentence.
        error: Expected and realised error of the ratings since the last update that measured it;
            None if there are too few.
        open_findings: Ids of the serious findings that nobody has acknowledged.
    """

    observed: int
    ratings: int
    findings: tuple[Finding, ...]
    injections: tuple[SuspectedInjection, ...]
    reasons: tuple[str, ...]
    version: int
    challenger: int | None
    comparison: dict[str, float | int | bool]
    decision: str
    error: drift_log.MeasuredWindow | None = None
    open_findings: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the update as the command line prints it."""
        return {
            **vars(self),
            "findings": [
                finding.as_json() | {"sentence_parts": parts_of(finding.message)}
                for finding in self.findings
            ],
            "injections": [suspected.as_json() for suspected in self.injections],
            "error": None if self.error is None else self.error.model_dump(),
        }


def update(folder: Path, new: TableLike) -> Update:
    """Add ratings to the log; train a challenger if needed, and promote it only if it is better.

    A process killed at any moment leaves a readable current version and the ratings added so far;
    adding the same ratings again has no effect.

    Args:
        folder: A folder of models.
        new: Ratings, as `Model.observe` takes them.

    Raises:
        InputError: If a rating is not valid.
        ModelFolderError: If the folder holds no models, or the current version is damaged.
    """
    count = as_table(new, "ratings", list(RATINGS_SCHEMA)).height
    return _update(folder, count, lambda model: model.observe(new))


def update_accounts(folder: Path, ratings: pl.DataFrame) -> Update:
    """Replace the ratings of a server's accounts in the log; see `update`.

    Args:
        folder: A folder of models.
        ratings: All ratings of the accounts, as canonical ratings.

    Raises:
        ModelFolderError: If the folder holds no models, or the current version is damaged.
    """

    def replace_ratings(model: Model) -> Model:
        return replace(model, log=model.log.without_accounts()).with_ratings(ratings)

    return _update(folder, ratings.height, replace_ratings)


def _update(folder: Path, observed: int, add: Callable[[Model], Model]) -> Update:
    with versions.write_lock(folder):
        current = versions.read_version(folder)
        drift = drift_log.read(folder)
        champion = add(versions.load_model(folder))
        versions.save_log(champion, folder)
        latest = versions.list_versions(folder)[-1]
        log_size = champion.log.ratings.height
        scale = champion.encoding.scale
        detected = detect(champion.log, scale=scale)
        findings = [found for found in detected if found.is_named_since(latest.until)]
        unnamed = [found for found in detected if found.named is None]
        result = Update(
            observed=observed,
            ratings=log_size,
            findings=tuple(finding.on_scale(scale) for finding in (*findings, *unnamed)),
            injections=tuple(
                suspected.decoded(champion.encoding) for suspected in find_injections(champion.log)
            ),
            reasons=tuple(calls_for_training(latest.trained_on, log_size, findings)),
            version=current.number,
            challenger=None,
            comparison={},
            decision=Message("no challenger is needed"),
        )
        if _needs_challenger(latest, log_size, findings):
            result = _challenge(folder, champion, current, result)
        result = _record(folder, drift, findings, NewRatings.of(champion, current), result)
        audit_log.append(folder, "update", result.decision, result.as_json())
    return result


def _record(
    folder: Path,
    drift: drift_log.DriftLog,
    findings: Sequence[Finding],
    measured: NewRatings,
    result: Update,
) -> Update:
    """Write the findings, the error of new ratings, and the effect of earlier actions."""
    promoted = result.version != measured.version.number
    log = with_findings(with_window(drift, measured), findings, measured, result.decision, promoted)
    log = log.with_unnamed(result.findings)
    drift_log.write(folder, log)
    new = [window for window in log.windows if window not in drift.windows]
    return replace(
        result,
        error=new[0] if new else None,
        open_findings=tuple(found.id for found in log.findings if found.needs_attention),
    )


def _needs_challenger(latest: Version, log_size: int, findings: Sequence[Finding]) -> bool:
    """Return whether there is concept drift or enough new ratings since the last comparison.

    Repeated tests on almost the same holdout would promote some challenger by chance.
    """
    compared_until = int(latest.comparison.get("ends", latest.until))
    if any(
        finding.is_concept_drift and finding.is_named_since(compared_until) for finding in findings
    ):
        return True
    return should_finetune(int(latest.comparison.get("known", latest.ratings)), log_size)


def _challenge(folder: Path, champion: Model, current: Version, result: Update) -> Update:
    """Make a challenger, retrained if there are reasons, else fine-tuned, and compare it."""
    log = champion.log
    start = holdout_start(log, current.until)
    ratings = result.ratings - start
    users = log.ratings[start:][USER].n_unique()
    if ratings < MIN_HOLDOUT_RATINGS or users < MIN_HOLDOUT_USERS:
        decision = Message(
            "kept version %(version)s: the holdout has %(ratings)s ratings of %(users)s users, "
            "a comparison needs %(least_ratings)s of %(least_users)s",
            version=current.number,
            ratings=ratings,
            users=users,
            least_ratings=MIN_HOLDOUT_RATINGS,
            least_users=MIN_HOLDOUT_USERS,
        )
        return replace(result, decision=decision)
    if result.reasons:
        challenger = train_challenger(champion, start, champion.seed + current.number)
        why = Message("retrained: %(reasons)s", reasons=Series(result.reasons))
    else:
        challenger = champion.finetuned(int(log.timestamp[start]))
        why = Message("fine-tuned on new ratings")
    if challenger is champion:
        decision = Message(
            "kept version %(version)s: there is nothing to fine-tune", version=current.number
        )
        return replace(result, decision=decision)
    comparison = compare(champion, challenger, start)
    comparison = comparison.in_units(champion.encoding.scale.per_star)
    summary = comparison.message
    document = comparison.as_json()
    number = versions.add_version(folder, challenger, current.number, why, document)
    if comparison.better:
        versions.promote(folder, number, summary)
        decision = Message(
            "promoted version %(version)s: %(summary)s", version=number, summary=summary
        )
    else:
        decision = Message(
            "kept version %(version)s, %(challenger)s is not significantly better: %(summary)s",
            version=current.number,
            challenger=number,
            summary=summary,
        )
    return replace(
        result,
        version=number if comparison.better else current.number,
        challenger=number,
        comparison=document,
        decision=decision,
    )
