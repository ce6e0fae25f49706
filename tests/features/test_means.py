"""Damped means look back, and from nobody to anybody else."""

import numpy as np

from foreseen.features.damped_means import means_before, running_means


def test_means_before_know_nothing_of_their_own_event() -> None:
    entity = np.array([0, 1, 0, 0], dtype=np.int32)
    means = means_before(entity, np.array([4.0, 9.0, 2.0, 7.0]), 2, 1.0)
    np.testing.assert_allclose(means, [0, 0, 4 / 2, 6 / 3])


def test_running_means_begin_anew_with_every_history() -> None:
    starts = np.array([0, 2, 2, 3])
    means = running_means(starts, np.array([4.0, 2.0, 5.0]), 1.0)
    np.testing.assert_allclose(means, [4 / 2, 6 / 3, 5 / 2])
