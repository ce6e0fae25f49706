"""How a model keeps up with time: what it may see, when its networks learn, when it is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from foreseen.drift.detectors import Finding

GROWTH: Final = 2.0
"""How many times as many ratings as it was trained on call for training anew."""


LESSON: Final = 0.05
"""Growth of the log since the networks learned last that is worth a lesson: of fewer ratings, by a
few users, they would learn those users by heart."""


def should_finetune(learned: int, known: int) -> bool:
    """Tell whether so many ratings are known that networks should learn what is new."""
    return known >= (1 + LESSON) * learned


def calls_for_training(learned: int, known: int, findings: Sequence[Finding]) -> list[str]:
    """Return what calls for training anew, in sentences; nothing does if there are none.

    The calendar does, when the log has grown so much that most of it has never been trained on;
    and a detector does, when what moved is how people rate, not what. For all else it is enough
    that the networks learn from what is new.
    """
    reasons = [str(finding) for finding in findings if finding.serious]
    if known >= GROWTH * learned:
        reasons.append(f"{known:,} ratings known, {learned:,} trained on")
    return reasons


@dataclass(frozen=True)
class Policy:
    """One way to keep up.

    Attributes:
        reveals: Whether ratings count once they are given; if not, only the clock runs on.
        retrains: Whether the model is trained anew at the beginning of every window.
        slides: Whether training takes only the latest ratings, as many as at first; what is
            older is forgotten.
        adapts: Whether detectors watch, the networks learn what is new once that is worth a
            lesson, and the model is trained anew when called for.
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
