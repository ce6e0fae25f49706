"""Compiling the loops that run over ratings: numba's `njit`, with types that survive it."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of arrays and numbers to machine code, cached on disk.

    No fast-math: sums are taken in the order written, so that results repeat bit for bit.
    """
    decorate = numba.njit(cache=True, nogil=True)
    return cast("Callable[P, R]", decorate(function))
