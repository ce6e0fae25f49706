"""What requests share, and who is asking."""

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from foreseen.features.queries import History
from foreseen.serving.accounts import SESSION_COOKIE, Accounts, Session
from foreseen.serving.problems import ProblemError
from foreseen.serving.rate_limit import Limiter
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import LiveWorld, World
from foreseen.serving.store import Rated, Store, User

FORM_HEADER: Final = "x-foreseen-form"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Service:
    """What requests share.

    Attributes:
        store: Who there is and what they rated.
        accounts: Signing up, in and out.
        live: The model that answers.
        recommender: Scores and ranks.
        secure: Whether cookies are for HTTPS only.
        sign_ups: How many guests and accounts one address may make.
    """

    store: Store
    accounts: Accounts
    live: LiveWorld
    recommender: Recommender
    secure: bool
    sign_ups: Limiter


@dataclass(frozen=True)
class Person:
    """Who is asking; `session` is None for a program with a token."""

    user: User
    session: Session | None


# What waits for nothing is async, or it would be handed to a thread and back.
async def get_service(request: Request) -> Service:
    """Return what requests share."""
    service = request.app.state.service
    assert isinstance(service, Service)  # noqa: S101
    return service


async def get_world(service: "Annotated[Service, Depends(get_service)]") -> World:
    """Return the world of this request."""
    return service.live.current


def get_person(
    request: Request, service: "Annotated[Service, Depends(get_service)]"
) -> Person | None:
    """Return who is asking; None for nobody in particular.

    Raises:
        ProblemError: If a token is not known, or a change is asked for by a cookie alone, as
            another site's form could.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        user = service.accounts.bearer(token.strip())
        if user is None:
            raise ProblemError(401, "unknown-token", "this API token is not known; make another")
        return Person(user, None)
    session = service.accounts.session(request.cookies.get(SESSION_COOKIE))
    if session is None:
        return None
    if request.method not in _SAFE:
        key = request.headers.get(FORM_HEADER, "")
        if not service.accounts.form_is_ours(session, key):
            raise ProblemError(
                403, "foreign-form", f"send the session's form key in the header {FORM_HEADER}"
            )
    return Person(session.user, session)


async def need_person(person: "Annotated[Person | None, Depends(get_person)]") -> Person:
    """Return who is asking.

    Raises:
        ProblemError: If it is nobody in particular.
    """
    if person is None:
        raise ProblemError(
            401, "who-are-you", "open a session (POST /api/v1/session) or send an API token"
        )
    return person


async def need_admin(person: "Annotated[Person, Depends(need_person)]") -> Person:
    """Return who is asking, if they administer.

    Raises:
        ProblemError: If they do not.
    """
    if person.user.role != "admin":
        raise ProblemError(403, "admins-only", "only an administrator may do this")
    return person


TheService = Annotated[Service, Depends(get_service)]
TheWorld = Annotated[World, Depends(get_world)]
Anybody = Annotated[Person | None, Depends(get_person)]
Somebody = Annotated[Person, Depends(need_person)]
Admin = Annotated[Person, Depends(need_admin)]


@dataclass(frozen=True)
class Own:
    """What a person has told: their ratings, as given and as a history, and what they hid."""

    rated: list[Rated]
    history: History
    hidden: list[int]

    def tag(self, world: World, *more: object) -> str:
        """Return what changes whenever an answer to this person may."""
        told = (world.stamp, self.rated, self.hidden, more)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def own_of(service: Service, world: World, user: User) -> Own:
    """Read what a person has told."""
    rated = service.store.ratings(user.id)
    return Own(rated, world.history(rated), service.store.dismissed(user.id))


def now() -> int:
    """Return the present second."""
    return int(time.time())
