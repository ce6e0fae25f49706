"""Sources of candidates: what they propose, their features, and how they are registered."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.candidates import installed
from foreseen.candidates.built_in import BUILT_IN, CANDIDATE_FEATURES
from foreseen.candidates.examples import sample_examples
from foreseen.candidates.generator import find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.next_item import fit_next_item
from foreseen.candidates.popularity import Popularity
from foreseen.candidates.source import CandidateSource, Generator, Proposal, Request
from foreseen.errors import ForeseenError


def by_row(index: CandidateIndex) -> Generator:
    """Propose the last movie of the catalogue; describe a movie by its row."""
    count = len(index.log.catalogue)

    def propose(request: Request) -> Proposal:
        assert len(request.view.catalogue) == count
        leaders = np.zeros((count, 1))
        leaders[-1] = 1

        def features(movies: NDArray[np.intp]) -> NDArray[np.float64]:
            return movies[:, None].astype(np.float64)

        return Proposal(features, leaders)

    return propose


OWN = CandidateSource("own", ("row",), by_row)
REPEATED = CandidateSource("repeated", (CANDIDATE_FEATURES[3],), by_row)


def test_the_leaders_of_a_source_are_candidates_and_its_features_follow_the_others(
    index: CandidateIndex,
) -> None:
    log, last = index.log, len(index.log.catalogue) - 1
    row = next(
        user
        for user in range(len(log.users))
        if last
        not in log.histories.movie[log.histories.starts[user] : log.histories.starts[user + 1]]
    )
    popularity = Popularity.of(log, log.end)
    extended = CandidateIndex(log, (OWN,))
    plain, more = (
        find_candidates(each, log.view, row, log.end, popularity) for each in (index, extended)
    )
    assert set(more.movies) == {*plain.movies, last}
    assert more.values.shape[1] == len(CANDIDATE_FEATURES) + 1
    np.testing.assert_array_equal(more.values[:, -1], more.movies)
    kept = np.isin(more.movies, plain.movies)
    np.testing.assert_array_equal(more.values[kept, :-1], plain.values)


def test_the_weights_of_its_features_are_fitted(index: CandidateIndex) -> None:
    extended = CandidateIndex(index.log, (OWN,))
    model = fit_next_item(sample_examples(extended, seed=0), sources=("own",))
    assert model.sources == ("own",)
    size = len(CANDIDATE_FEATURES) + 1
    weights = np.array(model.next.weights)
    assert len(weights) == 2 * size
    assert weights[size - 1] != 0
    p_next, _ = model.probabilities(extended, index.log.view, 3, index.log.end)
    np.testing.assert_allclose(p_next.sum(axis=1), 1)


def test_every_source_of_this_package_has_a_name_and_features_of_its_own() -> None:
    assert len({source.name for source in BUILT_IN}) == len(BUILT_IN)
    assert len(set(CANDIDATE_FEATURES)) == len(CANDIDATE_FEATURES)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tests.candidates.test_source:REPEATED", "another source has; rename it"),
        ("tests.candidates.test_source:by_row", "is not a CandidateSource of that name"),
        ("tests.candidates.no_such_module:X", "cannot be imported"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(
    value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("repeated", value, installed.GROUP)

    def entry_points(group: str) -> list[EntryPoint]:
        return [entry] if group == installed.GROUP else []

    monkeypatch.setattr(installed, "entry_points", entry_points)
    with pytest.raises(ForeseenError, match=message):
        installed.registered_sources.__wrapped__()


def test_a_source_that_is_not_installed_is_named() -> None:
    with pytest.raises(ForeseenError, match="'other', which is not installed"):
        installed.sources_named(["other"])
