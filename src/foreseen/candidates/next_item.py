"""The next movie and the next liked movie: two conditional logits over candidates.

Both assign each candidate a probability by a softmax over linear scores of the same features
(conditional logit: McFadden, 1974). The first is fitted to the very next movie of real histories,
the second to all later movies that were liked. Each weight varies linearly with the logarithm of
the length of the history. Examples are taken as of moments of the log, with features and predicted
ratings from models that use nothing later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.candidates.generator import (
    CANDIDATE_FEATURES,
    Candidates,
    Popularity,
    find_candidates,
)
from foreseen.candidates.index import CandidateIndex
from foreseen.compute.threads import in_parallel, run_both
from foreseen.features.interaction_log import LogView
from foreseen.features.movie_statistics import LIKED_FROM
from foreseen.features.queries import Queries
from foreseen.progress import progress_bar

_EXAMPLES: Final = 2400
_RATINGS_PER_EXAMPLE: Final = 100
"""Least number of ratings of the log per example."""
_START: Final = 0.3
"""Share of the log before the first example."""
_LEAST_LENGTH: Final = 4
_PENALTY: Final = 32.0
"""L2 penalty on the weights, relative to the negative log-likelihood summed over examples."""
_STEPS: Final = 60
_TYPICAL_LOG_LENGTH: Final = 4.0


@dataclass(frozen=True)
class ConditionalLogit:
    """A conditional logit over candidates.

    Attributes:
        weights: One per candidate feature, and one per feature times centred log length.
        candidate_recall: Share of the examples with a positive among the candidates.
    """

    weights: tuple[float, ...]
    candidate_recall: float

    def probabilities(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return the probability of every movie of the catalogue, of shape C; they sum to one."""
        score = _inputs(candidates) @ np.array(self.weights)
        odds = np.exp(score - score.max(initial=-np.inf))
        rest = candidates.fallback.copy()
        rest[candidates.movies] = 0
        missed = (1 - self.candidate_recall) if len(odds) else 1.0
        found = missed * rest / max(float(rest.sum()), 1e-12)
        found[candidates.movies] = self.candidate_recall * odds / max(float(odds.sum()), 1e-12)
        return found / max(float(found.sum()), 1e-12)


