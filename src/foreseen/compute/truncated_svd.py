"""Truncated singular value decomposition of sparse matrices (Halko et al., 2011)."""

import threading
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_OVERSAMPLING: Final = 10
_RANDOM_LOCK: Final = threading.Lock()
"""Held during a decomposition, which draws from PyTorch's global random generator."""


def sparse_matrix(
    row: NDArray[np.integer],
    column: NDArray[np.integer],
    values: NDArray[np.float64],
    shape: tuple[int, int],
) -> Tensor:
    """Return a sparse matrix; the values of a repeated entry are added."""
    indices = torch.from_numpy(np.stack([row, column]).astype(np.int64))
    return torch.sparse_coo_tensor(
        indices, torch.from_numpy(values), shape, check_invariants=True
    ).coalesce()


def truncated_svd(
    matrix: Tensor, rank: int, iterations: int = 6
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest singular values of a matrix and their right vectors.

    Args:
        matrix: A sparse matrix of shape M x N.
        rank: R, how many.
        iterations: Power iterations; more of them separate close singular values better.

    Returns:
        The values, descending, of shape R; and the vectors, of shape N x R.
    """
    with _RANDOM_LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = torch.svd_lowrank(
            matrix, q=min(rank + _OVERSAMPLING, *matrix.shape), niter=iterations
        )
    return found[1][:rank].numpy(), found[2][:, :rank].numpy()
