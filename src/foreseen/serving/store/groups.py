"""Groups of accounts that watch together, and the invitations to join them.

Of invitations only digests are stored.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from foreseen.errors import InputError
from foreseen.messages import Message
from foreseen.serving.store import tables
from foreseen.serving.store.database import Database
from foreseen.serving.store.engine import serialise

MAX_MEMBERS: Final = 5
"""Accounts of a group, its owner included."""
MAX_GROUPS: Final = 20
"""Groups of an account."""


@dataclass(frozen=True)
class Member:
    """A member of a group: the account's id and name."""

    user: int
    name: str


@dataclass(frozen=True)
class Group:
    """A group.

    Attributes:
        id: Number of the group.
        owner: Id of the account that created it.
        members: The members, the first to join first.
        expires: When its invitation expires, in seconds since 1970 UTC.
    """

    id: int
    owner: int
    members: tuple[Member, ...]
    expires: int

    @property
    def name(self) -> str:
        """The names of the members."""
        return ", ".join(member.name for member in self.members)


class Groups(Database):
    """Groups, their members and their invitations."""

    def create_group(self, owner: int, digest: str, now: int, expires: int) -> int:
        """Create a group with its owner as the first member; return its id.

        Args:
            owner: Id of an account.
            digest: Digest of the invitation.
            now: The current time.
            expires: When the invitation expires.

        Raises:
            InputError: If the account has `MAX_GROUPS` groups.
        """
        values = {"owner_id": owner, "digest": digest, "expires": expires, "made": now}
        with self._writing() as connection:
            serialise(connection, "groups")
            statement = (
                insert(tables.watch_groups).values(values).returning(tables.watch_groups.c.id)
            )
            group = int(connection.execute(statement).scalar_one())
            _add_member(connection, group, owner, now)
            return group

    def invite(self, group: int, owner: int, digest: str, expires: int) -> bool:
        """Replace the invitation of a group; return whether the account owns such a group."""
        table = tables.watch_groups
        with self._writing() as connection:
            owned = update(table).where(table.c.id == group, table.c.owner_id == owner)
            changed = connection.execute(owned.values(digest=digest, expires=expires))
            return changed.rowcount > 0

    def invited_to(self, digest: str, now: int) -> Group | None:
        """Return the group of an invitation; None if it is unknown or expired."""
        table = tables.watch_groups
        found = self._groups(table.c.digest == digest, table.c.expires > now)
        return found[0] if found else None

    def join_group(self, digest: str, user: int, now: int) -> int | None:
        """Add an account to the group of an invitation; a member of it stays so.

        Returns:
            The id of the group; None if the invitation is unknown or expired.

        Raises:
            InputError: If the group has `MAX_MEMBERS` members, or the account `MAX_GROUPS` groups.
        """
        table, members = tables.watch_groups, tables.watch_members
        with self._writing() as connection:
            # Concurrent calls count each other's members.
            serialise(connection, "groups")
            valid = select(table.c.id).where(table.c.digest == digest, table.c.expires > now)
            group = connection.execute(valid).scalar_one_or_none()
            if group is None:
                return None
            joined = select(members.c.user_id).where(members.c.group_id == group)
            present = connection.execute(joined).scalars().all()
            if user not in present:
                if len(present) >= MAX_MEMBERS:
                    raise InputError(
                        Message("this group has %(most)s members already", most=MAX_MEMBERS)
                    )
                _add_member(connection, int(group), user, now)
            return int(group)

    def leave_group(self, group: int, user: int) -> bool:
        """Remove a member from a group, which ends if its owner leaves.

        Returns:
            Whether the account was a member.
        """
        table, members = tables.watch_groups, tables.watch_members
        with self._writing() as connection:
            left = connection.execute(
                delete(members).where(members.c.group_id == group, members.c.user_id == user)
            )
            connection.execute(delete(table).where(table.c.id == group, table.c.owner_id == user))
            return left.rowcount > 0

    def remove_member(self, group: int, owner: int, name: str, now: int) -> bool:
        """Remove another account from a group by its name; the invitation of the group ends.

        Args:
            group: Id of the group.
            owner: Id of the account that should own it.
            name: Name of the member.
            now: The current time.

        Returns:
            Whether the account owns such a group, with such a member.
        """
        table, members, users = tables.watch_groups, tables.watch_members, tables.users
        owned = select(table.c.id).where(table.c.id == group, table.c.owner_id == owner)
        named = select(users.c.id).where(users.c.name == name, users.c.id != owner)
        with self._writing() as connection:
            removed = connection.execute(
                delete(members).where(members.c.group_id.in_(owned), members.c.user_id.in_(named))
            )
            if not removed.rowcount:
                return False
            # The member has its link.
            connection.execute(update(table).where(table.c.id == group).values(expires=now))
            return True

    def groups(self, user: int) -> list[Group]:
        """Return the groups that an account is a member of, the first created first."""
        members = tables.watch_members
        joined = select(members.c.group_id).where(members.c.user_id == user)
        return self._groups(tables.watch_groups.c.id.in_(joined))

    def _groups(self, *conditions: Any) -> list[Group]:  # noqa: ANN401
        table, members, users = tables.watch_groups, tables.watch_members, tables.users
        query = (
            select(table.c.id, table.c.owner_id, table.c.expires, users.c.id, users.c.name)
            .select_from(
                table.join(members, members.c.group_id == table.c.id).join(
                    users, users.c.id == members.c.user_id
                )
            )
            .where(*conditions)
            .order_by(table.c.id, members.c.at, users.c.id)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        groups: dict[int, Group] = {}
        for group, owner, expires, user, name in rows:
            before = groups.get(group, Group(int(group), int(owner), (), int(expires)))
            joined = (*before.members, Member(int(user), str(name)))
            groups[group] = Group(before.id, before.owner, joined, before.expires)
        return list(groups.values())


def _add_member(connection: Connection, group: int, user: int, now: int) -> None:
    members = tables.watch_members
    joined = select(func.count()).where(members.c.user_id == user)
    if connection.execute(joined).scalar_one() >= MAX_GROUPS:
        raise InputError(
            Message("an account may be in %(most)s groups; leave one first", most=MAX_GROUPS)
        )
    values = {"group_id": group, "user_id": user, "at": now}
    connection.execute(insert(members).values(values))
