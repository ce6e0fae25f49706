"""Cholesky decomposition of small matrices in compiled loops, faster there than a library call.

Matrices are symmetric, of shape D x D; only the lower triangle is read and written.
"""

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled


@compiled
def factorise(matrix: NDArray[np.float64]) -> None:
    """Replace a positive definite matrix by its lower Cholesky factor L, in place."""
    size = matrix.shape[0]
    for j in range(size):
        total = matrix[j, j]
        for k in range(j):
            total -= matrix[j, k] * matrix[j, k]
        root = np.sqrt(max(total, 1e-12))
        matrix[j, j] = root
        for i in range(j + 1, size):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / root


@compiled
def solve_lower(factor: NDArray[np.float64], vector: NDArray[np.float64]) -> None:
    """Solve L y = b for y, in place; `vector` is b, of shape D."""
    for i in range(factor.shape[0]):
        total = vector[i]
        for k in range(i):
            total -= factor[i, k] * vector[k]
        vector[i] = total / factor[i, i]


@compiled
def solve_upper(factor: NDArray[np.float64], vector: NDArray[np.float64]) -> None:
    """Solve L' y = b for y, in place; `vector` is b, of shape D."""
    size = factor.shape[0]
    for i in range(size - 1, -1, -1):
        total = vector[i]
        for k in range(i + 1, size):
            total -= factor[k, i] * vector[k]
        vector[i] = total / factor[i, i]
