"""Cholesky decomposition of small matrices."""

import numpy as np
import pytest

from foreseen.compute.cholesky import factorise, solve_lower, solve_upper


@pytest.mark.parametrize("size", [1, 5])
def test_a_system_is_solved_by_its_factor(size: int) -> None:
    generator = np.random.default_rng(0)
    root = generator.normal(size=(size, size))
    matrix = root @ root.T + np.eye(size)
    vector = generator.normal(size=size)
    factor = matrix.copy()
    factorise(factor)
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(matrix))
    solution = vector.copy()
    solve_lower(factor, solution)
    solve_upper(factor, solution)
    np.testing.assert_allclose(matrix @ solution, vector)


def test_only_the_lower_triangle_is_read() -> None:
    matrix = np.array([[4.0, np.nan], [2.0, 3.0]])
    factorise(matrix)
    np.testing.assert_allclose(matrix[[0, 1, 1], [0, 0, 1]], [2.0, 1.0, np.sqrt(2.0)])
