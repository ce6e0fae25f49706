"""A bound on the leading values of a long array, far faster than a partial sort."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_GROUP: Final = 32
"""Values whose highest stands for them."""


def least_of_leaders(values: NDArray[np.floating], k: int) -> float:
    """Return a value that the k highest reach, and few others; minus infinity if all are leaders.

    It is the k-th highest of the maxima of groups of values.
    """
    if k >= len(values):
        return -np.inf
    groups = len(values) // _GROUP
    if groups < 2 * k:
        return float(np.partition(values, -k)[-k])
    highest = values[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    return float(np.partition(highest, -k)[-k])
