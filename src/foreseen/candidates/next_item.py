"""What a user watches next, and what of it they like: two conditional logits over candidates.

Both weigh the same candidates by the same features (`foreseen.candidates.generator`) and give each
a probability by a softmax (conditional logit: McFadden, 1974). The one is learned from the very
next movie of real histories, the other from all later movies that were liked. The weights of a
feature change with the length of the history. Questions are asked of the log as of their own
moment, so what is learned is what could have been known; what a model foretells of the candidates
is told by one that knew nothing later.
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
from foreseen.features.movie_statistics import LIKING
from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline
from foreseen.progress import progress_bar
from foreseen.compute.threads import in_parallel, side_by_side

_QUESTIONS: Final = 2400
_RATINGS_EACH: Final = 100
"""Ratings of the log for each question, at least."""
_START: Final = 0.3
"""Share of the log that must have passed before a question is asked of it."""
_FEWEST: Final = 4
_PENALTY: Final = 32.0
"""On the squares of the weights, beside a surprise summed over all questions."""
_STEPS: Final = 60
_TYPICAL_LENGTH: Final = 4.0


@dataclass(frozen=True)
class Weights:
    """A conditional logit.

    Attributes:
        values: One weight per candidate feature, and one for each times log(length) - 4.
        coverage: How often what was asked for was among the candidates.
    """

    values: tuple[float, ...]
    coverage: float

    def shares(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return the probability of every movie of the catalogue, of shape C, summing to one."""
        score = _crossed(candidates) @ np.array(self.values)
        chosen = np.exp(score - score.max(initial=-np.inf))
        rest = candidates.company.copy()
        rest[candidates.movies] = 0
        missed = (1 - self.coverage) if len(chosen) else 1.0
        shares = missed * rest / max(float(rest.sum()), 1e-12)
        shares[candidates.movies] = self.coverage * chosen / max(float(chosen.sum()), 1e-12)
        return shares / max(float(shares.sum()), 1e-12)


