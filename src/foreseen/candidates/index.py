"""What candidate generation derives from a log: computed on demand, cached, shared by requests."""

from dataclasses import dataclass
from functools import cached_property

from foreseen.candidates.built_in import BUILT_IN
from foreseen.candidates.co_occurrence import CoOccurrence
from foreseen.candidates.ease import EaseModels
from foreseen.candidates.source import CandidateSource, Generator
from foreseen.features.interaction_log import InteractionLog


@dataclass(frozen=True, eq=False)
class CandidateIndex:
    """The sources of candidates over one log.

    Attributes:
        log: The log.
        others: Sources of other packages, beside those of this one.
    """

    log: InteractionLog
    others: tuple[CandidateSource, ...] = ()

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
