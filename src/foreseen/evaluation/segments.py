"""Segments of the test events: cold-start cells, and buckets of user activity."""

from typing import Final

import numpy as np
import polars as pl

from foreseen.data.identifiers import UNKNOWN
from foreseen.data.schema import MOVIE, USER
from foreseen.features.interaction_log import InteractionLog

CELLS: Final = ("new user", "new movie", "known user, known movie")
ACTIVITY: Final = ("0", "1-5", "6-20", "21-100", ">100")
_ACTIVITY_EDGES: Final = (1, 6, 21, 101)


def with_cell(events: pl.DataFrame, fitted: InteractionLog) -> pl.DataFrame:
    """Add `cell`: whether the log that a model was fitted to has the user and the movie.

    A new movie of a new user counts as `new user`.
    """
    new_user = fitted.users.rows(events[USER].to_numpy()) == UNKNOWN
    new_movie = ~np.isin(events[MOVIE].to_numpy(), fitted.ratings[MOVIE].to_numpy())
    cell = np.select([new_user, new_movie], CELLS[:2], CELLS[2])
    return events.with_columns(pl.Series("cell", cell))


def with_activity(events: pl.DataFrame) -> pl.DataFrame:
    """Add `activity`: the bucket of the number of ratings in column `known`."""
    bucket = np.searchsorted(_ACTIVITY_EDGES, events["known"].to_numpy(), side="right")
    return events.with_columns(pl.Series("activity", np.array(ACTIVITY)[bucket]))
