"""What routes depend on: the application context, the model snapshot, the current user."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Path, Request

from foreseen.data.identifiers import UNKNOWN
from foreseen.features.queries import History
from foreseen.messages import Message
from foreseen.serving.accounts import SESSION_COOKIE, Accounts, Session
from foreseen.serving.bounded_pool import BoundedPool
from foreseen.serving.imports import Imports
from foreseen.serving.live_model import LiveModel
from foreseen.serving.paths import id_of_segment
from foreseen.serving.posters import Posters
from foreseen.serving.problems import ProblemError
from foreseen.serving.rate_limit import RateLimiter
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import MOVIE_LISTS, Store, StoredRating, User

CSRF_HEADER: Final = "x-foreseen-form"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CONCURRENT_HASHES: Final = 2
_WAITING_HASHES: Final = 8
"""About as many as are done within a second."""


def _hashing_pool() -> BoundedPool:
    return BoundedPool(_CONCURRENT_HASHES, _WAITING_HASHES)


@dataclass(frozen=True)
class AppContext:
    """What all requests share.

    Attributes:
        store: The database.
        accounts: Registration, sessions and tokens.
        live: The model.
        recommender: Rankings, with a cache.
        secure: Whether cookies are for HTTPS only.
        sign_ups: Limit on the guests and accounts created from one address.
        imports: Imports of exports of other services.
        posters: The posters of movies; None without.
        hashing: Threads for requests that hash a password.
    """

    store: Store
    accounts: Accounts
    live: LiveModel
    recommender: Recommender
    secure: bool
    sign_ups: RateLimiter
    imports: Imports
    posters: Posters | None = None
    hashing: BoundedPool = field(default_factory=_hashing_pool)


@dataclass(frozen=True)
class CurrentUser:
    """The user of a request; `session` is None if the request carries an API token."""

    user: User
    session: Session | None


# Dependencies without blocking calls are async; others would run in a thread.
async def get_context(request: Request) -> AppContext:
    """Return the application context."""
    context = request.app.state.context
    assert isinstance(context, AppContext)  # noqa: S101
    return context


async def get_snapshot(context: "Annotated[AppContext, Depends(get_context)]") -> ModelSnapshot:
    """Return the snapshot to serve this request from."""
    return context.live.current


def get_current_user(
    request: Request, context: "Annotated[AppContext, Depends(get_context)]"
) -> CurrentUser | None:
    """Return the user of the request; None without a token and a valid session.

    Raises:
        ProblemError: If the token is unknown, or if a session cookie comes with an unsafe method
            but without the session's CSRF token.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = context.accounts.bearer(token.strip())
        if user is None:
            raise ProblemError(401, "unknown-token", "this API token is unknown; create another")
        return CurrentUser(user, None)
    session = context.accounts.session(request.cookies.get(SESSION_COOKIE))
    if session is None:
        return None
    if request.method not in _SAFE_METHODS:
        csrf_token = request.headers.get(CSRF_HEADER, "")
        if not context.accounts.is_valid_csrf_token(session, csrf_token):
            message = f"send the session's CSRF token in the header {CSRF_HEADER}"
            raise ProblemError(403, "invalid-csrf-token", message)
    return CurrentUser(session.user, session)


async def require_user(
    current: "Annotated[CurrentUser | None, Depends(get_current_user)]",
) -> CurrentUser:
    """Return the user of the request.

    Raises:
        ProblemError: If there is none.
    """
    if current is None:
        raise ProblemError(
            401,
            "not-authenticated",
            "create a guest session (POST /api/v1/guests), sign in (POST /api/v1/session), or send "
            "an API token",
        )
    return current


async def require_session(
    current: "Annotated[CurrentUser, Depends(require_user)]",
) -> Session:
    """Return the session of the request, for changes that a stolen API token should not allow.

    Raises:
        ProblemError: If the request carries a token instead.
    """
    if current.session is None:
        message = "sign in to do this (POST /api/v1/session); an API token is not sufficient"
        raise ProblemError(403, "session-required", message)
    return current.session


async def require_admin(current: "Annotated[CurrentUser, Depends(require_user)]") -> CurrentUser:
    """Return the user of the request, an administrator.

    Raises:
        ProblemError: If the user is not an administrator.
    """
    if current.user.role != "admin":
        raise ProblemError(403, "admins-only", Message("only an administrator may do this"))
    return current


Context = Annotated[AppContext, Depends(get_context)]
Snapshot = Annotated[ModelSnapshot, Depends(get_snapshot)]
OptionalUser = Annotated[CurrentUser | None, Depends(get_current_user)]
RequiredUser = Annotated[CurrentUser, Depends(require_user)]
RequiredSession = Annotated[Session, Depends(require_session)]
Admin = Annotated[CurrentUser, Depends(require_admin)]


@dataclass(frozen=True)
class UserState:
    """A user's data that a ranking depends on.

    Attributes:
        ratings: The stored ratings, oldest first.
        history: The same as a history.
        dismissed, saved, seen, unseen: Codes of the movies of their lists, the first added first.
    """

    ratings: list[StoredRating]
    history: History
    dismissed: list[int] = field(default_factory=list[int])
    saved: list[int] = field(default_factory=list[int])
    seen: list[int] = field(default_factory=list[int])
    unseen: list[int] = field(default_factory=list[int])

    @property
    def hidden(self) -> list[int]:
        """Codes of the movies that are not recommended although they are not rated."""
        return sorted({*self.dismissed, *self.seen})

    def tag(self, snapshot: ModelSnapshot, *more: object) -> str:
        """Return an entity tag: a digest of the model's revision, the user's data and `more`."""
        key = (snapshot.revision, self.ratings, self.hidden, more)
        return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def user_state(context: AppContext, snapshot: ModelSnapshot, user: User) -> UserState:
    """Read a user's data from the store."""
    return stored_state(context.store, snapshot, user.id)


def stored_state(store: Store, snapshot: ModelSnapshot, user: int) -> UserState:
    """Read the data of the user with an id from a store."""
    ratings = store.ratings(user)
    lists = store.lists(user)
    return UserState(
        ratings,
        snapshot.history(ratings),
        *([entry.movie for entry in lists[name]] for name in MOVIE_LISTS),
    )


async def movie_code(movie: Annotated[str, Path(max_length=200)], snapshot: Snapshot) -> int:
    """Return the code of the movie that a path names.

    Raises:
        ProblemError: If no movie can have that id.
    """
    identifier = id_of_segment(movie)
    code = snapshot.encoding.movies.code(identifier)
    if code == UNKNOWN:
        raise ProblemError(
            404, "no-such-movie", Message("the catalogue has no movie %(movie)s", movie=identifier)
        )
    return code


MovieCode = Annotated[int, Depends(movie_code)]


def now() -> int:
    """Return the current time in whole seconds since 1970 UTC."""
    return int(time.time())
