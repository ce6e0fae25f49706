"""Templates and navigation."""

from fastapi.testclient import TestClient
from tests.serving.api.calls import open_account, open_guest

from foreseen.serving.templates import NAVIGATION


def test_the_navigation_marks_the_current_page(client: TestClient) -> None:
    open_account(client, "ann")
    for path, label, _ in NAVIGATION:
        text = client.get(path).text
        assert f'<a href="{path}" aria-current="page">{label}</a>' in text
        assert text.split("</header>")[0].count("aria-current") == 1


def test_links_for_administrators_are_hidden_from_others(client: TestClient) -> None:
    assert ">Model</a>" not in client.get("/sign-in").text
    open_account(client, "ann")
    assert ">Model</a>" in client.get("/sign-in").text


def test_a_page_contains_the_csrf_token_of_its_session(client: TestClient) -> None:
    assert '<meta name="csrf-token" content="">' in client.get("/sign-in").text
    (token,) = open_guest(client).values()
    assert f'<meta name="csrf-token" content="{token}">' in client.get("/sign-in").text
