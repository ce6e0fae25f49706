"""Sequences of generated requests by several clients, from the OpenAPI description of the API.

Hypothesis chooses the client, the operation and its content, often with ids and credentials that
exist. No response should have a status of 500 or above, and every error should be a problem.
"""

# Schemathesis leaves its operations untyped.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import Counter
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema

# Generating requests from a large description is slow.
SLOW: Final = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
ADMIN: Final = {"name": "root", "password": "correct horse battery"}
_STEPS: Final = 20
# Sequences at a time; the first is always the simplest one, which may send nothing.
_FEWEST, _MOST = 5, 50
_CREDENTIALS: Final = [{**ADMIN, "name": name} for name in ("ann", "ben")]
_MOVIES: Final = [1, 50, 318, 99_999_999]
# It would train for minutes.
_EXCLUDED: Final = "POST /api/v1/model/update"
# The administrator stays signed in.
_NOT_BY_ADMIN: Final = {"DELETE /api/v1/me", "DELETE /api/v1/session", "PUT /api/v1/me/password"}
_OPEN_GUEST: Final = "POST /api/v1/guests"
_OPENING: Final = {_OPEN_GUEST, "POST /api/v1/accounts", "POST /api/v1/session"}

Headers = dict[str, str]
_SIGNED_OUT: Final[Headers] = {"X-Foreseen-Form": "new"}


def session_headers(cookie: str, csrf_token: str) -> Headers:
    """Return the headers of requests with a session."""
    return {"Cookie": f"foreseen_session={cookie}", "X-Foreseen-Form": csrf_token}


def run_sequences(schema: BaseSchema, admin: Headers, requests: int) -> "Counter[tuple[str, int]]":
    """Send generated requests until there were so many.

    Args:
        schema: The OpenAPI description of a server or an application.
        admin: The headers of an administrator's requests.
        requests: Number of requests.

    Returns:
        The number of responses by operation and status.

    Raises:
        AssertionError: If a response has a status of 500 or above, or an error is no problem.
    """
    operations: dict[str, Any] = {
        found.ok().label: found.ok()
        for found in schema.get_all_operations()
        if isinstance(found, Ok)
    }
    labels = st.sampled_from(sorted(operations.keys() - {_EXCLUDED}))
    counts: Counter[tuple[str, int]] = Counter()
    tokens = [1]
    # Kept from one sequence to the next, because new accounts are limited.
    clients: dict[str, Headers] = {
        "nobody": {},
        "first": _SIGNED_OUT,
        "second": _SIGNED_OUT,
        "token": {"Authorization": "Bearer unknown"},
        "admin": admin,
    }

    class Sequence(RuleBasedStateMachine):
        # What is drawn does not depend on responses, as Hypothesis requires.
        @rule(data=st.data())
        def send(self, data: st.DataObject) -> None:
            client = data.draw(st.sampled_from(sorted(clients)), label="client")
            label = data.draw(labels, label="operation")
            case: Case[Any] = data.draw(operations[label].as_strategy(), label="request")
            if data.draw(st.booleans(), label="existing ids"):
                _use_existing(case, data, tokens)
            if clients[client] == _SIGNED_OUT:
                self.call(client, _OPEN_GUEST, operations[_OPEN_GUEST].Case())
            if client != "admin" or label not in _NOT_BY_ADMIN:
                self.call(client, label, case)

        def call(self, client: str, label: str, case: Case[Any]) -> None:
            response: Response = case.call(headers=clients[client])
            counts[label, response.status_code] += 1
            command = case.as_curl_command()
            assert response.status_code < 500, (command, response.text)
            if response.status_code >= 400:
                assert response.headers["content-type"] == ["application/problem+json"], command
            if client in {"first", "second"}:
                clients[client] = _session_after(label, response) or clients[client]
            if label == "POST /api/v1/me/tokens" and response.status_code == 201:
                created: dict[str, Any] = response.json()
                tokens.append(created["id"])
                clients["token"] = {"Authorization": f"Bearer {created['token']}"}

    while counts.total() < requests:
        configured = settings(
            max_examples=max(_FEWEST, min(_MOST, (requests - counts.total()) // _STEPS)),
            stateful_step_count=_STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=SLOW,
        )
        run_state_machine_as_test(Sequence, settings=configured)
    return counts


def _use_existing(case: Case[Any], data: st.DataObject, tokens: list[int]) -> None:
    """Replace the ids and the credentials of a request by ones that exist."""
    label, parameters = case.operation.label, case.path_parameters or {}
    if "movie" in parameters:
        parameters["movie"] = data.draw(st.sampled_from(_MOVIES))
    if "token" in parameters:
        latest = tokens[-3:]
        parameters["token"] = latest[data.draw(st.integers(0, 2)) % len(latest)]
    if label in {"POST /api/v1/session", "POST /api/v1/accounts"}:
        case.body = dict(data.draw(st.sampled_from(_CREDENTIALS)))


def _session_after(label: str, response: Response) -> Headers | None:
    """Return the headers of a client after a response that opens or ends its session."""
    if label in _OPENING and response.status_code == 201:
        cookie = response.headers["set-cookie"][0].partition("=")[2].partition(";")[0]
        return session_headers(cookie, response.json()["formKey"])
    ended = label in {"DELETE /api/v1/me", "DELETE /api/v1/session"}
    return _SIGNED_OUT if ended or response.status_code == 401 else None
