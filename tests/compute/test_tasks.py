"""Tasks in threads of this process, and what of them can be sent to another one."""

import pickle
import threading

import pytest
from tests.counting import CountedTasks

from foreseen.compute.cache import LRUCache
from foreseen.compute.tasks import completed_tasks, run_tasks, task_slots
from foreseen.compute.threads import ThreadBuffers, cores, in_parallel, in_sequence


def test_results_are_in_the_order_of_the_tasks() -> None:
    assert run_tasks(lambda task: task * task, range(6)) == [0, 1, 4, 9, 16, 25]
    assert task_slots() == 1


def test_few_tasks_are_started_ahead() -> None:
    tasks = CountedTasks(100)
    results = completed_tasks(lambda task: task, tasks)
    next(results)
    assert tasks.taken <= 2 * cores() + 1
    assert len(list(results)) == 99


def test_tasks_without_threads_run_in_the_calling_one() -> None:
    names = run_tasks(lambda _: threading.get_ident(), range(3), in_threads=False)
    assert set(names) == {threading.get_ident()}
    with in_sequence():
        names = in_parallel(lambda _: threading.get_ident(), range(3))
    assert set(names) == {threading.get_ident()}


def test_an_error_of_a_task_is_raised_to_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        run_tasks(lambda task: 1 / task, range(3))


def test_copies_of_caches_and_buffers_are_empty() -> None:
    cache: LRUCache[str, int] = LRUCache(3)
    cache.put("a", 1)
    copy = pickle.loads(pickle.dumps(cache))  # noqa: S301 - written by the line itself
    assert len(copy) == 0
    copy.put("b", 2)
    assert not copy.is_full
    buffers = ThreadBuffers()
    buffers.value = 1
    assert not hasattr(pickle.loads(pickle.dumps(buffers)), "value")  # noqa: S301
