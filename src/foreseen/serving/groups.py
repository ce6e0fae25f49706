"""Groups of accounts: their invitations, and the ranking for all members."""

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from foreseen.integrity import sha256
from foreseen.serving.dependencies import AppContext, now, stored_state
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Group, User
from foreseen.serving.together import (
    GroupEntry,
    GroupReason,
    How,
    rank_for_group,
    reasons_of_person,
)

INVITATION_SECONDS: Final = 7 * 86_400
"""An invitation expires after this time."""
_INVITATION_BYTES: Final = 24


class Invitation(NamedTuple):
    """A new invitation: its text, which is not stored, its digest, and when it expires."""

    text: str
    digest: str
    expires: int


def new_invitation() -> Invitation:
    """Return an invitation with a random text."""
    text = secrets.token_urlsafe(_INVITATION_BYTES)
    return Invitation(text, digest_of(text), now() + INVITATION_SECONDS)


def digest_of(invitation: str) -> str:
    """Return the digest by which an invitation is stored."""
    return sha256(invitation.encode())


def rank_for_members(
    context: AppContext, snapshot: ModelSnapshot, group: Group, how: How, k: int
) -> list[GroupEntry]:
    """Return the k best movies for a group, of those that no member has rated, seen or dismissed.

    The predictions of each entry are in the order of the members.
    """
    states = [stored_state(context.store, snapshot, member.user) for member in group.members]
    hidden = sorted({movie for state in states for movie in state.hidden})
    people = [state.history for state in states]
    return rank_for_group(context.recommender, snapshot, people, hidden, how, k)


def reasons_for_members(
    context: AppContext,
    snapshot: ModelSnapshot,
    group: Group,
    ranked: Sequence[GroupEntry],
    user: User,
) -> list[list[GroupReason | None]]:
    """Return the reasons of each member for each movie; only the user's own, others have None.

    Members see each other's predicted ratings, not the ratings that a reason would name.
    """
    history = stored_state(context.store, snapshot, user.id).history
    own = reasons_of_person(context.recommender, snapshot, history, ranked)
    nothing: list[GroupReason | None] = [None] * len(ranked)
    return [own if member.user == user.id else nothing for member in group.members]
