"""Routes for authentication: guests, accounts, sessions, API tokens."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

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
    RequiredUser,
)
from foreseen.serving.problems import ProblemError

_COOKIE_SECONDS: Final = 400 * 86_400
"""The longest that browsers keep a cookie; an unused session expires earlier."""
router = APIRouter(prefix=BASE, responses=PROBLEMS)


@router.post("/accounts", status_code=201)
def sign_up(
    body: Credentials,
    request: Request,
    response: Response,
    context: Context,
    current: OptionalUser,
) -> SessionOut:
    """Create an account; it keeps the ratings of the guest session, if there is one."""
    _limit_sign_ups(context, request)
    session = current.session if current is not None else None
    if session is None:
        session = _create_guest(context, request)
    session = context.accounts.sign_up(session, body.name, body.password)
    return _start_session(context, session, response)


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
def sign_in(
    body: Credentials, request: Request, response: Response, context: Context
) -> SessionOut:
    """Create a session of an account; it takes over the ratings of the guest session.

    That requires the guest session's `formKey` in the header X-Foreseen-Form.
    """
    previous = context.accounts.session(request.cookies.get(SESSION_COOKIE))
    csrf_token = request.headers.get(CSRF_HEADER, "")
    guest = None
    # Without the token, another site could move a guest's ratings to an account of its choice.
    if previous is not None and context.accounts.is_valid_csrf_token(previous, csrf_token):
        guest = previous
    session = context.accounts.sign_in(body.name, body.password, _client_address(request), guest)
    return _start_session(context, session, response)


@router.delete("/session", status_code=204)
def sign_out(context: Context, current: RequiredUser, response: Response) -> None:
    """End the session."""
    if current.session is not None:
        context.accounts.sign_out(current.session)
    response.delete_cookie(SESSION_COOKIE)


@router.put("/me/password", status_code=204)
def change_password(
    body: PasswordChange, request: Request, context: Context, current: RequiredUser
) -> None:
    """Change the password and end all other sessions of the account."""
    address = _client_address(request)
    context.accounts.change_password(current.user, current.session, body.old, body.new, address)


@router.get("/me/tokens")
def list_tokens(context: Context, current: RequiredUser) -> list[TokenOut]:
    """List the user's API tokens, without their texts."""
    return [TokenOut(**vars(token)) for token in context.store.tokens(current.user.id)]


@router.post("/me/tokens", status_code=201)
def create_token(body: TokenIn, context: Context, current: RequiredUser) -> TokenOut:
    """Create an API token; only this response contains its text."""
    token, text = context.accounts.add_token(current.user, body.label)
    return TokenOut(**vars(token), token=text)


@router.delete("/me/tokens/{token}", status_code=204)
def delete_token(
    token: Annotated[int, Field(ge=1, le=LARGEST_ID)], context: Context, current: RequiredUser
) -> None:
    """Delete an API token."""
    if not context.store.delete_token(current.user.id, token):
        raise ProblemError(404, "no-such-token", f"you have no token {token}")


def _create_guest(context: AppContext, request: Request) -> Session:
    _limit_sign_ups(context, request)
    return context.accounts.open_guest()


def _limit_sign_ups(context: AppContext, request: Request) -> None:
    """Count a new guest or account of the client's address; refuse too many."""
    if context.sign_ups.take(_client_address(request)) > 0:
        message = "too many new accounts from this address; try again later"
        raise ProblemError(429, "too-many-requests", message)


def _client_address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


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
