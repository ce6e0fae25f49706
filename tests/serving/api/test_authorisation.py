"""Who may do what: the status of every route for every kind of client."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from tests.serving.api.calls import CSRF, PASSWORD
from tests.serving.conftest import SECRET, ignore

from foreseen.serving.accounts import SESSION_COOKIE, SESSION_SECONDS, Accounts, Session
from foreseen.serving.app import create_app
from foreseen.serving.groups import digest_of
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import MOVIE_LISTS, ListedMovie, Store, StoredRating, User

CLIENTS = (
    "nobody",  # no credentials
    "forged",  # a session cookie with another signature
    "expired",  # a session that was not used for long
    "no csrf",  # the session of `owner` without its CSRF token, as another site sends it
    "token",  # an API token of `owner`
    "other",  # another account, which asks for what belongs to `owner`
    "guest",
    "owner",
    "admin",
)
CREDENTIALS = {"name": "known", "password": PASSWORD}
OTHER_PASSWORD = {"old": PASSWORD, "new": "another long one"}
BASE = "/api/v1"
INVITATION = "invitation"
numbers = count()


@dataclass(frozen=True)
class Row:
    """The statuses of a route, in the order of `CLIENTS`, and what its requests contain."""

    statuses: tuple[int, ...]
    json: Callable[[], dict[str, Any]] | dict[str, Any] | None = None
    query: str = ""


def same(status: int) -> Row:
    return Row((status,) * len(CLIENTS))


def new_account() -> dict[str, Any]:
    return {"name": f"name{next(numbers)}", "password": PASSWORD}


READ_OWN = Row((401, 401, 401, 200, 200, 200, 200, 200, 200))
# nobody forged expired no-csrf token other guest owner admin
TABLE = {
    f"GET {BASE}/openapi.json": same(200),
    f"GET {BASE}/movies": replace(same(200), query="?query=matrix"),
    f"GET {BASE}/movies/{{movie}}": same(200),
    f"GET {BASE}/movies/{{movie}}/similar": same(200),
    f"GET {BASE}/movies/{{movie}}/why": READ_OWN,
    f"GET {BASE}/me": READ_OWN,
    f"GET {BASE}/me/ratings": READ_OWN,
    f"GET {BASE}/me/recommendations": READ_OWN,
    f"GET {BASE}/me/export": READ_OWN,
    f"GET {BASE}/me/ratings.csv": READ_OWN,
    f"GET {BASE}/me/watchlist.csv": READ_OWN,
    f"GET {BASE}/me/seen.csv": READ_OWN,
    f"GET {BASE}/me/tokens": READ_OWN,
    f"PUT {BASE}/me/ratings/{{movie}}": Row(
        (401, 401, 401, 403, 200, 200, 200, 200, 200), {"rating": 4}
    ),
    f"DELETE {BASE}/me/ratings/{{movie}}": Row((401, 401, 401, 403, 204, 404, 404, 204, 404)),
    **{f"GET {BASE}/me/{name}": READ_OWN for name in MOVIE_LISTS},
    **{
        f"PUT {BASE}/me/{name}/{{movie}}": Row((401, 401, 401, 403, 204, 204, 204, 204, 204))
        for name in MOVIE_LISTS
    },
    **{
        f"DELETE {BASE}/me/{name}/{{movie}}": Row((401, 401, 401, 403, 204, 404, 404, 204, 404))
        for name in MOVIE_LISTS
    },
    f"POST {BASE}/me/together": Row((401, 401, 401, 403, 200, 200, 200, 200, 200), {"guests": []}),
    f"GET {BASE}/me/groups": READ_OWN,
    f"POST {BASE}/me/groups": Row((401, 401, 401, 403, 403, 201, 403, 201, 201)),
    # 404: an invitation that nobody has.
    f"POST {BASE}/me/groups/join": Row(
        (401, 401, 401, 403, 403, 404, 403, 404, 404), {"invitation": "unknown"}
    ),
    f"POST {BASE}/me/groups/{{group}}/invitation": Row(
        (401, 401, 401, 403, 403, 404, 404, 201, 404)
    ),
    f"GET {BASE}/me/groups/{{group}}/movies": Row(
        (401, 401, 401, 200, 200, 404, 404, 200, 404), query="?k=1"
    ),
    # 404: only the owner may.
    f"DELETE {BASE}/me/groups/{{group}}/members/{{member}}": Row(
        (401, 401, 401, 403, 403, 404, 404, 204, 404)
    ),
    f"DELETE {BASE}/me/groups/{{group}}": Row((401, 401, 401, 403, 204, 404, 404, 204, 404)),
    f"POST {BASE}/me/watchlist/titles": Row(
        (401, 401, 401, 403, 200, 200, 200, 200, 200), {"text": "Heat"}
    ),
    f"POST {BASE}/me/predictions": Row(
        (401, 401, 401, 403, 200, 200, 200, 200, 200), {"movies": [1]}
    ),
    # Without a file, for speed.
    f"POST {BASE}/me/imports": Row((401, 401, 401, 403, 422, 422, 422, 422, 422)),
    f"DELETE {BASE}/me": Row((401, 401, 401, 403, 403, 204, 204, 204, 204)),
    f"PUT {BASE}/me/password": Row((401, 401, 401, 403, 403, 204, 422, 204, 204), OTHER_PASSWORD),
    f"POST {BASE}/me/tokens": Row((401, 401, 401, 403, 403, 201, 422, 201, 201), {"label": "x"}),
    f"DELETE {BASE}/me/tokens/{{token}}": Row((401, 401, 401, 403, 204, 404, 404, 204, 404)),
    f"POST {BASE}/accounts": Row((201, 201, 201, 403, 201, 422, 201, 422, 422), new_account),
    f"POST {BASE}/guests": Row((403, 201, 201, 403, 403, 201, 201, 201, 201)),
    f"POST {BASE}/session": Row((201,) * len(CLIENTS), CREDENTIALS),
    f"DELETE {BASE}/session": Row((401, 401, 401, 403, 204, 204, 204, 204, 204)),
    f"GET {BASE}/model": same(200),
    # 422: there are no ratings, no version 9 and no earlier version.
    f"POST {BASE}/model/update": Row((401, 401, 401, 403, 403, 403, 403, 403, 422)),
    f"POST {BASE}/model/promote": Row(
        (401, 401, 401, 403, 403, 403, 403, 403, 422), {"version": 9}
    ),
    f"POST {BASE}/model/rollback": Row((401, 401, 401, 403, 403, 403, 403, 403, 422)),
    "GET /": same(200),
    "GET /rate": same(200),
    "GET /top": same(200),
    "GET /film/{movie}": same(200),
    "GET /me": same(200),
    "GET /me/ratings": same(200),
    "GET /me/data": same(200),
    "GET /me/account": same(200),
    "GET /watchlist": same(200),
    "GET /together": same(200),
    "GET /together/covers": replace(same(200), query="?movie=318"),
    "GET /together/join/{invitation}": same(200),
    "GET /docs": same(200),
    "GET /offline": same(200),
    "GET /service-worker.js": same(200),
    "GET /manifest.webmanifest": same(200),
    # No language has that code.
    "GET /messages/{code}.js": same(404),
    # Without the file, which is not in the folder of these tests.
    "GET /posters": replace(same(404), query="/1.jpg"),
    "GET /model": same(200),
    "GET /sign-in": same(200),
    "GET /sign-up": same(200),
    "GET /health": same(200),
    "GET /ready": same(200),
    "GET /metrics": Row((403, 403, 403, 403, 403, 403, 403, 403, 200)),
    "GET /static": replace(same(200), query="/foreseen.css"),
}


@dataclass
class Clients:
    """An application, and the users of one row of the table."""

    app: FastAPI
    http: TestClient
    store: Store
    accounts: Accounts
    users: list[int] = field(default_factory=list[int])

    def open(self, *, kind: str = "") -> Session:
        """Open a session of a new guest, or of a new account named after its kind."""
        guest = self.accounts.open_guest()
        self.users.append(guest.user.id)
        if not kind:
            return guest
        return self.accounts.sign_up(guest, f"{kind}{next(numbers)}", PASSWORD)

    def credentials(self) -> tuple[User, dict[str, dict[str, str]]]:
        """Return `owner`, and the headers of each kind of client."""
        owner = self.open(kind="owner")
        _, token = self.accounts.add_token(owner.user, "script")
        real = time.time
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: real() - SESSION_SECONDS - 1)
            expired = self.open()
        forged = replace(owner, cookie=f"{owner.cookie[:-4]}{owner.cookie[-4:][::-1]}")
        return owner.user, {
            "nobody": {},
            "forged": headers_of(forged),
            "expired": headers_of(expired),
            "no csrf": {"cookie": headers_of(owner)["cookie"]},
            "token": {"authorization": f"Bearer {token}"},
            "other": headers_of(self.open(kind="other")),
            "guest": headers_of(self.open()),
            "owner": headers_of(owner),
            "admin": headers_of(self.open(kind="admin")),
        }

    def create_group(self, owner: User) -> int:
        """Return the group of `owner`, with the invitation `INVITATION`; create it if needed."""
        groups = self.store.groups(owner.id)
        if groups:
            return groups[0].id
        moment = int(time.time())
        digest = digest_of(INVITATION)
        return self.store.create_group(owner.id, digest, moment, moment + 100)

    def join(self, owner: User) -> str:
        """Return the name of another member of the group of `owner`, who joins if needed."""
        group, moment = self.create_group(owner), int(time.time())
        members = self.store.groups(owner.id)[0].members
        if len(members) == 1:
            user, digest = self.open(kind="member").user, digest_of(INVITATION)
            # A removal has ended it.
            self.store.invite(group, owner.id, digest, moment + 100)
            self.store.join_group(digest, user.id, moment)
            members = self.store.groups(owner.id)[0].members
        return members[1].name

    def give(self, owner: User) -> int:
        """Give `owner` a rating, listed movies and a further token; return the token's id."""
        self.store.rate(owner.id, [StoredRating(318, 4.5, 10)])
        for movie_list in MOVIE_LISTS:
            self.store.add_to(movie_list, owner.id, [ListedMovie(318, 10)])
        for token in self.store.tokens(owner.id)[1:]:
            self.store.delete_token(owner.id, token.id)
        return self.accounts.add_token(owner, "further")[0].id


