"""Calls in a process of their own, for work on untrusted data that takes time and memory."""

import multiprocessing
import os
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, ParamSpec, TypeVar, cast

from foreseen.errors import ForeseenError

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_CONTEXT: Final = multiprocessing.get_context("spawn")
_NICENESS: Final = 10
"""Requests of others go first."""


class ProcessError(ForeseenError):
    """A call that took too long, or whose process was ended from outside."""


def call_in_process(
    seconds: float,
    function: Callable[_Arguments, _Result],
    *args: _Arguments.args,
    **kwargs: _Arguments.kwargs,
) -> _Result:
    """Call a function in a new process with low priority; return its result or raise its error.

    Args:
        seconds: The longest time.
        function: A function of a module.
        args: Its arguments.
        kwargs: Its named arguments.

    Raises:
        ProcessError: If there is no result in time.
    """
    receiving, sending = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_call, args=(sending, function, args, kwargs), daemon=True, name=function.__name__
    )
    with receiving:
        try:
            # Large arguments are written while the process starts.
            with sending:
                process.start()
        except BrokenPipeError:
            raise ProcessError("the process ended without a result") from None
        try:
            if not receiving.poll(seconds):
                raise ProcessError(f"no result within {seconds:g} seconds")
            result, error = cast("tuple[_Result, Exception | None]", receiving.recv())
        except EOFError:
            raise ProcessError("the process ended without a result") from None
        finally:
            process.kill()
            process.join()
            process.close()
    if error is not None:
        raise error
    return result


def _call(
    sending: Connection,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> None:
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    result: object = None
    failure: Exception | None = None
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        failure = error
    # The parent may have given up.
    with suppress(BrokenPipeError):
        sending.send((result, failure))
