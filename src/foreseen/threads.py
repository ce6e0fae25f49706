"""Keeping numerical libraries to one thread."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]


@cache
def _pools() -> ThreadpoolController:
    # Looking through the process for its libraries takes as long as many an answer.
    return ThreadpoolController()


@contextmanager
def one_thread() -> Generator[None]:
    """Keep PyTorch and the linear algebra under NumPy to one thread while the block runs.

    Matrices and networks this small gain nothing from more, lose much where cores are shared
    (waiting threads spin), and threads split sums in ways that differ from machine to machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _pools().limit(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)


def keep_to_one_thread() -> None:
    """Keep them to one thread for good: for a process that answers in several of its own.

    Blocks of `one_thread` that overlap would else undo each other's doing.
    """
    torch.set_num_threads(1)
    _pools().limit(limits=1, user_api="blas")