def headers_of(session: Session) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={session.cookie}", CSRF: session.csrf_token}


@pytest.fixture(scope="module")
def clients(
    trained: Path, snapshot: ModelSnapshot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clients]:
    def load(_: Path) -> ModelSnapshot:
        return snapshot

    with pytest.MonkeyPatch.context() as patch:
        hasher = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr("foreseen.serving.passwords.PasswordHasher", hasher)
        patch.setattr(ModelSnapshot, "load", load)
        patch.setattr("foreseen.serving.live_model.freeze_gc", ignore)
        store = Store(f"sqlite:///{tmp_path_factory.mktemp('authorisation') / 'ratings.db'}")
        app = create_app(
            trained, store, SECRET, first_administers=False, posters=tmp_path_factory.mktemp("p")
        )
        accounts = Accounts(store, SECRET, [f"admin{n}" for n in range(1000)])
        accounts.sign_up(accounts.open_guest(), CREDENTIALS["name"], PASSWORD)
        with TestClient(app) as http:
            yield Clients(app, http, store, accounts)


def test_the_table_has_every_route(clients: Clients) -> None:
    found = {
        f"{method} {route.path}"
        for route in iter_route_contexts(clients.app.routes)
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }
    assert found == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_a_route_responds_to_each_client_as_the_table_says(clients: Clients, route: str) -> None:
    row = TABLE[route]
    method, path = route.split()
    owner, credentials = clients.credentials()
    statuses: dict[str, int] = {}
    for name, headers in credentials.items():
        token = 1
        group = clients.create_group(owner) if "{group}" in path or "{invitation}" in path else 1
        if method == "DELETE" and clients.store.user(owner.id):
            token = clients.give(owner)
        url = path.replace("{movie}", "318").replace("{token}", str(token))
        if "{member}" in path:
            url = url.replace("{member}", clients.join(owner))
        url = url.replace("{group}", str(group)).replace("{invitation}", INVITATION) + row.query
        clients.http.cookies.clear()
        response = clients.http.request(
            method,
            url,
            json=row.json() if callable(row.json) else row.json,
            headers=headers,
        )
        statuses[name] = response.status_code
    for user in clients.users:
        clients.store.delete_user(user)
    clients.users.clear()
    assert statuses == dict(zip(CLIENTS, row.statuses, strict=True))
