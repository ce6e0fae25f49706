"""Requests that several tests of the API make."""

from fastapi.testclient import TestClient

CSRF = "X-Foreseen-Form"
PASSWORD = "correct horse battery"  # noqa: S105


def open_guest(client: TestClient) -> dict[str, str]:
    """Open a guest session; return the headers that changes need."""
    response = client.post("/api/v1/guests", headers={CSRF: "new"})
    assert response.status_code == 201
    return {CSRF: response.json()["formKey"]}


def open_account(client: TestClient, name: str) -> dict[str, str]:
    """Create an account with a session; return the headers that changes need."""
    client.cookies.clear()
    response = client.post("/api/v1/accounts", json={"name": name, "password": PASSWORD})
    assert response.status_code == 201, response.text
    return {CSRF: response.json()["formKey"]}


def recommended(client: TestClient, **parameters: str | float) -> list[int]:
    """Return the ids of the recommended movies."""
    response = client.get("/api/v1/me/recommendations", params=parameters)
    assert response.status_code == 200, response.text
    return [entry["movieId"] for entry in response.json()["recommendations"]]
