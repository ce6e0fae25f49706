"""The pages for several people who watch together, and the sign-in that an invitation leads to."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from foreseen.messages import Message
from foreseen.serving.api.groups import find_group
from foreseen.serving.api.schemas import LARGEST_ID, movie_row
from foreseen.serving.cards import card
from foreseen.serving.dependencies import now
from foreseen.serving.groups import digest_of, rank_for_members, reasons_for_members
from foreseen.serving.onboarding import onboarding_movies
from foreseen.serving.problems import ProblemError
from foreseen.serving.rendering import CurrentPage, Page
from foreseen.serving.store import Group, User
from foreseen.serving.together import How

_GUEST_MOVIES: Final = 12
_GROUP_MOVIES: Final = 12
Invitation = Annotated[str, Query(pattern=r"^[\w-]*$", max_length=100)]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/together")
def together(
    page: CurrentPage,
    group: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    how: How = "least-misery",
    query: Annotated[str, Query(max_length=200)] = "",
    part: bool = False,
) -> Response:
    """Show the user's groups and the ranking of one; with `part`, only movies for a guest."""
    if part:
        return _guest_movies(page, query)
    current, context = page.current, page.context
    groups = context.store.groups(current.user.id) if current else []
    chosen = None
    if group:
        if current is None:
            raise ProblemError(401, "not-authenticated", Message("sign in to see your groups"))
        chosen = find_group(context.store, current.user, group)
    return page.render(
        "together.html",
        groups=groups,
        chosen=chosen,
        how=how,
        cards=_group_cards(page, chosen, how, current.user) if current and chosen else [],
    )


@router.get("/together/covers")
def covers(
    page: CurrentPage, movie: Annotated[list[str], Query(max_length=_GROUP_MOVIES)]
) -> Response:
    """Return the covers of movies, for the list of a user with guests."""
    snapshot = page.snapshot
    codes = [snapshot.encoding.movies.code(identifier) for identifier in movie]
    return page.render(
        "covers.html", cards=[card(snapshot, movie_row(snapshot, code)) for code in codes]
    )


@router.get("/together/join/{invitation}")
def join(
    page: CurrentPage, invitation: Annotated[str, Path(pattern=r"^[\w-]+$", max_length=100)]
) -> Response:
    """Show an invitation to a group, to accept it."""
    group = page.context.store.invited_to(digest_of(invitation), now())
    if group is None:
        message = Message("this invitation is unknown or has expired; ask for another")
        raise ProblemError(404, "no-such-invitation", message)
    user = page.current.user.id if page.current else None
    return page.render(
        "join.html",
        group=group,
        invitation=invitation,
        is_member=any(member.user == user for member in group.members),
    )


@router.get("/sign-in")
def sign_in(page: CurrentPage, invitation: Invitation = "") -> Response:
    """Show the sign-in form; it leads back to an invitation, if there is one."""
    return page.render("sign_in.html", invitation=invitation)


@router.get("/sign-up")
def sign_up(page: CurrentPage, invitation: Invitation = "") -> Response:
    """Show the sign-up form; it leads back to an invitation, if there is one."""
    return page.render("sign_up.html", rated=len(page.state.ratings), invitation=invitation)


def _group_cards(page: Page, group: Group, how: How, user: User) -> list[dict[str, object]]:
    """Return the cards of the movies for a group, with each member's prediction and reason."""
    context, snapshot = page.context, page.snapshot
    ranked = rank_for_members(context, snapshot, group, how, _GROUP_MOVIES)
    reasons = reasons_for_members(context, snapshot, group, ranked, user)
    names = [member.name for member in group.members]
    return [
        card(
            snapshot,
            entry.row,
            people=[
                (name, prediction, of_member[place])
                for name, prediction, of_member in zip(
                    names, entry.predictions, reasons, strict=True
                )
            ],
        )
        for place, entry in enumerate(ranked)
    ]


def _guest_movies(page: Page, query: str) -> Response:
    snapshot = page.snapshot
    if query.strip():
        rows = snapshot.title_search.find(query, _GUEST_MOVIES)
    else:
        rows = onboarding_movies(snapshot, [], [], _GUEST_MOVIES)
    cards = [card(snapshot, row, rating=None, is_saved=False) for row in rows]
    return page.render("grid.html", cards=cards, query=query, more=0)
