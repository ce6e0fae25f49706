"""Errors of the store. Their messages contain neither SQL nor parameters nor passwords."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from logging import getLogger
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from foreseen.errors import ForeseenError

_LOG: Final = getLogger("foreseen.serving")
_FAULTS_OF_THE_CODE: Final = (ProgrammingError, DataError, NotSupportedError)
_Arguments = ParamSpec("_Arguments")
_Store = TypeVar("_Store")


class StoreError(ForeseenError):
    """A query failed."""


class StoreUnavailableError(StoreError):
    """The database is unreachable, locked, full, read-only or damaged; it may recover."""


class ConflictError(StoreError):
    """A change contradicts stored data, such as a rating by a user who was deleted meanwhile."""


@contextmanager
def translated() -> Generator[None]:
    """Translate the errors of the database driver.

    Raises:
        StoreError: Instead of an `SQLAlchemyError`, which would show SQL in a traceback.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _translate(error) from None


def _translate(error: SQLAlchemyError) -> StoreError:
    reason = describe(error)
    if isinstance(error, IntegrityError):
        return ConflictError(f"the stored data changed meanwhile ({reason})")
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailableError("the database is unavailable (all connections are in use)")
    if isinstance(error, DBAPIError) and not isinstance(error, _FAULTS_OF_THE_CODE):
        return StoreUnavailableError(f"the database is unavailable ({reason})")
    return StoreError(f"a query failed ({reason})")


def describe(error: SQLAlchemyError) -> str:
    """Return the driver's message; its further lines may have values and are left out."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return type(error).__name__
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__


def best_effort(
    what: str,
) -> Callable[
    [Callable[Concatenate[_Store, _Arguments], None]],
    Callable[Concatenate[_Store, _Arguments], None],
]:
    """Return a decorator of a method that stores something no response depends on.

    A failure is logged in one line and otherwise ignored.

    Args:
        what: What the method stores, for the log.
    """

    def decorate(
        method: Callable[Concatenate[_Store, _Arguments], None],
    ) -> Callable[Concatenate[_Store, _Arguments], None]:
        @wraps(method)
        def call(self: _Store, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
            try:
                method(self, *args, **kwargs)
            except StoreError as error:
                _LOG.warning("%s not stored: %s", what, error)

        return call

    return decorate
