"""Update policies: which ratings a model sees, when it is fine-tuned, when it is retrained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from foreseen.drift.finding import Finding
from foreseen.messages import Figure, Message

RETRAIN_GROWTH: Final = 2.0
"""Size of the log, relative to the ratings trained on, from which a model is retrained."""
FINETUNE_GROWTH: Final = 0.05
"""Growth of the log since the last incremental training from which another one follows. Fewer
ratings come from few users, to whom the networks would overfit."""
OLD_CHANGE: Final = 2 * FINETUNE_GROWTH
"""Share of the log since a change from which incremental training has learned it."""


class Action(StrEnum):
    """What is done about a change, from the least to the most costly."""

    ITEM_REFRESH = "item refresh"
    """Statistics of movies follow with each rating, their factors when the log is 5 % larger."""
    FINETUNING = "fine-tuning"
    """With replay, when the log is 5 % larger."""
    RETRAINING = "full retraining"


ACTIONS: Final[Mapping[str, Action]] = {
    "scale": Action.RETRAINING,
    "level": Action.RETRAINING,
    "spread": Action.FINETUNING,
    "agreement": Action.RETRAINING,
    "error": Action.RETRAINING,
    "taste": Action.FINETUNING,
    "share": Action.FINETUNING,
    "movie": Action.ITEM_REFRESH,
    "catalogue": Action.ITEM_REFRESH,
}
"""The action for each kind of finding."""


def action_for(finding: Finding, known: int) -> Action:
    """Return the action for a change.

    Only concept drift that is found soon after it began calls for retraining: incremental training
    has learned the rest.

    Args:
        finding: The change.
        known: Ratings known now.
    """
    usual = Action.RETRAINING if finding.is_concept_drift else Action.FINETUNING
    action = ACTIONS.get(finding.kind, usual)
    is_recent = finding.ratings <= OLD_CHANGE * known
    if action is Action.RETRAINING and not (finding.is_concept_drift and is_recent):
        return Action.FINETUNING
    return action


def should_finetune(trained: int, known: int) -> bool:
    """Return whether incremental training is due.

    Args:
        trained: Ratings known at the last training of either sort.
        known: Ratings known now.
    """
    return known >= (1 + FINETUNE_GROWTH) * trained


def calls_for_training(trained: int, known: int, findings: Sequence[Finding]) -> list[str]:
    """Return the reasons for retraining, as sentences; empty if there are none.

    Reasons are concept drift that is found soon after it began, and a log of which most has never
    been trained on. All other changes are left to incremental training.

    Args:
        trained: Ratings that the model was trained on.
        known: Ratings known now.
        findings: Changes found since the last check.
    """
    reasons: list[str] = [
        finding.message for finding in findings if action_for(finding, known) is Action.RETRAINING
    ]
    if known >= RETRAIN_GROWTH * trained:
        reasons.append(
            Message(
                "%(known)s ratings known, %(trained)s trained on",
                known=Figure(known),
                trained=Figure(trained),
            )
        )
    return reasons


@dataclass(frozen=True)
class Policy:
    """An update policy.

    Attributes:
        reveals: Whether ratings become visible to the model once they are given.
        retrains: Whether the model is retrained at the start of every window.
        slides: Whether training uses only the latest ratings, as many as the first training.
        adapts: Whether drift is monitored, the networks are trained incrementally when due, and
            the model is retrained when there is a reason.
    """

    reveals: bool
    retrains: bool = False
    slides: bool = False
    adapts: bool = False


POLICIES: Final[Mapping[str, Policy]] = {
    "frozen": Policy(reveals=False),
    "sliding": Policy(reveals=True, retrains=True, slides=True),
    "full": Policy(reveals=True, retrains=True),
    "incremental": Policy(reveals=True),
    "adaptive": Policy(reveals=True, adapts=True),
}