@dataclass(frozen=True)
class Watching:
    """The two logits: of the next movie, and of a later one that is liked."""

    next: Weights
    liked: Weights

    def shares(
        self,
        log: Timeline,
        view: Timeline,
        count: int,
        before: int,
        foretold: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return probabilities for the first `count` histories of a view of a log, as of a moment.

        Args:
            log: Whose users are the others.
            view: The timeline the histories stand in.
            count: How many of them.
            before: Only ratings strictly older count.
            foretold: What a model makes of every movie for each history, in stars, of shape
                count x C, if it was told so when this was learned.

        Returns:
            Two arrays of shape count x (C + 1), the last movie being the unknown one: of being
            watched next, and of being watched and liked.
        """
        popularity = Popularity.of(log, before)
        found = np.zeros((2, count, len(log.catalogue) + 1))
        for row in range(count):
            candidates = find_candidates(log, view, row, before, popularity)
            if foretold is not None:
                candidates = candidates.foretold(foretold[row, candidates.movies])
            found[0, row, :-1] = self.next.shares(candidates)
            found[1, row, :-1] = self.liked.shares(candidates)
        return found[0], found[1]


_NO_COMPANY: Final = np.empty(0)
_NOTHING: Final = Weights((0.0,) * 2 * len(CANDIDATE_FEATURES), 0.5)
UNLEARNED: Final = Watching(_NOTHING, _NOTHING)
"""Of candidates none is likelier than another."""


@dataclass(frozen=True)
class Question:
    """A history cut in two: what may follow, which of it came next, and which was liked later.

    Attributes:
        user: Row of the log's users.
        before: Where the history is cut: only ratings strictly older are known.
        candidates: What may follow.
        next: Which of them came next.
        liked: Which of them were liked later.
    """

    user: int
    before: int
    candidates: Candidates
    next: NDArray[np.bool_]
    liked: NDArray[np.bool_]


def what_they_give(questions: Sequence[Question]) -> Queries:
    """Return what the users of questions give each of their candidates, as questions themselves."""
    count = [len(question.candidates.movies) for question in questions]
    user = np.repeat(np.array([q.user for q in questions], dtype=np.int32), count)
    before = np.repeat(np.array([q.before for q in questions], dtype=np.int64), count)
    movies = [question.candidates.movies.astype(np.int32) for question in questions]
    return Queries(user, user, np.concatenate([np.empty(0, dtype=np.int32), *movies]), before)


def fit_watching(
    questions: Sequence[Question], foretold: NDArray[np.float64] | None = None
) -> Watching:
    """Learn both logits from what users went on to watch.

    Args:
        questions: See `past_questions`.
        foretold: Answers to `what_they_give`, in stars, by what knew nothing after the moments.
    """
    candidates = told_of_candidates(questions, foretold)
    return Watching(
        *side_by_side(
            lambda: fit_logit(candidates, [question.next for question in questions]),
            lambda: fit_logit(candidates, [question.liked for question in questions]),
        )
    )


def told_of_candidates(
    questions: Sequence[Question], foretold: NDArray[np.float64] | None
) -> list[Candidates]:
    """Return the candidates of questions, told what is foretold of them, if anything is."""
    candidates = [question.candidates for question in questions]
    if foretold is None or not candidates:
        return candidates
    ends = np.cumsum([len(own.movies) for own in candidates])
    parts = np.split(foretold, ends[:-1])
    return [own.foretold(part) for own, part in zip(candidates, parts, strict=True)]


def past_questions(timeline: Timeline, seed: int) -> list[Question]:
    """Cut histories in two, half of them in the middle, the others anywhere."""
    generator = np.random.default_rng(seed)
    own = timeline.histories
    opening = int(timeline.timestamp[int(_START * len(timeline.timestamp))])
    users = np.flatnonzero(np.diff(own.starts) >= _FEWEST)
    wanted = min(_QUESTIONS, -(-len(timeline.rating) // _RATINGS_EACH))
    turns = -(-2 * wanted // max(len(users), 1))
    asked: list[tuple[int, int, int]] = []
    for user in map(int, generator.permutation(np.repeat(users, turns))):
        first, stop = int(own.starts[user]), int(own.starts[user + 1])
        anywhere = int(generator.integers(0, stop - first))
        length = (stop - first) // 2 if generator.random() < 0.5 else anywhere
        before = int(own.times[first + length - 1]) + 1 if length else int(own.times[first])
        place = first + int(np.searchsorted(own.times[first:stop], before))
        if before > opening and place < stop:
            asked.append((user, before, place))
        if len(asked) == wanted:
            break
    with progress_bar("what follows", len(asked)) as advance:

        def answer(cut: tuple[int, int, int]) -> Question:
            user, before, place = cut
            popularity = Popularity.of(timeline, before)
            candidates = find_candidates(timeline, timeline, user, before, popularity)
            rest = slice(place, int(own.starts[user + 1]))
            later = own.movie[rest]
            liked = later[own.rating[rest] >= LIKING]
            advance(1)
            return Question(
                user,
                before,
                # Of the size of the catalogue, and no question asks for it.
                replace(candidates, company=_NO_COMPANY),
                np.isin(candidates.movies, later[:1]),
                np.isin(candidates.movies, liked),
            )

        return in_parallel(answer, asked)


def _crossed(candidates: Candidates) -> NDArray[np.float64]:
    length = np.log(max(candidates.known, 1)) - _TYPICAL_LENGTH
    return np.concatenate([candidates.values, candidates.values * length], axis=1)


def fit_logit(candidates: Sequence[Candidates], answers: Sequence[NDArray[np.bool_]]) -> Weights:
    """Minimise the mean surprise at the answers, by L-BFGS, with a penalty on the weights.

    An answer of several movies counts as one, spread evenly over them. What none of the
    candidates answers tells the weights nothing, and lowers the coverage.
    """
    kept = [(c, a / a.sum()) for c, a in zip(candidates, answers, strict=True) if a.any()]
    if not kept:
        return _NOTHING
    width = 2 * len(CANDIDATE_FEATURES)
    rows = np.concatenate([_crossed(c) for c, _ in kept]).astype(np.float32)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    inputs = torch.from_numpy((rows - mean) / scale)
    share = torch.from_numpy(np.concatenate([a for _, a in kept]).astype(np.float32))
    group = torch.from_numpy(np.repeat(np.arange(len(kept)), [len(a) for _, a in kept]))
    weights = torch.zeros(width, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def surprise() -> torch.Tensor:
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

    optimiser.step(surprise)
    values = weights.detach().numpy().astype(np.float64) / scale
    return Weights(tuple(map(float, values)), len(kept) / len(candidates))
