"""Threads for independent work, and numerical libraries limited to one thread."""

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar

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
    if _is_sequential():
        return [function(item) for item in items]
    with ThreadPoolExecutor(cores(), initializer=_mark_worker) as pool:
        return list(pool.map(function, items))


def completed_in_threads(function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """Yield each item with the result of a function, in the order in which they are completed.

    As `in_parallel`, but few items are started ahead, so memory does not grow with their number.
    """
    if _is_sequential():
        for item in items:
            yield item, function(item)
        return
    waiting = iter(items)
    with ThreadPoolExecutor(cores(), initializer=_mark_worker) as pool:
        running = {pool.submit(function, item): item for item in islice(waiting, 2 * cores())}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    item = running.pop(future)
                    running |= {pool.submit(function, new): new for new in islice(waiting, 1)}
                    yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def in_sequence() -> Generator[None]:
    """Run what this thread would run in parallel one after the other while the block runs."""
    before = getattr(_WORKER, "is_worker", False)
    _mark_worker()
    try:
        yield
    finally:
        _WORKER.is_worker = before


def _is_sequential() -> bool:
    return cores() == 1 or getattr(_WORKER, "is_worker", False)


def _mark_worker() -> None:
    _WORKER.is_worker = True


class ThreadBuffers(threading.local):
    """Attributes with a value per thread; a copy that is sent to another process has none."""

    def __reduce__(self) -> tuple[Any, ...]:
        return ThreadBuffers, ()


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
