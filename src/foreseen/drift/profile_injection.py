"""Detection of accounts that may have been created to promote a movie.

A profile injection attack (Mobasher, Burke, Bhaumik and Williams, 2007) is found from its target,
as in target item analysis (Zhou et al., 2015): so many of a movie's ratings are among the highest
of their users that the spread between movies does not explain it. The rank of a rating among those
of its user, as a normal score, removes each user's level and spread. A movie's scores have a normal
random effect, fitted to the log; the number of high scores given the effect is binomial.

Accounts that give all movies the same rating have no high scores, and little influence for the same
reason. Movies that most users rate lowest are common, so lowered movies are not tested.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, ndtr, ndtri  # pyright: ignore[reportMissingTypeStubs]

from foreseen.data.encoding import Encoding, Id
from foreseen.features.interaction_log import InteractionLog

_HIGH: Final = 1.3
"""Normal score from which a rating counts as one of the highest of its user."""
_EXTREME: Final = 0.005
_FEWEST_RATINGS: Final = 10
"""Ratings a user needs for their scores to count."""
_FEWEST_HIGH: Final = 4
_FEWEST_SCORES: Final = 20
"""Scores of a movie that the spread within movies is estimated from."""
_LEAST_VARIANCE: Final = 0.01
_FALSE_ALARMS: Final = 0.2
"""Expected number of findings in a log without an attack (Bonferroni correction)."""
_NODES: Final = 41


@dataclass(frozen=True)
class SuspectedInjection:
    """A movie whose ratings may be injected.

    Attributes:
        movie: Id of the movie.
        title: Title of the movie.
        users: Ids of the users with a high score for it, ascending.
        ratings: Number of its ratings that were tested.
        probability: Of as many high scores in a log without an attack, over all movies tested.
    """

    movie: Id
    title: str
    users: tuple[Id, ...]
    ratings: int
    probability: float

    def __str__(self) -> str:
        accounts = ", ".join(map(str, self.users))
        return (
            f"{self.title or self.movie}: among the highest ratings of {len(self.users)} of its "
            f"{self.ratings} users (by chance in {self.probability:.1g} of logs); check the "
            f"accounts {accounts}"
        )

    def decoded(self, encoding: Encoding) -> "SuspectedInjection":
        """Return the suspicion with the ids of the source; its own have codes."""
        movie = encoding.movies.identifier(int(self.movie))
        users = tuple(encoding.users.identifier(int(user)) for user in self.users)
        title = f"movie {movie}" if self.title == f"movie {self.movie}" else self.title
        return replace(self, movie=movie, title=title, users=users)

    def as_json(self) -> dict[str, Any]:
        """Return the suspicion as `metrics.json` and the command line contain it."""
        return {
            "movieId": self.movie,
            "title": self.title,
            "users": list(self.users),
            "ratings": self.ratings,
            "probability": self.probability,
            "sentence": str(self),
        }


def find_injections(log: InteractionLog) -> list[SuspectedInjection]:
    """Return the movies of a log that may be promoted by injected ratings, least likely first."""
    known = np.bincount(log.user, minlength=len(log.users.ids))[log.user] >= _FEWEST_RATINGS
    user, movie = log.user[known], log.movie[known]
    score = _normal_scores(user, log.rating[known])
    size = len(log.catalogue)
    count = np.bincount(movie, minlength=size)
    high = np.bincount(movie[score > _HIGH], minlength=size)
    tested = np.flatnonzero(high >= _FEWEST_HIGH)
    if not len(tested):
        return []
    mean, between, within = _variance_components(movie, score, count)
    probability = len(tested) * _tail(high[tested], count[tested], mean, between, within)
    order = tested[np.argsort(probability, kind="stable")]
    least = np.sort(probability)
    return [
        SuspectedInjection(
            movie=int(log.catalogue.movies.ids[row]),
            title=str(log.catalogue.titles[int(row)]),
            users=tuple(sorted(map(int, log.users.ids[user[(movie == row) & (score > _HIGH)]]))),
            ratings=int(count[row]),
            probability=float(value),
        )
        for row, value in zip(order, least, strict=True)
        if value < _FALSE_ALARMS
    ]


def _normal_scores(user: NDArray[np.int32], rating: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal score of the rank of each rating among those of its user, of shape E.

    Equal ratings share their mean rank.
    """
    order = np.lexsort((rating, user))
    user, rating = user[order], rating[order]
    first = np.searchsorted(user, user, side="left")
    new = np.append(True, (user[1:] != user[:-1]) | (rating[1:] != rating[:-1]))[: len(user)]
    starts = np.append(np.flatnonzero(new), len(user))
    tie = np.cumsum(new) - 1
    middle = (starts[tie] + starts[tie + 1]) / 2 - first
    share = middle / np.bincount(user)[user]
    score = np.empty(len(user))
    score[order] = ndtri(np.clip(share, _EXTREME, 1 - _EXTREME))
    return score


def _variance_components(
    movie: NDArray[np.int32], score: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return mean, variance between and variance within movies, by the method of moments."""
    rows = np.flatnonzero(count >= _FEWEST_SCORES)
    if len(rows) < 2:
        return 0.0, 0.0, 1.0
    number = count[rows]
    mean = np.bincount(movie, score, len(count))[rows] / number
    squares = np.bincount(movie, score**2, len(count))[rows]
    variance = np.maximum(squares - number * mean**2, 0) / (number - 1)
    within = max(float(variance.mean()), _LEAST_VARIANCE)
    between = float(mean.var(ddof=1)) - within * float((1 / number).mean())
    return float(mean.mean()), max(between, _LEAST_VARIANCE), within


def _tail(
    high: NDArray[np.int64], count: NDArray[np.int64], mean: float, between: float, within: float
) -> NDArray[np.float64]:
    """Return the probability of as many high scores or more, of shape N.

    The random effect is integrated out by Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    share = ndtr((mean + np.sqrt(between) * nodes - _HIGH) / np.sqrt(within))
    tails = bdtrc(high[:, None] - 1, count[:, None], share[None, :])
    return np.asarray(tails @ (weights / weights.sum()), dtype=np.float64)
