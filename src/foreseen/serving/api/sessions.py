"""Routes about who is asking: accounts, guests, sessions, tokens."""

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
    FORM_HEADER,
    Anybody,
    Service,
    Somebody,
    TheService,
)
from foreseen.serving.problems import ProblemError

_COOKIE_SECONDS: Final = 400 * 86_400
"""As long as browsers keep one; the session ends earlier where it is not used."""
router = APIRouter(prefix=BASE, responses=PROBLEMS)


@router.post("/accounts", status_code=201)
def sign_up(
    given: Credentials, request: Request, response: Response, service: TheService, person: Anybody
) -> SessionOut:
    """Make an account; what a guest has rated is theirs from then on."""
    count_sign_up(service, request)
    session = person.session if person is not None else None
    if session is None:
        session = open_guest(service, request)
    session = service.accounts.sign_up(session, given.name, given.password)
    return answer_session(service, session, response)


@router.post("/guests", status_code=201)
def be_a_guest(request: Request, response: Response, service: TheService) -> SessionOut:
    """Open a session without an account, or find the one that is open.

    Send the header X-Foreseen-Form, whatever it says: other sites' forms cannot.
    """
    if FORM_HEADER not in request.headers:
        raise ProblemError(403, "foreign-form", f"send the header {FORM_HEADER}, whatever it says")
    open_one = service.accounts.session(request.cookies.get(SESSION_COOKIE))
    return answer_session(service, open_one or open_guest(service, request), response)


@router.post("/session", status_code=201)
def sign_in(
    given: Credentials, request: Request, response: Response, service: TheService
) -> SessionOut:
    """Open a session; what a guest has rated in the one before goes along.

    That takes the earlier session's form key in the header X-Foreseen-Form.
    """
    before = service.accounts.session(request.cookies.get(SESSION_COOKIE))
    form_key = request.headers.get(FORM_HEADER, "")
    # Or another site could have a guest's ratings moved to an account of its own.
    guest = before if before and service.accounts.form_is_ours(before, form_key) else None
    session = service.accounts.sign_in(given.name, given.password, address_of(request), guest)
    return answer_session(service, session, response)


@router.delete("/session", status_code=204)
def sign_out(service: TheService, person: Somebody, response: Response) -> None:
    """End the session."""
    if person.session is not None:
        service.accounts.sign_out(person.session)
    response.delete_cookie(SESSION_COOKIE)


@router.put("/me/password", status_code=204)
def change_password(
    given: PasswordChange, request: Request, service: TheService, person: Somebody
) -> None:
    """Change one's password; all other sessions end."""
    address = address_of(request)
    service.accounts.change_password(person.user, person.session, given.old, given.new, address)


@router.get("/me/tokens")
def my_tokens(service: TheService, person: Somebody) -> list[TokenOut]:
    """List one's API tokens."""
    return [TokenOut(**vars(token)) for token in service.store.tokens(person.user.id)]


@router.post("/me/tokens", status_code=201)
def make_token(given: TokenIn, service: TheService, person: Somebody) -> TokenOut:
    """Make an API token; its text is shown only now."""
    token, text = service.accounts.add_token(person.user, given.label)
    return TokenOut(**vars(token), token=text)


@router.delete("/me/tokens/{token}", status_code=204)
def delete_token(
    token: Annotated[int, Field(ge=1, le=LARGEST_ID)], service: TheService, person: Somebody
) -> None:
    """Delete an API token."""
    if not service.store.delete_token(person.user.id, token):
        raise ProblemError(404, "no-such-token", f"you have no token {token}")


def open_guest(service: Service, request: Request) -> Session:
    """Make a guest, unless this address has made too many.

    Raises:
        ProblemError: If it has.
    """
    count_sign_up(service, request)
    return service.accounts.open_guest()


def count_sign_up(service: Service, request: Request) -> None:
    """Count a guest or an account to the address that asks for it.

    Raises:
        ProblemError: If it has asked for too many.
    """
    if service.sign_ups.take(address_of(request)) > 0:
        raise ProblemError(429, "too-many-tries", "too many new accounts; try again later")


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else "nowhere"


def set_session(service: Service, session: Session, response: Response) -> None:
    """Let a response carry a session's cookie."""
    response.set_cookie(
        SESSION_COOKIE,
        session.cookie,
        max_age=_COOKIE_SECONDS,
        httponly=True,
        secure=service.secure,
        samesite="lax",
    )


def answer_session(service: Service, session: Session, response: Response) -> SessionOut:
    """Let a response carry a session's cookie, and tell of it."""
    set_session(service, session, response)
    user = session.user
    return SessionOut(userId=user.id, name=user.name, role=user.role, formKey=session.form_key)
