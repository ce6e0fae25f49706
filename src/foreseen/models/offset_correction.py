"""What every model's predictions are moved by when everybody has begun to rate otherwise.

The networks are not told: as one more input the world's level made them worse on small logs, as
they learn by heart from the moment who it was.
"""

import numpy as np
from numpy.typing import NDArray

from foreseen.features.queries import Queries
from foreseen.features.interaction_log import Timeline


def level_shift(timeline: Timeline, queries: Queries) -> NDArray[np.float64]:
    """Return by how much N predictions are to be moved, in stars, as of their moments.

    It is the level at the moment less what the user's kindness has of it already: a newcomer's
    are moved by all of it, as are nearly those of somebody who has rated much before it moved;
    whoever has rated much since then has it in their kindness.
    """
    own = timeline.histories
    ends = own.ends(queries.history, queries.before)
    known = (queries.history >= 0) & (ends > own.starts[queries.history])
    in_kindness = np.zeros(len(queries))
    in_kindness[known] = timeline.levels_in_kindness[ends[known] - 1]
    return timeline.level.before(queries.before) - in_kindness
