"""The LRU cache: bound, recency, and concurrent computation."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.compute.cache import LRUCache


def test_a_value_is_computed_once() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    assert cache.get("a") is None
    assert cache.get_or_compute("a", lambda: 1) == 1
    assert cache.get_or_compute("a", lambda: 2) == 1
    assert cache.get("a") == 1


def test_none_is_a_value() -> None:
    cache: LRUCache[str, int | None] = LRUCache(2)
    calls: list[int] = []
    for _ in range(2):
        assert cache.get_or_compute("a", lambda: calls.append(1)) is None
    assert len(calls) == 1


def test_the_least_recently_used_entry_is_evicted() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.is_full
    cache.get("a")
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    cache.get_or_compute("a", lambda: 0)
    cache.put("d", 4)
    assert [cache.get(key) for key in "acd"] == [1, None, 4]
    assert len(cache) == 2


def test_the_total_cost_is_bounded() -> None:
    cache: LRUCache[str, str] = LRUCache(5, cost=len)
    cache.put("a", "xx")
    cache.put("b", "xx")
    assert not cache.is_full
    cache.put("c", "xxx")
    assert cache.is_full
    assert [cache.get(key) for key in "abc"] == [None, "xx", "xxx"]
    cache.put("b", "x")
    cache.put("d", "x")
    assert len(cache) == 3


def test_a_value_above_the_bound_is_returned_but_not_stored() -> None:
    cache: LRUCache[str, str] = LRUCache(3, cost=len)
    cache.put("a", "xx")
    assert cache.get_or_compute("b", lambda: "xxxx") == "xxxx"
    assert cache.get("b") is None
    assert cache.get("a") == "xx"
    cache.put("a", "xxxx")
    assert cache.get("a") is None
    assert len(cache) == 0


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 or more\. Received: 0"):
        LRUCache[str, int](0)


def test_matching_entries_are_discarded() -> None:
    cache: LRUCache[tuple[int, str], int] = LRUCache(3)
    for serial in (1, 2, 2):
        cache.put((serial, str(serial)), serial)
    cache.discard_if(lambda key: key[0] < 2)
    assert cache.get((1, "1")) is None
    assert cache.get((2, "2")) == 2
    assert not cache.is_full


def test_a_failed_computation_is_not_stored() -> None:
    cache: LRUCache[str, int] = LRUCache(2)

    def fail() -> int:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        cache.get_or_compute("a", fail)
    assert len(cache) == 0
    assert cache.get_or_compute("a", lambda: 1) == 1


class _Key:
    """A key that signals when the cache looks it up, which it does holding its lock."""

    def __init__(self) -> None:
        self.looked_up = threading.Event()

    def __hash__(self) -> int:
        self.looked_up.set()
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key)


def _results_of_four_callers(
    cache: LRUCache[_Key, int], compute: Callable[[], int]
) -> list[Callable[[], int]]:
    """Call for one key four times, where three callers come while the first one computes."""
    started, release = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        assert release.wait(10)
        return compute()

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(cache.get_or_compute, _Key(), slow)]
        assert started.wait(10)
        for _ in range(3):
            key = _Key()
            futures.append(
                pool.submit(cache.get_or_compute, key, lambda: pytest.fail("computed twice"))
            )
            assert key.looked_up.wait(10)
        release.set()
    return [future.result for future in futures]


def test_concurrent_callers_share_one_computation() -> None:
    cache: LRUCache[_Key, int] = LRUCache(2)
    assert [result() for result in _results_of_four_callers(cache, lambda: 7)] == [7, 7, 7, 7]
    assert cache.get(_Key()) == 7


def test_concurrent_callers_share_an_error() -> None:
    cache: LRUCache[_Key, int] = LRUCache(2)

    def fail() -> int:
        raise RuntimeError("no memory")

    for result in _results_of_four_callers(cache, fail):
        with pytest.raises(RuntimeError, match="no memory"):
            result()
    assert cache.get_or_compute(_Key(), lambda: 1) == 1


def test_other_keys_are_available_during_a_computation() -> None:
    cache: LRUCache[str, int] = LRUCache(2)
    assert cache.get_or_compute("a", lambda: 1 + cache.get_or_compute("b", lambda: 1)) == 2
    assert (cache.get("a"), cache.get("b")) == (2, 1)


def test_a_computation_that_is_discarded_meanwhile_is_not_stored() -> None:
    cache: LRUCache[str, int] = LRUCache(2)

    def compute() -> int:
        cache.discard_if(lambda key: key == "a")
        return 1

    assert cache.get_or_compute("a", compute) == 1
    assert cache.get("a") is None


def test_a_value_put_meanwhile_is_kept() -> None:
    cache: LRUCache[str, int] = LRUCache(2)

    def compute() -> int:
        cache.put("a", 2)
        return 1

    assert cache.get_or_compute("a", compute) == 1
    assert cache.get("a") == 2


def test_many_threads_keep_the_bound_and_the_values() -> None:
    cache: LRUCache[int, int] = LRUCache(40, cost=lambda value: value % 7 + 1)

    def work(seed: int) -> bool:
        keys = [(seed * 31 + step * 17) % 50 for step in range(300)]
        return all(cache.get_or_compute(key, lambda key=key: key) == key for key in keys)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    kept = [key for key in range(50) if cache.get(key) is not None]
    assert len(kept) == len(cache)
    assert sum(key % 7 + 1 for key in kept) <= 40


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4))), st.integers(1, 8))
def test_the_cache_behaves_as_a_list_ordered_by_use(
    calls: list[tuple[int, int]], max_cost: int
) -> None:
    cache: LRUCache[int, int] = LRUCache(max_cost, cost=lambda value: value)
    model: list[tuple[int, int]] = []
    for key, value in calls:
        found = next((entry for entry in model if entry[0] == key), None)
        result = cache.get_or_compute(key, lambda value=value: value)
        assert result == (value if found is None else found[1])
        if found is not None:
            model.remove(found)
        if result <= max_cost:
            model.append((key, result))
        while sum(cost for _, cost in model) > max_cost:
            model.pop(0)
        assert len(cache) == len(model)
        assert cache.is_full == (sum(cost for _, cost in model) == max_cost)
    assert [cache.get(key) for key, _ in model] == [value for _, value in model]
