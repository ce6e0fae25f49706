"""A thread-safe cache of bounded size that evicts the least recently used entry."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _one(_value: object) -> int:
    return 1


class LRUCache(Generic[K, V]):
    """A mapping with a maximum total cost; a new entry evicts the least recently used ones.

    All methods may be called from several threads. With the default cost the maximum is a number
    of entries.
    """

    def __init__(self, max_cost: int, cost: Callable[[V], int] = _one) -> None:
        """Create an empty cache.

        Args:
            max_cost: Maximum of the summed costs. A value that costs more is never stored.
            cost: Returns the cost of a value, 0 or more; called once per stored value.

        Raises:
            ValueError: If `max_cost` is below 1.
        """
        if max_cost < 1:
            raise ValueError(f"max_cost should be 1 or more. Received: {max_cost}")
        self._max_cost = max_cost
        self._cost = cost
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._total = 0
        self._pending: dict[K, Future[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a copy in another process is made of: the same limit, without entries."""
        return LRUCache, (self._max_cost, self._cost)

    @property
    def is_full(self) -> bool:
        """Whether the total cost has reached the maximum."""
        return self._total >= self._max_cost

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None; the entry becomes the most recently used."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def get_or_compute(self, key: K, compute: Callable[[], V]) -> V:
        """Return the value of a key, computing and storing it if it is absent.

        Callers that request a key while it is being computed wait for that computation, which
        holds no lock. `compute` must not request its own key. An exception of `compute` is raised
        to the caller and to all that wait; nothing is stored and the next call computes again.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry[0]
            future = self._pending.get(key)
            is_owner = future is None
            if future is None:
                future = self._pending[key] = Future()
        if not is_owner:
            return future.result()
        try:
            value = compute()
            cost = self._cost(value)
        except BaseException as error:
            with self._lock:
                self._end_pending(key, future)
            future.set_exception(error)
            raise
        with self._lock:
            if self._end_pending(key, future):
                self._store(key, value, cost)
        future.set_result(value)
        return value

    def put(self, key: K, value: V) -> None:
        """Store a value, replacing that of the same key and of a computation still running."""
        cost = self._cost(value)
        with self._lock:
            self._pending.pop(key, None)
            self._store(key, value, cost)

    def discard_if(self, predicate: Callable[[K], bool]) -> None:
        """Remove the entries with matching keys; matching computations are not stored."""
        with self._lock:
            for key in [key for key in self._entries if predicate(key)]:
                self._remove(key)
            for key in [key for key in self._pending if predicate(key)]:
                del self._pending[key]

    def _end_pending(self, key: K, future: Future[V]) -> bool:
        """Return whether the computation is still the current one of its key, and forget it."""
        is_current = self._pending.get(key) is future
        if is_current:
            del self._pending[key]
        return is_current

    def _store(self, key: K, value: V, cost: int) -> None:
        if key in self._entries:
            self._remove(key)
        if cost > self._max_cost:
            return
        self._entries[key] = value, cost
        self._total += cost
        while self._total > self._max_cost:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: K) -> None:
        self._total -= self._entries.pop(key)[1]
