"""Threads of their own for one kind of work."""

import threading

import anyio
import pytest

from foreseen.serving.bounded_pool import BoundedPool, OverloadedError


def test_calls_beyond_the_threads_wait_and_beyond_the_queue_are_refused_at_once() -> None:
    release, running, most = threading.Event(), 0, 0
    lock, results, refused = threading.Lock(), list[int](), list[int]()

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        release.wait(10)
        with lock:
            running -= 1
        return n

    async def call(pool: BoundedPool, n: int) -> None:
        try:
            results.append(await pool.run(work, n))
        except OverloadedError:
            refused.append(n)

    async def run() -> None:
        pool = BoundedPool(2, 3)
        async with anyio.create_task_group() as tasks:
            for n in range(8):
                tasks.start_soon(call, pool, n)
            while len(refused) < 3 or running < 2:
                await anyio.sleep(0.001)
            assert results == []
            release.set()
        assert await pool.run(work, 99) == 99

    anyio.run(run)
    assert sorted(results) == [0, 1, 2, 3, 4]
    assert refused == [5, 6, 7]
    assert most == 2


def test_a_call_that_fails_makes_room() -> None:
    def fail() -> None:
        raise KeyError

    async def run() -> None:
        pool = BoundedPool(1, 0)
        for _ in range(3):
            with pytest.raises(KeyError):
                await pool.run(fail)

    anyio.run(run)
