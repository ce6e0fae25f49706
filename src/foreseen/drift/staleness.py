"""Staleness: the error on the same ratings of models trained at different ages.

All models have observed every rating since; only their training is old.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from foreseen.candidates.next_item import UNTRAINED
from foreseen.data.canonical import Tables
from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import TIMESTAMP
from foreseen.evaluation.intervals import Estimate
from foreseen.evaluation.metrics import as_dicts, paired_differences, rating_errors
from foreseen.evaluation.results import predict_events
from foreseen.evaluation.units import in_units
from foreseen.features.examples import DAY
from foreseen.features.interaction_log import InteractionLog
from foreseen.models.predictor import Settings
from foreseen.models.train import train_on
from foreseen.progress import progress_bar

AGES: Final = (0, 7, 30, 90, 180, 365)
"""Days between the last rating trained on and the first test rating."""
_TEST_SHARE: Final = 0.1
_FEWEST: Final = 1000


def staleness(
    tables: Tables, model: str, settings: Settings, seed: int, ages: Sequence[int] = AGES
) -> list[dict[str, Any]]:
    """Return the error on the last tenth of a log by the age of the model.

    Ages that leave fewer than a thousand ratings to train on are left out.

    Args:
        tables: The data.
        model: Name of the model.
        settings: Its settings.
        seed: Random seed.
        ages: Days, in ascending order.

    Returns:
        For each age `days`, `learned_from` (number of training ratings), `rmse`, and `difference`:
        the paired difference of the RMSE to that of the youngest model.
    """
    ratings = tables.ratings
    times = ratings[TIMESTAMP].to_numpy().astype(np.int64)
    first = int(np.searchsorted(times, int(times[int((1 - _TEST_SHARE) * len(times))])))
    test, begins = ratings[first:], int(times[first])
    catalogue = Catalogue.of(tables.movies)
    results: list[dict[str, Any]] = []
    youngest: pl.DataFrame | None = None
    with progress_bar("staleness", len(ages)) as advance:
        for days in ages:
            count = int(np.searchsorted(times, begins - days * DAY))
            if count < _FEWEST:
                break
            log = InteractionLog.of(ratings[:count], catalogue)
            fitted = train_on(log, model, settings, seed, next_item=UNTRAINED)
            predictions = predict_events(fitted.with_ratings(ratings[count:]), test, times[first:])
            youngest = predictions if youngest is None else youngest
            difference: dict[str, Estimate] = paired_differences(youngest, predictions)
            results.append(
                {
                    "days": days,
                    "learned_from": count,
                    **as_dicts({"rmse": rating_errors(predictions)["rmse"]}),
                    "difference": as_dicts(difference)["rmse"],
                }
            )
            advance(1)
    return in_units(results, tables.encoding.scale)
