"""Recovery: whether the error on the ratings that a change concerns is back where it was before.

Batches of ratings differ in their users and movies, and so does the error to expect of them. It is
compared after direct standardisation: the ratio of squared errors to the variance that the numbers
of ratings of user and movie lead to expect, since the action against before the change. Where a
change concerns a group, the same ratio of the other ratings corrects for what changed for all
(difference in differences). Standard errors are those of ratio estimates over users (Cochran,
1977), as the errors of one user are correlated.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.evaluation.intervals import Estimate

_RECOVERED: Final = 1.02
"""Error relative to the usual one up to which it is back."""
_CERTAIN: Final = 1.1
"""What the upper end of its interval must not exceed."""
_DAMPING: Final = 100.0
"""Ratings before a change from which their error counts more than the model's own estimate."""
_NORMAL: Final = 1.96


@dataclass(frozen=True)
class UsualError:
    """The error before a change: its variance is `noise + user / (1 + n_u) + movie / (1 + n_m)`.

    Attributes:
        noise, user, movie: See `foreseen.models.uncertainty.Uncertainty`, in squared stars.
        others: Mean squared error of the ratings that the change does not concern, relative to the
            same variance; None if it concerns all, or almost all.
        standard_error: Standard error of the root mean squared error, relative to it.
    """

    noise: float
    user: float
    movie: float
    others: float | None
    standard_error: float


@dataclass(frozen=True)
class Errors:
    """Errors of N ratings.

    Attributes:
        user: Rows of users, of shape N.
        squared: Squared errors, of shape N.
        inverse: 1, 1 / (1 + n_u) and 1 / (1 + n_m), of shape N x 3.
    """

    user: NDArray[np.int64]
    squared: NDArray[np.float64]
    inverse: NDArray[np.float64]

    def part(self, selected: NDArray[np.bool_]) -> "Errors":
        """Return the errors of some ratings, chosen by a mask of shape N."""
        return Errors(self.user[selected], self.squared[selected], self.inverse[selected])

    def suffice(self, ratings: int, users: int) -> bool:
        """Return whether there are as many ratings and users as that."""
        return len(self.user) >= ratings and len(np.unique(self.user)) >= users


@dataclass(frozen=True)
class _Ratio:
    """Sum of squared errors over that of the expected variances, and what each user adds to it."""

    value: float
    influence: dict[int, float]


def usual_error(
    variance: tuple[float, float, float], affected: Errors, others: Errors | None = None
) -> UsualError:
    """Return the error before a change.

    Args:
        variance: Noise, user and movie of the model's uncertainty.
        affected: Errors before the change of the ratings that it concerns; may be empty.
        others: Those of the other ratings at the same time; None if there are too few.
    """
    noise, user, movie = variance
    own = _ratio(affected, np.array(variance), damping=_DAMPING)
    other = None if others is None else _ratio(others, own.value * np.array(variance))
    return UsualError(
        noise=noise * own.value,
        user=user * own.value,
        movie=movie * own.value,
        others=None if other is None else other.value,
        standard_error=_standard_error(own, other),
    )


def excess_error(usual: UsualError, affected: Errors, others: Errors | None = None) -> Estimate:
    """Return the error relative to the usual one, 1 if equal, with its 95 % interval.

    Args:
        usual: The error before the change.
        affected: Errors of ratings that the change concerns; at least one.
        others: Those of the other ratings at the same time; None if there are too few.
    """
    variance = np.array([usual.noise, usual.user, usual.movie])
    own = _ratio(affected, variance)
    relative, other = own.value, None
    if usual.others is not None and others is not None:
        other = _ratio(others, variance)
        relative *= usual.others / other.value
    reach = _NORMAL * float(np.hypot(_standard_error(own, other), usual.standard_error))
    value = float(np.sqrt(relative))
    return Estimate(value, value * float(np.exp(-reach)), value * float(np.exp(reach)))


def is_back(excess: Estimate) -> bool:
    """Return whether a relative error is at most 2 % above the usual one, certainly under 10 %."""
    return excess.value <= _RECOVERED and excess.high <= _CERTAIN


def expected_error_of(usual: UsualError, errors: Errors) -> float:
    """Return the root mean squared error to expect of some ratings without the change."""
    variance = errors.inverse @ np.array([usual.noise, usual.user, usual.movie])
    return float(np.sqrt(np.mean(variance)))


def _ratio(errors: Errors, variance: NDArray[np.float64], damping: float = 0.0) -> _Ratio:
    """Return the ratio, damped towards one by some ratings of the mean variance."""
    expected = errors.inverse @ variance
    prior = damping * (float(np.mean(expected)) if len(expected) else 1.0)
    total = float(expected.sum()) + prior
    value = (float(errors.squared.sum()) + prior) / total
    users, codes = np.unique(errors.user, return_inverse=True)
    added = np.bincount(codes, errors.squared - value * expected) / (value * total)
    return _Ratio(value, dict(zip(users.tolist(), added.tolist(), strict=True)))


def _standard_error(own: _Ratio, other: _Ratio | None) -> float:
    """Return the standard error of the root of the quotient of two ratios, relative to it."""
    every = {*own.influence, *(other.influence if other else {})}
    added = [
        own.influence.get(user, 0.0) - (other.influence.get(user, 0.0) if other else 0.0)
        for user in every
    ]
    correction = len(every) / max(len(every) - 1, 1)
    return float(np.sqrt(correction * np.sum(np.square(added))) / 2)
