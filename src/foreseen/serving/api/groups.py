"""Routes for groups of accounts that watch together: invitations, members and their ranking."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from foreseen.messages import Message
from foreseen.serving.api.schemas import BASE, LARGEST_ID, PROBLEMS
from foreseen.serving.api.together import GroupMovie, group_movies
from foreseen.serving.dependencies import Context, RequiredSession, RequiredUser, Snapshot, now
from foreseen.serving.groups import (
    digest_of,
    new_invitation,
    rank_for_members,
    reasons_for_members,
)
from foreseen.serving.problems import ProblemError
from foreseen.serving.store import Group, Store, User
from foreseen.serving.together import How

_LONGEST_INVITATION: Final = 100
router = APIRouter(prefix=f"{BASE}/me/groups", responses=PROBLEMS)
GroupId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
MemberName = Annotated[str, Path(max_length=64)]


class InvitationIn(BaseModel):
    """The text of an invitation, the last part of its link."""

    invitation: str = Field(min_length=1, max_length=_LONGEST_INVITATION)


class GroupOut(BaseModel):
    """A group and the names of its members.

    `expires` is when its invitation expires, in seconds since 1970 UTC. The text of the invitation
    is returned only when it is created.
    """

    groupId: int  # noqa: N815
    isOwner: bool  # noqa: N815
    members: list[str]
    expires: int
    invitation: str | None = None


@router.get("")
def list_groups(context: Context, current: RequiredUser) -> list[GroupOut]:
    """Return the groups of the user."""
    return [_describe(group, current.user) for group in context.store.groups(current.user.id)]


@router.post("", status_code=201)
def create_group(context: Context, session: RequiredSession) -> GroupOut:
    """Create a group and an invitation to it; requires a session of an account."""
    user = _account(session.user)
    invitation = new_invitation()
    group = context.store.create_group(user.id, invitation.digest, now(), invitation.expires)
    return _describe(find_group(context.store, user, group), user, invitation.text)


@router.post("/join")
def join_group(body: InvitationIn, context: Context, session: RequiredSession) -> GroupOut:
    """Join the group of an invitation; requires a session of an account.

    The members see each other's names and predicted ratings, not their ratings.
    """
    user = _account(session.user)
    group = context.store.join_group(digest_of(body.invitation), user.id, now())
    if group is None:
        message = Message("this invitation is unknown or has expired; ask for another")
        raise ProblemError(404, "no-such-invitation", message)
    return _describe(find_group(context.store, user, group), user)


@router.post("/{group}/invitation", status_code=201)
def renew_invitation(group: GroupId, context: Context, session: RequiredSession) -> GroupOut:
    """Replace the invitation to a group; only its owner may, by a session."""
    invitation, user = new_invitation(), session.user
    if not context.store.invite(group, user.id, invitation.digest, invitation.expires):
        raise _unknown(group)
    return _describe(find_group(context.store, user, group), user, invitation.text)


@router.get("/{group}/movies")
def rank_for_group_members(
    group: GroupId,
    context: Context,
    snapshot: Snapshot,
    current: RequiredUser,
    how: How = "least-misery",
    k: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[GroupMovie]:
    """Rank movies for a group: those that no member has rated, seen or dismissed.

    The user's own rating that raises a prediction most is its reason.
    """
    found = find_group(context.store, current.user, group)
    names = [member.name for member in found.members]
    ranked = rank_for_members(context, snapshot, found, how, k)
    reasons = reasons_for_members(context, snapshot, found, ranked, current.user)
    return group_movies(snapshot, ranked, names, reasons)


@router.delete("/{group}", status_code=204)
def leave_group(group: GroupId, context: Context, current: RequiredUser) -> None:
    """Leave a group; it ends if its owner leaves."""
    if not context.store.leave_group(group, current.user.id):
        raise _unknown(group)


@router.delete("/{group}/members/{member}", status_code=204)
def remove_member(
    group: GroupId, member: MemberName, context: Context, session: RequiredSession
) -> None:
    """Remove a member by name; only the owner of the group may, by a session.

    The invitation of the group ends, so that the member cannot join again by its link.
    """
    user = session.user
    if not context.store.remove_member(group, user.id, member.lower(), now()):
        message = Message(
            "you own no group %(group)s with the other member %(member)s",
            group=group,
            member=member,
        )
        raise ProblemError(404, "no-such-member", message)


def find_group(store: Store, user: User, group: int) -> Group:
    """Return a group of a user.

    Raises:
        ProblemError: If the user is no member of such a group.
    """
    for found in store.groups(user.id):
        if found.id == group:
            return found
    raise _unknown(group)


def _account(user: User) -> User:
    if user.name is None:
        raise ProblemError(
            403, "account-required", Message("sign up or sign in to watch with a group")
        )
    return user


def _unknown(group: int) -> ProblemError:
    return ProblemError(404, "no-such-group", Message("you have no group %(group)s", group=group))


def _describe(group: Group, user: User, invitation: str | None = None) -> GroupOut:
    return GroupOut(
        groupId=group.id,
        isOwner=group.owner == user.id,
        members=[member.name for member in group.members],
        expires=group.expires,
        invitation=invitation,
    )
