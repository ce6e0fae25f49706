"""Champion and challenger: the model that answers, and one that must prove better before it may.

Both predict the newest ratings before they are learned from, the challenger having learned from all
that came before them. What was compared is what answers afterwards: nothing is trained again on the
ratings it has been judged by.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from foreseen.data.schema import TIMESTAMP, USER
from foreseen.evaluation.metrics import Measured, paired_differences, rating_errors
from foreseen.evaluation.protocols import answer_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.base import Model
from foreseen.models.train import train_on

_JUDGED: Final = 0.1
"""Share of the log that judges, at most."""
FEWEST_JUDGED: Final = 200
FEWEST_JUDGES: Final = 10
"""Users among those who gave them: an interval over fewer says little."""


@dataclass(frozen=True)
class Contest:
    """What came of a contest.

    Attributes:
        challenger: Trained before the ratings judged by, and knowing all there are.
        ratings, users: How many judged.
        begins: The second of the first of them.
        champion, challenged: RMSE of the champion and of the challenger.
        differences: Challenger less champion, paired, with 95 % intervals; by figure.
    """

    challenger: Model
    ratings: int
    users: int
    begins: int
    champion: Measured
    challenged: Measured
    differences: dict[str, Measured]

    @property
    def better(self) -> bool:
        """Whether the challenger errs less for certain: the whole interval is below zero."""
        return self.differences["rmse"].high < 0

    def figures(self) -> dict[str, float | int | bool]:
        """Return the figures for the record."""
        found: dict[str, float | int | bool] = {
            "ratings": self.ratings,
            "users": self.users,
            "begins": self.begins,
            "ends": self.challenger.log.end,
            "known": self.challenger.log.ratings.height,
            "champion_rmse": self.champion.value,
            "challenger_rmse": self.challenged.value,
            "better": self.better,
        }
        for name, difference in self.differences.items():
            found |= {f"{name}_{end}": value for end, value in vars(difference).items()}
        return found


def judged_from(log: InteractionLog, trained_until: int) -> int:
    """Return the place in the log from which its ratings may judge a champion.

    It is the newer half of what the champion has not learned from: the challenger is to learn
    from the older.

    Args:
        timeline: What is known.
        learned_until: First second the champion has not learned from.
    """
    times = log.timestamp
    unlearned = int(np.searchsorted(times, trained_until))
    first = max(ceil((1 - _JUDGED) * len(times)), unlearned + ceil((len(times) - unlearned) / 2))
    if first >= len(times):
        return len(times)
    # Never within a second.
    return int(np.searchsorted(times, int(times[first])))


def train_challenger(champion: Model, place: int, seed: int) -> Model:
    """Return a model of the champion's kind trained anew on the ratings before a place in the log.

    It knows all ratings that the champion knows.
    """
    log = champion.log
    # The champion's catalogue, row by row: versions share one table of movies.
    past = InteractionLog.of(log.ratings[:place], log.catalogue)
    challenger = train_on(past, champion.name, champion.predictor.settings, seed)
    return challenger.observe(log.ratings[place:])


def hold_contest(champion: Model, challenger: Model, place: int) -> Contest:
    """Let the ratings from a place in the log on judge.

    Args:
        champion: Having learned from nothing at or after the place.
        challenger: Likewise; both know the whole log.
        place: As `judged_from` returns it.
    """
    events = champion.log.ratings[place:]
    before = events[TIMESTAMP].to_numpy().astype(np.int64)
    old = answer_events(champion, events, before)
    new = answer_events(challenger, events, before)
    return Contest(
        challenger=challenger,
        ratings=events.height,
        users=events[USER].n_unique(),
        begins=int(before[0]),
        champion=rating_errors(old)["rmse"],
        challenged=rating_errors(new)["rmse"],
        differences=paired_differences(old, new),
    )
