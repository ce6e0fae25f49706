"""Examples of the next movie: histories of a log, cut in two as of a moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.candidates.generator import Candidates, find_candidates
from foreseen.candidates.index import CandidateIndex
from foreseen.candidates.popularity import Popularity
from foreseen.candidates.source import SequenceScores
from foreseen.compute.threads import in_parallel
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import Queries
from foreseen.progress import progress_bar

_EXAMPLES: Final = 2400
_RATINGS_PER_EXAMPLE: Final = 100
"""Least number of ratings of the log per example."""
_START: Final = 0.3
"""Share of the log before the first example."""
_LEAST_LENGTH: Final = 4


@dataclass(frozen=True)
class NextItemExample:
    """A history cut in two, with its candidates and which of them were watched later.

    Attributes:
        user: Row of the log's users.
        before: The cut: only ratings strictly older are known.
        candidates: As of the cut; without `fallback`, which no fit reads.
        next: Which of the candidates was watched next, of shape N.
        liked: Which of them were liked later, of shape N.
        scored: Whether the candidates have scores of a sequence model.
    """

    user: int
    before: int
    candidates: Candidates
    next: NDArray[np.bool_]
    liked: NDArray[np.bool_]
    scored: bool = False


@dataclass(frozen=True)
class OutOfSample:
    """A sequence model that was fitted to the beginnings of some histories of a log.

    Attributes:
        trained: Number of ratings of each history, from the first, that it was fitted to; U.
        scores: Returns its scores for a history, by row, as of a moment.
    """

    trained: NDArray[np.int64]
    scores: Callable[[int, int], SequenceScores]


def sample_examples(
    index: CandidateIndex, seed: int, sequence: OutOfSample | None = None
) -> list[NextItemExample]:
    """Cut histories of a log in two, half of them in the middle, the others anywhere.

    Args:
        index: Over the log.
        seed: Random seed.
        sequence: A sequence model; histories are cut after the ratings it was fitted to, half of
            them histories that it was not fitted to at all. None without one.
    """
    log, histories = index.log, index.log.histories
    generator = np.random.default_rng(seed)
    opening = int(log.timestamp[int(_START * len(log.timestamp))])
    sizes = np.diff(histories.starts)
    trained = np.zeros(len(sizes), dtype=np.int64) if sequence is None else sequence.trained
    wanted = min(_EXAMPLES, -(-len(log.rating) // _RATINGS_PER_EXAMPLE))
    cuts: list[tuple[int, int, int]] = []
    for user in _drawn_users(np.flatnonzero(sizes >= _LEAST_LENGTH), trained, wanted, generator):
        first, stop = int(histories.starts[user]), int(histories.starts[user + 1])
        least, size = int(trained[user]), stop - first
        anywhere = int(generator.integers(min(least, size - 1), size))
        length = (least + size) // 2 if generator.random() < 0.5 else anywhere
        before = (
            int(histories.times[first + length - 1]) + 1 if length else int(histories.times[first])
        )
        position = first + int(np.searchsorted(histories.times[first:stop], before))
        if before > opening and position < stop:
            cuts.append((user, before, position))
        if len(cuts) == wanted:
            break
    with progress_bar("next-item examples", len(cuts)) as advance:

        def example(cut: tuple[int, int, int]) -> NextItemExample:
            user, before, position = cut
            popularity = Popularity.of(log, before)
            scores = None if sequence is None else sequence.scores(user, before)
            candidates = find_candidates(index, log.view, user, before, popularity, scores)
            rest = slice(position, int(histories.starts[user + 1]))
            later = histories.movie[rest]
            liked = later[histories.rating[rest] >= LIKED_FROM]
            advance(1)
            return NextItemExample(
                user,
                before,
                # Of the size of the catalogue, and not needed to fit.
                replace(candidates, fallback=np.empty(0)),
                np.isin(candidates.movies, later[:1]),
                np.isin(candidates.movies, liked),
                sequence is not None,
            )

        return in_parallel(example, cuts)


def _drawn_users(
    users: NDArray[np.intp],
    trained: NDArray[np.int64],
    wanted: int,
    generator: np.random.Generator,
) -> list[int]:
    """Draw about twice as many users as wanted, those with and without training by turns."""
    groups = [users[trained[users] == 0], users[trained[users] > 0]]
    groups = [group for group in groups if len(group)]
    drawn = [
        generator.permutation(np.repeat(group, -(-2 * wanted // (len(group) * len(groups)))))
        for group in groups
    ]
    length = max((len(group) for group in drawn), default=0)
    return [int(group[k]) for k in range(length) for group in drawn if k < len(group)]


def candidate_queries(examples: Sequence[NextItemExample]) -> Queries:
    """Return the queries for the ratings of all candidates of all examples, in their order."""
    count = [len(example.candidates.movies) for example in examples]
    user = np.repeat(np.array([e.user for e in examples], dtype=np.int32), count)
    before = np.repeat(np.array([e.before for e in examples], dtype=np.int64), count)
    movies = [example.candidates.movies.astype(np.int32) for example in examples]
    return Queries(user, user, np.concatenate([np.empty(0, dtype=np.int32), *movies]), before)


def with_predictions(
    examples: Sequence[NextItemExample], rating: NDArray[np.float64] | None
) -> list[Candidates]:
    """Return the candidates of the examples, with predicted ratings if there are any.

    Args:
        examples: The examples.
        rating: Predicted stars for `candidate_queries(examples)`, or None.
    """
    candidates = [example.candidates for example in examples]
    if rating is None or not candidates:
        return candidates
    ends = np.cumsum([len(part.movies) for part in candidates])
    parts = np.split(rating, ends[:-1])
    pairs = zip(candidates, parts, strict=True)
    return [entry.with_ratings(predicted) for entry, predicted in pairs]
