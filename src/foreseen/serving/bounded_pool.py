"""Threads for work that would otherwise keep all threads from other requests."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from foreseen.errors import ForeseenError
from foreseen.messages import Message

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class OverloadedError(ForeseenError):
    """More requests than can be served are waiting; a later one may succeed."""


class BoundedPool:
    """Threads of their own for one kind of work, with a bounded number of waiting calls."""

    def __init__(self, threads: int, waiting: int) -> None:
        """Make a pool.

        Args:
            threads: Calls that run at the same time.
            waiting: Calls that may wait for them.
        """
        self._limiter = CapacityLimiter(threads)
        self._bound = threads + waiting
        self._pending = 0

    async def run(
        self,
        function: Callable[_Arguments, _Result],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Result:
        """Call a function in a thread and return its result.

        Raises:
            OverloadedError: If too many calls are waiting.
        """
        if self._pending >= self._bound:
            raise OverloadedError(
                Message("too many requests at the same time; try again in a moment")
            )
        self._pending += 1
        try:
            return await run_sync(lambda: function(*args, **kwargs), limiter=self._limiter)
        finally:
            self._pending -= 1
