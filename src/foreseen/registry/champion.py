"""Champion and challenger: the current version, and one that replaces it only if it is better.

Both predict the newest ratings, the holdout, each before it is revealed; neither has been trained
on them. The challenger is promoted as it was evaluated: it is not trained again on the holdout.
"""

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np

from foreseen.data.schema import TIMESTAMP, USER
from foreseen.evaluation.intervals import Estimate
from foreseen.evaluation.metrics import paired_differences, rating_errors
from foreseen.evaluation.results import predict_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.messages import Figure, Message
from foreseen.models.base import Model
from foreseen.models.train import train_on, with_encoding

_HOLDOUT_SHARE: Final = 0.1
"""Maximum share of the log in the holdout."""
MIN_HOLDOUT_RATINGS: Final = 200
MIN_HOLDOUT_USERS: Final = 10
"""The bootstrap over fewer users gives no reliable interval."""


@dataclass(frozen=True)
class PairedComparison:
    """The errors of two models on the same holdout.

    Attributes:
        ratings, users: Size of the holdout.
        begins: Second of its first rating.
        ends: First second after the log.
        log_size: Number of ratings in the log.
        champion, challenger: RMSE of each.
        differences: Challenger less champion, paired by user, by name of the metric.
    """

    ratings: int
    users: int
    begins: int
    ends: int
    log_size: int
    champion: Estimate
    challenger: Estimate
    differences: dict[str, Estimate]

    @property
    def better(self) -> bool:
        """Whether the challenger is significantly better: the whole RMSE interval is below 0."""
        return self.differences["rmse"].high < 0

    @property
    def message(self) -> Message:
        """The errors and their difference in a sentence."""
        difference = self.differences["rmse"]
        return Message(
            "RMSE %(challenger)s against %(champion)s on the newest %(ratings)s ratings of "
            "%(users)s users, paired difference %(difference)s (%(low)s to %(high)s)",
            challenger=Figure(self.challenger.value, 4),
            champion=Figure(self.champion.value, 4),
            ratings=Figure(self.ratings),
            users=Figure(self.users),
            difference=Figure(difference.value, 4, "signed"),
            low=Figure(difference.low, 4, "signed"),
            high=Figure(difference.high, 4, "signed"),
        )

    def in_units(self, per_star: float) -> "PairedComparison":
        """Return the comparison with errors on a scale with that many units per star."""
        differences = {
            name: difference if name == "ndcg10" else difference.times(per_star)
            for name, difference in self.differences.items()
        }
        return replace(
            self,
            champion=self.champion.times(per_star),
            challenger=self.challenger.times(per_star),
            differences=differences,
        )

    def as_json(self) -> dict[str, float | int | bool]:
        """Return the comparison as version.json stores it."""
        document: dict[str, float | int | bool] = {
            "ratings": self.ratings,
            "users": self.users,
            "begins": self.begins,
            "ends": self.ends,
            "known": self.log_size,
            "champion_rmse": self.champion.value,
            "challenger_rmse": self.challenger.value,
            "better": self.better,
        }
        for name, difference in self.differences.items():
            document |= {f"{name}_{bound}": value for bound, value in vars(difference).items()}
        return document


def holdout_start(log: InteractionLog, trained_until: int) -> int:
    """Return the position in the log at which the holdout starts; the length of the log if empty.

    The holdout is the newer half of the ratings that the champion has not been trained on, or a
    tenth of the log if that is less. It begins with the first rating of a second.

    Args:
        log: The log.
        trained_until: First second whose ratings the champion has not been trained on.
    """
    times = log.timestamp
    untrained = int(np.searchsorted(times, trained_until))
    middle = untrained + ceil((len(times) - untrained) / 2)
    start = max(ceil((1 - _HOLDOUT_SHARE) * len(times)), middle)
    if start >= len(times):
        return len(times)
    return int(np.searchsorted(times, int(times[start])))


def train_challenger(champion: Model, start: int, seed: int) -> Model:
    """Return a model with the champion's settings, trained on the log before the holdout.

    Its log is the champion's.
    """
    log = champion.log
    # With the champion's catalogue, as all versions share one table of movies.
    past = InteractionLog.of(log.ratings[:start], log.catalogue)
    challenger = train_on(past, champion.name, champion.predictor.settings, seed)
    return with_encoding(challenger, champion.encoding).with_ratings(log.ratings[start:])


def compare(champion: Model, challenger: Model, start: int) -> PairedComparison:
    """Compare two models on the ratings of their log from a position on.

    Args:
        champion: Not trained on the holdout.
        challenger: Likewise, with the same log.
        start: Position at which the holdout starts, see `holdout_start`.
    """
    log = champion.log
    holdout = log.ratings[start:]
    before = holdout[TIMESTAMP].to_numpy().astype(np.int64)
    old = predict_events(champion, holdout, before)
    new = predict_events(challenger, holdout, before)
    return PairedComparison(
        ratings=holdout.height,
        users=holdout[USER].n_unique(),
        begins=int(before[0]),
        ends=log.end,
        log_size=log.ratings.height,
        champion=rating_errors(old)["rmse"],
        challenger=rating_errors(new)["rmse"],
        differences=paired_differences(old, new),
    )
