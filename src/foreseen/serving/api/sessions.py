"""Routes for authentication: guests, accounts, sessions, API tokens."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from foreseen.messages import Message
from foreseen.serving.accounts import SESSION_COOKIE, Session
from foreseen.serving.api.schemas import (
    BASE,
    LARGEST_ID,
    PROBLEMS,
    Credentials,
    PasswordChange,
    SessionOut,
    TokenIn,
    TokenOut,
)
from foreseen.serving.dependencies import (
    CSRF_HEADER,
    AppContext,
    Context,
    OptionalUser,
    RequiredSession,
    RequiredUser,
)
from foreseen.serving.hosts import client_address, is_proxied
from foreseen.serving.problems import ProblemError
from foreseen.serving.rate_limit import client_key

_COOKIE_SECONDS: Final = 400 * 86_400
"""The longest that browsers keep a cookie; an unused session expires earlier."""
router = APIRouter(prefix=BASE, responses=PROBLEMS)


@router.post("/accounts", status_code=201)
async def sign_up(
    body: Credentials,
    request: Request,
    response: Response,
    context: Context,
    current: OptionalUser,
) -> SessionOut:
    """Create an account; it keeps the ratings of the guest session, if there is one."""

    def open_account() -> Session:
        _limit_sign_ups(context, request)
        guest = current.session if current is not None else None
        if guest is None:
            guest = _create_guest(context, request)
        return context.accounts.sign_up(
            guest, body.name, body.password, proxied=is_proxied(request)
        )

    return _start_session(context, await context.hashing.run(open_account), response)


@router.post("/guests", status_code=201)
def create_guest(request: Request, response: Response, context: Context) -> SessionOut:
    """Create a guest session, or return the current session.

    The header X-Foreseen-Form is required, with any value: forms of other sites cannot send it.
    """
    if CSRF_HEADER not in request.headers:
        message = f"send the header {CSRF_HEADER}, with any value"
        raise ProblemError(403, "invalid-csrf-token", message)
    session = context.accounts.session(request.cookies.get(SESSION_COOKIE))
    return _start_session(context, session or _create_guest(context, request), response)


@router.post("/session", status_code=201)
async def sign_in(
    body: Credentials, request: Request, response: Response, context: Context
) -> SessionOut:
    """Create a session of an account; it takes over the ratings of the guest session.

    That requires the guest session's `formKey` in the header X-Foreseen-Form.
    """
    accounts = context.accounts

    def open_session() -> Session:
        previous = accounts.session(request.cookies.get(SESSION_COOKIE))
        csrf_token = request.headers.get(CSRF_HEADER, "")
        guest = None
        # Without the token, another site could move a guest's ratings to an account of its choice.
        if previous is not None and accounts.is_valid_csrf_token(previous, csrf_token):
            guest = previous
        return accounts.sign_in(body.name, body.password, client_address(request), guest)

    return _start_session(context, await context.hashing.run(open_session), response)


@router.delete("/session", status_code=204)
def sign_out(context: Context, current: RequiredUser, response: Response) -> None:
    """End the session."""
    if current.session is not None:
        context.accounts.sign_out(current.session)
    response.delete_cookie(SESSION_COOKIE)


@router.put("/me/password", status_code=204)
async def change_password(
    body: PasswordChange, request: Request, context: Context, session: RequiredSession
) -> None:
    """Change the password; end all other sessions and all API tokens; requires a session."""
    change, address = context.accounts.change_password, client_address(request)
    await context.hashing.run(change, session, body.old, body.new, address)


@router.get("/me/tokens")
def list_tokens(context: Context, current: RequiredUser) -> list[TokenOut]:
    """List the user's API tokens, without their texts."""
    return [TokenOut(**vars(token)) for token in context.store.tokens(current.user.id)]


@router.post("/me/tokens", status_code=201)
def create_token(body: TokenIn, context: Context, session: RequiredSession) -> TokenOut:
    """Create an API token; only this response contains its text; requires a session."""
    token, text = context.accounts.add_token(session.user, body.label)
    return TokenOut(**vars(token), token=text)


@router.delete("/me/tokens/{token}", status_code=204)
def delete_token(
    token: Annotated[int, Field(ge=1, le=LARGEST_ID)], context: Context, current: RequiredUser
) -> None:
    """Delete an API token."""
    if not context.store.delete_token(current.user.id, token):
        raise ProblemError(
            404, "no-such-token", Message("you have no token %(token)s", token=token)
        )


def _create_guest(context: AppContext, request: Request) -> Session:
    _limit_sign_ups(context, request)
    return context.accounts.open_guest()


def _limit_sign_ups(context: AppContext, request: Request) -> None:
    """Count a new guest or account of the client's address; refuse too many."""
    wait = context.sign_ups.take(client_key(client_address(request)))
    if wait > 0:
        message = Message("too many new accounts from this address; try again later")
        raise ProblemError(429, "too-many-requests", message, wait)


def _start_session(context: AppContext, session: Session, response: Response) -> SessionOut:
    """Set the session's cookie, and return the session."""
    response.set_cookie(
        SESSION_COOKIE,
        session.cookie,
        max_age=_COOKIE_SECONDS,
        httponly=True,
        secure=context.secure,
        samesite="lax",
    )
    user = session.user
    return SessionOut(userId=user.id, name=user.name, role=user.role, formKey=session.csrf_token)
