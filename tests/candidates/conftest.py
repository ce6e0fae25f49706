"""Examples of the next movie that the tests of candidates share."""

import pytest

from foreseen.candidates.examples import NextItemExample, sample_examples
from foreseen.candidates.index import CandidateIndex
from foreseen.features.interaction_log import InteractionLog


@pytest.fixture(scope="session")
def index(log: InteractionLog) -> CandidateIndex:
    return CandidateIndex(log)


@pytest.fixture(scope="session")
def examples(index: CandidateIndex) -> list[NextItemExample]:
    return sample_examples(index, seed=0)