@dataclass(frozen=True)
class NextItemModel:
    """The two logits.

    Attributes:
        next: Of the next movie.
        liked: Of a later movie that is liked.
    """

    next: ConditionalLogit
    liked: ConditionalLogit

    def probabilities(
        self,
        index: CandidateIndex,
        view: LogView,
        count: int,
        before: int,
        rating: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return probabilities for the first `count` histories of a view, as of a moment.

        Args:
            index: Over the log of the other users.
            view: The view of that log that holds the histories.
            count: B, the number of histories.
            before: Only ratings strictly older count.
            rating: Predicted stars of every movie, of shape B x C, if the model was fitted with
                them.

        Returns:
            Two arrays of shape B x (C + 1), the last movie being the unknown one: of being
            watched next, and of being watched and liked.
        """
        popularity = Popularity.of(index.log, before)
        found = np.zeros((2, count, len(view.catalogue) + 1))
        for row in range(count):
            candidates = find_candidates(index, view, row, before, popularity)
            if rating is not None:
                candidates = candidates.with_ratings(rating[row, candidates.movies])
            found[0, row, :-1] = self.next.probabilities(candidates)
            found[1, row, :-1] = self.liked.probabilities(candidates)
        return found[0], found[1]


_UNTRAINED: Final = ConditionalLogit((0.0,) * 2 * len(CANDIDATE_FEATURES), 0.5)
UNTRAINED: Final = NextItemModel(_UNTRAINED, _UNTRAINED)
"""Gives all candidates the same probability; for models that only predict ratings."""


@dataclass(frozen=True)
class NextItemExample:
    """A history cut in two, with its candidates and which of them were watched later.

    Attributes:
        user: Row of the log's users.
        before: The cut: only ratings strictly older are known.
        candidates: As of the cut; without `fallback`, which no fit reads.
        next: Which of the candidates was watched next, of shape N.
        liked: Which of them were liked later, of shape N.
    """

    user: int
    before: int
    candidates: Candidates
    next: NDArray[np.bool_]
    liked: NDArray[np.bool_]


def sample_examples(index: CandidateIndex, seed: int) -> list[NextItemExample]:
    """Cut histories of a log in two, half of them in the middle, the others anywhere."""
    log, histories = index.log, index.log.histories
    generator = np.random.default_rng(seed)
    opening = int(log.timestamp[int(_START * len(log.timestamp))])
    users = np.flatnonzero(np.diff(histories.starts) >= _LEAST_LENGTH)
    wanted = min(_EXAMPLES, -(-len(log.rating) // _RATINGS_PER_EXAMPLE))
    rounds = -(-2 * wanted // max(len(users), 1))
    cuts: list[tuple[int, int, int]] = []
    for user in map(int, generator.permutation(np.repeat(users, rounds))):
        first, stop = int(histories.starts[user]), int(histories.starts[user + 1])
        anywhere = int(generator.integers(0, stop - first))
        length = (stop - first) // 2 if generator.random() < 0.5 else anywhere
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
            candidates = find_candidates(index, log.view, user, before, popularity)
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
            )

        return in_parallel(example, cuts)


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


def fit_next_item(
    examples: Sequence[NextItemExample], rating: NDArray[np.float64] | None = None
) -> NextItemModel:
    """Fit both logits.

    Args:
        examples: See `sample_examples`.
        rating: Out-of-sample predictions for `candidate_queries(examples)`, in stars.
    """
    candidates = with_predictions(examples, rating)
    return NextItemModel(
        *run_both(
            lambda: fit_logit(candidates, [example.next for example in examples]),
            lambda: fit_logit(candidates, [example.liked for example in examples]),
        )
    )


def _inputs(candidates: Candidates) -> NDArray[np.float64]:
    """Return the features, and the features times the centred log length, of shape N x 2F."""
    length = np.log(max(candidates.known, 1)) - _TYPICAL_LOG_LENGTH
    return np.concatenate([candidates.values, candidates.values * length], axis=1)


def fit_logit(
    candidates: Sequence[Candidates], positives: Sequence[NDArray[np.bool_]]
) -> ConditionalLogit:
    """Minimise the penalised mean negative log-likelihood of the positives by L-BFGS.

    Several positives of one example count as one, spread evenly over them. An example without a
    positive among its candidates enters the recall alone.

    Args:
        candidates: Of each example.
        positives: Which candidates of each example are positive.
    """
    kept = [(c, p / p.sum()) for c, p in zip(candidates, positives, strict=True) if p.any()]
    if not kept:
        return _UNTRAINED
    width = 2 * len(CANDIDATE_FEATURES)
    rows = np.concatenate([_inputs(c) for c, _ in kept]).astype(np.float32)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    inputs = torch.from_numpy((rows - mean) / scale)
    share = torch.from_numpy(np.concatenate([p for _, p in kept]).astype(np.float32))
    group = torch.from_numpy(np.repeat(np.arange(len(kept)), [len(p) for _, p in kept]))
    weights = torch.zeros(width, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def negative_log_likelihood() -> torch.Tensor:
        optimiser.zero_grad()
        score = inputs @ weights
        top = torch.full((len(kept),), -torch.inf).scatter_reduce(
            0, group, score.detach(), reduce="amax"
        )
        total = torch.zeros(len(kept)).index_add(0, group, torch.exp(score - top[group]))
        loss = (top + torch.log(total)).sum() - (share * score).sum()
        loss = (loss + _PENALTY * (weights**2).sum()) / len(kept)
        loss.backward()
        return loss

    optimiser.step(negative_log_likelihood)
    scaled = weights.detach().numpy().astype(np.float64) / scale
    return ConditionalLogit(tuple(map(float, scaled)), len(kept) / len(candidates))
