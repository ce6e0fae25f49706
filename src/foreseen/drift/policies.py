"""How a model keeps up with time: when it is trained anew, on what, and what it may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

GROWTH: Final = 1.5
"""How many times as many ratings as it was trained on call for training anew, when adaptive."""


def has_grown(learned: int, known: int) -> bool:
    """Tell whether so many more ratings are known than learned from that training is called for."""
    return known >= GROWTH * learned


@dataclass(frozen=True)
class Policy:
    """One way to keep up.

    Attributes:
        reveals: Whether ratings count once they are given; if not, only the clock runs on.
        retrains: Growth of the log, since the last training, that calls for training anew at the
            beginning of a window; None for never.
        slides: Whether training takes only the latest ratings, as many as at first; what is
            older is forgotten.
    """

    reveals: bool
    retrains: float | None
    slides: bool = False

    def due(self, trained: int, known: int) -> bool:
        """Tell whether a model trained on so many ratings is to be trained on those known."""
        return self.retrains is not None and known > trained and known >= self.retrains * trained


POLICIES: Final[Mapping[str, Policy]] = {
    "frozen": Policy(reveals=False, retrains=None),
    "sliding": Policy(reveals=True, retrains=1.0, slides=True),
    "full": Policy(reveals=True, retrains=1.0),
    "incremental": Policy(reveals=True, retrains=None),
    "adaptive": Policy(reveals=True, retrains=GROWTH),
}
