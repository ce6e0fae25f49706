"""Keeping numerical libraries to one thread, and threads of our own to independent work."""

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeVar

import torch
from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]

_AT_WORK: Final = threading.local()
T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Return how many cores there are for this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call a function for each item, several at once; return the answers in the items' order.

    For compiled loops and linear algebra, which run without the interpreter's lock. Nothing may
    depend on the order of the calls: with one core they come one after the other, and so they do
    within a call, or memory would be taken for the square of the cores.
    """
    if cores() == 1 or getattr(_AT_WORK, "within", False):
        return [function(item) for item in items]
    with ThreadPoolExecutor(cores(), initializer=_begin_work) as threads:
        return list(threads.map(function, items))


def _begin_work() -> None:
    _AT_WORK.within = True


def side_by_side(first: Callable[[], T], second: Callable[[], R]) -> tuple[T, R]:
    """Call two functions at once and return both answers; see `in_parallel`."""
    if cores() == 1:
        return first(), second()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(first)
        answer = second()
        return coming.result(), answer


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
