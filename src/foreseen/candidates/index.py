"""What candidate generation derives from a log: computed on demand, cached, shared by requests."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from foreseen.candidates.batch import BatchCandidates
from foreseen.candidates.built_in import BUILT_IN
from foreseen.candidates.co_occurrence import CoOccurrence
from foreseen.candidates.ease import EaseModels
from foreseen.candidates.source import CandidateSource, Generator
from foreseen.compute.cache import LRUCache
from foreseen.features.interaction_log import InteractionLog

_MOMENTS: Final = 2
"""Moments of which what all histories share is cached."""


@dataclass(frozen=True, eq=False)
class CandidateIndex:
    """The sources of candidates over one log.

    Attributes:
        log: The log.
        others: Sources of other packages, beside those of this one.
    """

    log: InteractionLog
    others: tuple[CandidateSource, ...] = ()
    _at: LRUCache[int, BatchCandidates] = field(
        default_factory=lambda: LRUCache(_MOMENTS), init=False, repr=False
    )

    @cached_property
    def co_occurrence(self) -> CoOccurrence:
        """Co-occurrence counts of the log's movies."""
        return CoOccurrence(self.log)

    @cached_property
    def ease(self) -> EaseModels:
        """EASE models of the log, one per size of its past."""
        return EaseModels(self.log)

    @cached_property
    def generators(self) -> tuple[Generator, ...]:
        """The generators of all sources over the log, in the order of their features."""
        return tuple(source.over(self) for source in (*BUILT_IN, *self.others))

    def before(self, moment: int) -> BatchCandidates:
        """Return what finds candidates from the ratings before a moment."""
        return self._at.get_or_compute(moment, lambda: BatchCandidates(self, moment))
