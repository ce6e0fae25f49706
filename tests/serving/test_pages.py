"""The pages: rendered without a browser, and used in one."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright
from tests.conftest import tables_of
from tests.data.samples import LETTERBOXD, zipped
from tests.serving.api.calls import CSRF, open_account
from tests.serving.conftest import Server, start_server

from foreseen.data.canonical import Tables
from foreseen.models.train import train
from foreseen.registry import versions
from foreseen.serving.paths import path_segment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse battery"  # noqa: S105
ODD_IDS = {1: "..", 2: "x/why?#%2F"}


def test_every_page_renders_with_and_without_a_session(client: TestClient) -> None:
    paths = ("/", "/?part=true", "/rate", "/rate?query=matrix", "/top", "/film/318", "/me",
             "/sign-in", "/model")  # fmt: skip
    for path in paths:
        assert client.get(path).status_code == 200, path
    headers = open_account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 4}, headers=headers)
    client.put("/api/v1/me/dismissed/50", headers=headers)
    client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers)
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_a_page_of_an_unknown_movie_is_not_found(client: TestClient) -> None:
    assert client.get("/film/99999999").status_code == 404


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI should have installed Chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a model of the small data set, of which two films have other ids."""
    tables = (small.ratings, small.movies)
    renamed = [
        table.with_columns(
            pl.col("movieId").replace_strict(ODD_IDS, default=pl.col("movieId").cast(pl.String))
        )
        for table in tables
    ]
    folder = tmp_path_factory.mktemp("pages") / "m"
    versions.save_model(train(tables_of(*renamed), "bias"), folder)
    with start_server(folder) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page without a session; an error of its script or on its console fails the test."""
    context = browser.new_context(base_url=server.address, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []

    def failed(error: Error) -> None:
        errors.append(str(error))

    def log(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    opened.on("pageerror", failed)
    opened.on("console", log)
    yield opened
    context.close()
    assert [error for error in errors if "401" not in error and "422" not in error] == []


def click_stars(page: Page, index: int, stars: float) -> None:
    """Click on the position of a number of stars of a tile."""
    box = page.locator(".stars input").nth(index)
    size = box.bounding_box()
    assert size is not None
    # The thumb, about 16 pixels wide, is centred on the value.
    share = (stars - 0.5) / 4.5
    box.click(position={"x": 8 + share * (size["width"] - 16), "y": size["height"] / 2})


def wait_for_status(page: Page, text: str) -> None:
    page.wait_for_function("t => document.getElementById('status').textContent === t", arg=text)


def test_a_new_user_rates_five_films_and_the_ranking_changes(page: Page) -> None:
    page.goto("/rate")
    before = page.locator("#first li").all_inner_texts()
    for index, stars in enumerate((5, 1, 4.5, 2, 0.5)):
        click_stars(page, index, stars)
        wait_for_status(page, f"Rated {stars:g}")
        assert page.locator(".stars output").nth(index).inner_text() == f"{stars:g}"
    page.wait_for_function("() => document.querySelector('#first ol').dataset.rated === '5'")
    assert page.locator("#first li").all_inner_texts() != before
    page.goto("/")
    assert page.locator(".card:visible").count() == 24
    assert "your" in page.locator(".why").first.inner_text() or page.locator(".why").count() > 20
    page.goto("/me")
    assert page.locator(".rated .tile").count() == 5


def test_the_slider_reorders_the_ranking_without_a_request(page: Page) -> None:
    page.goto("/")
    before = page.locator(".card h2 a").all_inner_texts()
    requests: list[str] = []

    def record(request: Request) -> None:
        requests.append(request.url)

    page.on("request", record)
    page.locator("[data-balance]").press("End")
    after = page.locator(".card h2 a").all_inner_texts()
    assert after != before
    assert sorted(after) == sorted(before)
    assert requests == []


def test_filters_and_search_update_the_page(page: Page) -> None:
    page.goto("/")
    page.select_option("select[name=genre]", "Horror")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.card:not([hidden]) .genres')]"
        ".every(g => g.textContent.includes('Horror'))"
    )
    page.goto("/rate")
    page.fill("input[name=query]", "godfathr")
    page.wait_for_function(
        "() => document.querySelector('.tile .title').textContent.includes('Godfather')"
    )


def test_a_guests_ratings_are_kept_by_signing_up_out_and_in(page: Page) -> None:
    page.goto("/rate")
    click_stars(page, 0, 4)
    wait_for_status(page, "Rated 4")
    page.goto("/me")
    page.fill("input[name=name]", "ann")
    page.fill("input[name=password]", "short but long")
    page.click("main button:has-text('Sign up')")
    page.wait_for_selector("h1:has-text('ann')")
    page.click("text=Sign out")
    page.wait_for_selector(".who a:has-text('Sign in')")
    page.goto("/sign-in")
    page.fill("input[name=name]", "ann")
    page.fill("input[name=password]", "not the password")
    page.click("main button:has-text('Sign in')")
    page.wait_for_selector("text=do not belong together")
    page.fill("input[name=password]", "short but long")
    page.click("main button:has-text('Sign in')")
    page.wait_for_selector(".who .name:has-text('ann')")
    page.goto("/me")
    assert page.locator(".rated .tile").count() == 1
    page.fill("input[name=old]", "short but long")
    page.fill("input[name=new]", "long and not short")
    page.click("text=Change password")
    wait_for_status(page, "Password changed; all other sessions and all API tokens have ended")
    page.goto("/model")
    assert page.locator("[data-update]").count() == 1


def test_a_letterboxd_zip_is_imported(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "letterboxd.zip"
    file.write_bytes(zipped(**{"ratings.csv": LETTERBOXD}))
    page.goto("/me")
    page.set_input_files("input[type=file]", file)
    page.click("button:has-text('Import')")
    page.wait_for_selector("#report >> text=2 matched (2 new or changed)")
    page.goto("/me")
    assert "The Matrix" in page.locator(".rated").inner_text()


def test_a_film_is_rated_by_keyboard(page: Page) -> None:
    page.goto("/rate")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.stars input')"):
            break
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_status(page, "Rated 3.5")
    page.keyboard.press("Delete")
    wait_for_status(page, "Rating deleted")


def test_a_dismissed_film_leaves_the_ranking_until_it_is_shown_again(page: Page) -> None:
    page.goto("/")
    first = page.locator(".card").first.get_attribute("data-movie")
    page.locator(".dismiss").first.click()
    page.wait_for_function("m => !document.querySelector(`.card[data-movie='${m}']`)", arg=first)
    page.goto("/me")
    page.click("text=Show it again")
    wait_for_status(page, "It may be recommended again")
    page.goto("/")
    assert page.locator(".card").first.get_attribute("data-movie") == first


def test_films_of_any_id_are_opened_rated_and_dismissed(page: Page) -> None:
    page.goto("/")
    api = page.request
    headers = {CSRF: api.post("/api/v1/guests", headers={CSRF: "new"}).json()["formKey"]}
    for movie in ODD_IDS.values():
        segment = path_segment(movie)
        api.put(f"/api/v1/me/ratings/{segment}", data={"rating": 4}, headers=headers)
        api.put(f"/api/v1/me/dismissed/{segment}", headers=headers)
    for movie in ODD_IDS.values():
        page.goto("/me")
        page.locator("[data-undismiss]").first.click()
        wait_for_status(page, "It may be recommended again")
        film = page.locator(f".rated [data-movie='{movie}'] .title")
        title = film.inner_text()
        film.click()
        page.wait_for_selector("h1")
        assert page.locator("h1").inner_text() == title
        page.locator(".unrate").first.click()
        wait_for_status(page, "Rating deleted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(
    browser: Browser, server: Server, scheme: Literal["light", "dark"]
) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    context = browser.new_context(
        base_url=server.address,
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        color_scheme=scheme,
    )
    page = context.new_page()
    page.goto("/rate")
    page.locator(".stars input").first.tap()
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    for path in ("/", "/rate", "/film/318", "/me", "/model", "/sign-in"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        violations = [
            (path, violation["id"], [node["html"] for node in violation["nodes"]][:3])
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        assert violations == []
    context.close()


def test_the_ranking_is_readable_without_scripts(browser: Browser, server: Server) -> None:
    context = browser.new_context(base_url=server.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?genre=Comedy")
    assert page.locator(".card").count() >= 24
    context.close()
