"""The correction of every model's predictions for the global offset.

It is applied after the model: as a network input the global offset increased the error on small
logs, because the network identified users by the moment.
"""

import numpy as np
from numpy.typing import NDArray

from foreseen.features.interaction_log import LogView
from foreseen.features.queries import Queries


def offset_correction(view: LogView, queries: Queries) -> NDArray[np.float64]:
    """Return the correction of N predictions, in stars, as of their moments.

    It is the global offset at the moment less the part of it that the user bias already contains:
    the full offset for a new user, and close to zero for a user who has rated much since the
    offset changed.
    """
    histories = view.histories
    ends = histories.ends(queries.history, queries.before)
    known = (queries.history >= 0) & (ends > histories.starts[queries.history])
    in_user_bias = np.zeros(len(queries))
    in_user_bias[known] = view.offset_in_user_bias[ends[known] - 1]
    return view.log.global_offset.before(queries.before) - in_user_bias
