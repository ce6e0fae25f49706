"""Installation, and reading one's own lists while the server is stopped."""

import json
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Page
from tests.serving.api.calls import CSRF, PASSWORD
from tests.serving.conftest import Server, start_server

READY = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
CACHED = (
    "caches.keys().then(async names => (await Promise.all(names.map(async name =>"
    "(await (await caches.open(name)).keys()).map(request => new URL(request.url).pathname)"
    "))).flat())"
)
PRIVATE = "The Matrix"
PRIVATE_ID = 2571


def open_page(browser: Browser, address: str) -> Page:
    page = browser.new_context(base_url=address).new_page()
    page.goto("/sign-in")
    page.wait_for_function(READY)
    return page


def sign_up(page: Page, name: str) -> None:
    body = {"name": name, "password": PASSWORD}
    created = page.request.post("/api/v1/accounts", data=body, headers={CSRF: "new"})
    assert created.status == 201


def save_for_later(context: BrowserContext, page: Page) -> None:
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    path = f"/api/v1/me/watchlist/{PRIVATE_ID}"
    assert context.request.put(path, headers={CSRF: token}).status == 204


def test_own_lists_are_readable_while_the_server_is_stopped_and_only_by_their_owner(
    browser: Browser, folder: Path
) -> None:
    with start_server(folder) as server:
        stays, leaves = (open_page(browser, server.address) for _ in range(2))
        for page, name in ((stays, "stays"), (leaves, "leaves")):
            sign_up(page, name)
            page.goto("/")
            save_for_later(page.context, page)
            page.goto("/watchlist")
            assert page.locator(".card h2 a").all_inner_texts() == [PRIVATE]
        first = stays.goto("/")
        assert first is not None
        ranked = stays.locator(".card:visible h2 a").all_inner_texts()
        leaves.click("[data-sign-out]")
        leaves.wait_for_selector(".who a:has-text('Sign in')")
        assert leaves.evaluate("localStorage.getItem('foreseen own lists')") is None
        sign_up(leaves, "next")
        leaves.goto("/")
        cached = set(leaves.evaluate(CACHED))
        pages = {path for path in cached if not path.startswith("/static/")}
        assert pages == {"/offline", "/messages/en.js"}
        server.kill()
        for page in (stays, leaves):
            page.goto("/watchlist")
            assert page.locator("h1").inner_text() == "No connection"
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280
            # The style sheet is there too.
            assert page.evaluate("getComputedStyle(document.body).display") == "flex"
        kept = stays.locator("[data-own=watchlist] li").all_inner_texts()
        assert [text.split(" 1999")[0] for text in kept] == [PRIVATE]
        titles = stays.locator("[data-own=ranking] li span").all_inner_texts()
        assert [t.rsplit(" ", 1)[0] if t[-1].isdigit() else t.strip() for t in titles] == ranked
        assert leaves.locator("[data-own=ranking]").is_visible()
        assert not leaves.locator("[data-own=watchlist]").is_visible()
        assert PRIVATE not in leaves.locator("[data-own=watchlist]").inner_text()
        for page in (stays, leaves):
            page.context.close()


def test_a_session_that_ended_elsewhere_deletes_the_lists(page: Page) -> None:
    page.goto("/rate")
    page.request.post("/api/v1/guests", headers={CSRF: "new"})
    page.goto("/")
    assert page.evaluate("JSON.parse(localStorage.getItem('foreseen own lists')).owner")
    page.context.clear_cookies()
    page.goto("/nothing")
    assert page.evaluate("localStorage.getItem('foreseen own lists')") is not None
    page.goto("/rate")
    assert page.evaluate("localStorage.getItem('foreseen own lists')") is None


def test_the_offline_page_is_the_same_for_everyone(server: Server) -> None:
    with httpx.Client(base_url=server.address) as client:
        before = client.get("/offline").text
        client.post("/api/v1/guests", headers={CSRF: "new"})
        assert client.get("/offline").text == before
        assert 'name="owner"' not in before


def test_the_pages_can_be_installed(server: Server) -> None:
    with httpx.Client(base_url=server.address) as client:
        worker = client.get("/service-worker.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        assert worker.headers["cache-control"] == "no-cache"
        files = json.loads(worker.text.split("const FILES = ")[1].split(";")[0])
        assert all(client.get(file).status_code == 200 for file in files)
        response = client.get("/manifest.webmanifest")
        assert response.headers["content-type"].startswith("application/manifest+json")
        manifest = response.json()
        assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
        for icon in manifest["icons"]:
            assert client.get(icon["src"]).headers["content-type"].startswith(icon["type"])
        assert all(client.get(s["url"]).status_code == 200 for s in manifest["shortcuts"])
        assert "Content-Security-Policy" in worker.headers
