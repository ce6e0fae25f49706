"""Threads for independent work, and numerical libraries limited to one thread."""

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeVar

import torch
from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]

_WORKER: Final = threading.local()
T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Return the number of cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Apply a function to each item in a thread pool; return the results in the items' order.

    For compiled loops and linear algebra, which release the interpreter lock. The calls must not
    depend on each other's order. They run one after the other on a single core, and when nested
    in another `in_parallel`, which would otherwise start the square of the cores in threads.
    """
    if cores() == 1 or getattr(_WORKER, "is_worker", False):
        return [function(item) for item in items]
    with ThreadPoolExecutor(cores(), initializer=_mark_worker) as pool:
        return list(pool.map(function, items))


def _mark_worker() -> None:
    _WORKER.is_worker = True


def run_both(first: Callable[[], T], second: Callable[[], R]) -> tuple[T, R]:
    """Call two functions concurrently and return both results; see `in_parallel`."""
    if cores() == 1:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(first)
        result = second()
        return future.result(), result


@cache
def _libraries() -> ThreadpoolController:
    # Searching the process for BLAS libraries takes as long as many a request.
    return ThreadpoolController()


@contextmanager
def one_thread() -> Generator[None]:
    """Limit PyTorch and NumPy's BLAS to one thread while the block runs.

    Matrices and networks of this size do not gain from more threads and lose where cores are
    shared, because waiting threads spin. The order of sums would also depend on the machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)


def keep_to_one_thread() -> None:
    """Limit PyTorch and BLAS to one thread for the life of the process.

    For a process that serves requests in several threads: overlapping `one_thread` blocks would
    restore each other's limits.
    """
    torch.set_num_threads(1)
    _libraries().limit(limits=1, user_api="blas")
