"""Import of a user's ratings and lists from an export of another service."""

import time
from dataclasses import dataclass
from typing import Final

from foreseen.data.sources.personal import FilmList
from foreseen.messages import Message
from foreseen.serving.bounded_pool import BoundedPool
from foreseen.serving.problems import ProblemError
from foreseen.serving.processes import ProcessError, call_in_process
from foreseen.serving.rate_limit import RateLimiter, client_key
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import ListedMovie, Store, StoredRating
from foreseen.serving.uploads import MatchedExport, Upload, match_upload

_WAITING: Final = 3
_SECONDS: Final = 60.0
"""The longest time for reading and matching a file."""
_USER_LIMIT: Final = 30
_ADDRESS_LIMIT: Final = 60
_WINDOW_SECONDS: Final = 3600


@dataclass(frozen=True)
class ImportedCounts:
    """Numbers of ratings that are new or changed, and of movies that are new in each list."""

    changed: int
    added: dict[FilmList, int]


class Imports:
    """Imports that requests have asked for.

    One at a time is done. Reading a large file needs the interpreter for seconds, and hundreds of
    megabytes, so this happens in a process of its own, which returns the memory when it ends.
    """

    def __init__(self, store: Store, secret: str) -> None:
        """Prepare for imports.

        Args:
            store: The store.
            secret: Key of the rate limits.
        """
        self._store = store
        self._pool = BoundedPool(1, _WAITING)
        self._of_user = RateLimiter(store, secret, "import by user", _USER_LIMIT, _WINDOW_SECONDS)
        self._of_address = RateLimiter(
            store, secret, "import from address", _ADDRESS_LIMIT, _WINDOW_SECONDS
        )

    async def run(
        self, upload: Upload, snapshot: ModelSnapshot, user: int, address: str
    ) -> tuple[MatchedExport, ImportedCounts]:
        """Match the entries of an export to movies and store those that match.

        Args:
            upload: The export.
            snapshot: The snapshot with the movies.
            user: Id of the user.
            address: Address of the client.

        Returns:
            The matches, and the numbers of those that are new or changed.

        Raises:
            DataError: If the file does not have the provider's layout, or no entry matches.
            OverloadedError: If too many imports are waiting.
            ProblemError: If the user, or the address, has had too many imports, or reading the
                file takes too much time or memory.
        """
        return await self._pool.run(self._run, upload, snapshot, user, address)

    def _run(
        self, upload: Upload, snapshot: ModelSnapshot, user: int, address: str
    ) -> tuple[MatchedExport, ImportedCounts]:
        wait = self._of_user.take(str(user)) or self._of_address.take(client_key(address))
        if wait > 0:
            detail = Message("too many imports; try again later")
            raise ProblemError(429, "too-many-requests", detail, wait)
        index = snapshot.title_index
        try:
            if upload.is_small:
                matched = match_upload(upload, index)
            else:
                matched = call_in_process(_SECONDS, match_upload, upload, index)
        except ProcessError as error:
            detail = Message(
                "the file takes too much time or memory (%(reason)s); import a part of it",
                reason=error,
            )
            raise ProblemError(422, "invalid-input", detail) from error
        return matched, store_matched(self._store, user, matched)


def store_matched(store: Store, user: int, matched: MatchedExport) -> ImportedCounts:
    """Store the ratings and lists of an export; return the numbers of what is new or changed."""
    moment = int(time.time())
    rated_at = {entry.movie: entry.rated for entry in store.ratings(user)}
    imported: list[StoredRating] = []
    for movie, stars, given in matched.ratings:
        at = min(given or moment, moment)
        # A rating given here later than in the export stays; so does any if the export has no date.
        if movie in rated_at and (given is None or at <= rated_at[movie]):
            continue
        imported.append(StoredRating(movie, stars, at))
    changed = store.rate(user, imported)
    rated = {*rated_at, *(entry.movie for entry in imported)}
    added: dict[FilmList, int] = {}
    for name, entries in matched.lists.items():
        # What is rated is known to be seen.
        listed = [
            ListedMovie(movie, min(at or moment, moment))
            for movie, at in entries
            if name != "seen" or movie not in rated
        ]
        added[name] = store.add_to(name, user, listed) if listed else 0
    counts = {**matched.counts, "changed": changed + sum(added.values())}
    store.add_import(user, moment, matched.service, counts)
    return ImportedCounts(changed, added)
