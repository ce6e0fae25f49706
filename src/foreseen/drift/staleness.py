"""How a model goes stale: the same ratings foretold by models of different age.

All of them have been told every rating since by `observe`; only what they learned is old.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.evaluation.metrics import Measured, paired_differences, plain, rating_errors
from foreseen.evaluation.protocols import answer_events
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

AGES: Final = (0, 7, 30, 90, 180, 365)
"""Days between the last rating learned from and the first foretold."""
_TESTED: Final = 0.1
_DAY: Final = 86_400
_FEWEST: Final = 1000


def staleness(
    tables: Tables, model: str, settings: Settings, seed: int, ages: Sequence[int] = AGES
) -> list[dict[str, Any]]:
    """Return, for models of each age, the error on the last tenth of a log.

    Ages that leave fewer than a thousand ratings to learn from are left out. Each entry has `days`,
    `learned_from` (ratings), `rmse`, and `difference`: how much more that is than the youngest
    model's, paired.
    """
    ratings = tables.ratings
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    place = int(np.searchsorted(times, int(times[int((1 - _TESTED) * len(times))])))
    tested, begins = ratings[place:], int(times[place])
    catalogue = Catalogue.of(tables.movies)
    found: list[dict[str, Any]] = []
    youngest: pl.DataFrame | None = None
    with progress_bar("growing old", len(ages)) as advance:
        for days in ages:
            learned = int(np.searchsorted(times, begins - days * _DAY))
            if learned < _FEWEST:
                break
            fitted = train_on(
                InteractionLog.of(ratings[:learned], catalogue),
                model,
                settings,
                seed,
                next_item=UNTRAINED,
            )
            known = fitted.observe(ratings[learned:])
            answers = answer_events(known, tested, times[place:])
            youngest = answers if youngest is None else youngest
            difference: dict[str, Measured] = paired_differences(youngest, answers)
            found.append(
                {
                    "days": days,
                    "learned_from": learned,
                    **plain({"rmse": rating_errors(answers)["rmse"]}),
                    "difference": plain(difference)["rmse"],
                }
            )
            advance(1)
    return found
