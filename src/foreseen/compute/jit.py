"""Compilation of loops over ratings with numba, keeping their type annotations."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers to machine code, cached on disk.

    The compiled function releases the interpreter lock. Fast-math is off: floating-point sums
    keep the order of the source, so results are reproducible bit for bit.
    """
    decorate = numba.njit(cache=True, nogil=True)
    return cast("Callable[P, R]", decorate(function))
