"""Attempts that rate limits count, by keyed digests of names and addresses."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, insert, literal_column, select

from foreseen.serving.store import tables
from foreseen.serving.store.database import Database
from foreseen.serving.store.engine import serialise


class Attempts(Database):
    """Attempts that count until they expire."""

    def count_attempt(self, digest: str, now: int, limit: int, seconds: int) -> int:
        """Count an attempt for some seconds, unless `limit` attempts count already.

        Of concurrent calls, in any process, no more than the limit are counted.

        Returns:
            0 if it was counted, else the seconds until another one can be.
        """
        table = tables.tries
        # An attempt that expires later than one of now was counted before the clock was set back.
        counting = table.c.expires.between(now + 1, now + seconds)
        # A refusal needs no write, so that attempts without end do not keep others from writing.
        wait = self.attempt_wait(digest, now, limit, seconds)
        if wait > 0:
            return wait
        with self._writing() as connection:
            serialise(connection, digest)
            connection.execute(delete(table).where(table.c.digest == digest, ~counting))
            expiring = _expiring(connection, digest, now, seconds)
            if len(expiring) >= limit:
                return expiring[0] - now
            connection.execute(insert(table).values({"digest": digest, "expires": now + seconds}))
        return 0

    def attempt_wait(self, digest: str, now: int, limit: int, seconds: int) -> int:
        """Return the seconds until `count_attempt` would count another attempt; 0 if at once."""
        with self._reading() as connection:
            expiring = _expiring(connection, digest, now, seconds)
        return expiring[0] - now if len(expiring) >= limit else 0

    def delete_attempts(self, digest: str) -> None:
        """Delete the attempts of a key."""
        with self._writing() as connection:
            connection.execute(delete(tables.tries).where(tables.tries.c.digest == digest))

    def delete_latest_attempt(self, digest: str) -> None:
        """Delete the latest attempt of a key."""
        table = tables.tries
        with self._writing() as connection:
            name = "ctid" if connection.dialect.name == "postgresql" else "rowid"
            row: ColumnElement[object] = literal_column(name)
            latest = (
                select(row)
                .select_from(table)
                .where(table.c.digest == digest)
                .order_by(table.c.expires.desc())
                .limit(1)
            )
            serialise(connection, digest)
            connection.execute(delete(table).where(row == latest.scalar_subquery()))


def _expiring(connection: Connection, digest: str, now: int, seconds: int) -> Sequence[int]:
    """Return when the counting attempts of a key expire, in order."""
    table = tables.tries
    query = (
        select(table.c.expires)
        .where(table.c.digest == digest, table.c.expires.between(now + 1, now + seconds))
        .order_by(table.c.expires)
    )
    return [int(expires) for expires in connection.execute(query).scalars()]
