"""The web page in a real browser."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright
from tests.data.samples import LETTERBOXD, zipped
from tests.serving.conftest import Server, start_server

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
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pages") / "m"
    shutil.copytree(trained, folder)
    running = start_server(folder)
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A newcomer's page; an error in its script or its console fails the test."""
    context = browser.new_context(base_url=server.address, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    faults: list[str] = []

    def failed(error: Error) -> None:
        faults.append(str(error))

    def told(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    opened.on("pageerror", failed)
    opened.on("console", told)
    yield opened
    context.close()
    assert [fault for fault in faults if "401" not in fault and "422" not in fault] == []


def press_star(page: Page, place: int, stars: float) -> None:
    """Click where that many stars are on the rating of a tile."""
    box = page.locator(".stars input").nth(place)
    size = box.bounding_box()
    assert size is not None
    # The thumb is as wide as the input is high, more or less; the middle of the value's step.
    share = (stars - 0.5) / 4.5
    box.click(position={"x": 8 + share * (size["width"] - 16), "y": size["height"] / 2})


def wait_for_rating(page: Page, text: str) -> None:
    page.wait_for_function("t => document.getElementById('said').textContent === t", arg=text)


def test_a_newcomer_rates_five_films_and_sees_the_ranking_move(page: Page) -> None:
    page.goto("/rate")
    before = page.locator("#first li").all_inner_texts()
    for place, stars in enumerate((5, 1, 4.5, 2, 0.5)):
        press_star(page, place, stars)
        wait_for_rating(page, f"Rated {stars:g}")
        assert page.locator(".stars output").nth(place).inner_text() == f"{stars:g}"
    page.wait_for_function("() => document.querySelector('#first ol').dataset.rated === '5'")
    assert page.locator("#first li").all_inner_texts() != before
    page.goto("/")
    assert page.locator(".card:visible").count() == 24
    assert "your" in page.locator(".why").first.inner_text() or page.locator(".why").count() > 20
    page.goto("/me")
    assert page.locator(".rated .tile").count() == 5


def test_the_slider_reorders_at_once_and_without_the_server(page: Page) -> None:
    page.goto("/")
    before = page.locator(".card h2 a").all_inner_texts()
    asked: list[str] = []

    def sent(request: Request) -> None:
        asked.append(request.url)

    page.on("request", sent)
    page.locator("[data-balance]").press("End")
    after = page.locator(".card h2 a").all_inner_texts()
    assert after != before
    assert sorted(after) == sorted(before)
    assert asked == []


def test_filters_and_search_change_what_is_shown(page: Page) -> None:
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


def test_sign_up_out_and_in_keeps_what_a_guest_rated(page: Page) -> None:
    page.goto("/rate")
    press_star(page, 0, 4)
    wait_for_rating(page, "Rated 4")
    page.goto("/me")
    page.fill("input[name=name]", "ann")
    page.fill("input[name=password]", "short but long")
    page.click("text=Sign up")
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
    page.click("text=Change it")
    wait_for_rating(page, "The password is changed; all other sessions have ended")
    page.goto("/model")
    assert page.locator("[data-update]").count() == 1


def test_a_letterboxd_zip_is_imported(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "letterboxd.zip"
    file.write_bytes(zipped(**{"ratings.csv": LETTERBOXD}))
    page.goto("/me")
    page.set_input_files("input[type=file]", file)
    page.click("text=Import")
    page.wait_for_selector("#report >> text=2 matched (2 new or changed)")
    page.goto("/me")
    assert "The Matrix" in page.locator(".rated").inner_text()


def test_a_film_is_rated_by_the_keyboard_alone(page: Page) -> None:
    page.goto("/rate")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.stars input')"):
            break
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_rating(page, "Rated 3.5")
    page.keyboard.press("Delete")
    wait_for_rating(page, "Rating taken back")


def test_what_is_of_no_interest_disappears(page: Page) -> None:
    page.goto("/")
    first = page.locator(".card").first.get_attribute("data-movie")
    page.locator(".dismiss").first.click()
    page.wait_for_function("m => !document.querySelector(`.card[data-movie='${m}']`)", arg=first)
    page.goto("/me")
    page.click("text=Show it again")
    wait_for_rating(page, "It may be shown again")
    page.goto("/")
    assert page.locator(".card").first.get_attribute("data-movie") == first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_bars_anybody_and_a_phone_is_wide_enough(
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
    page.wait_for_function("() => document.getElementById('said').textContent !== ''")
    for path in ("/", "/rate", "/film/318", "/me", "/model", "/sign-in"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bars = [
            (path, violation["id"], [node["html"] for node in violation["nodes"]][:3])
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        assert bars == []
    context.close()


def test_without_scripts_the_ranking_still_reads(browser: Browser, server: Server) -> None:
    context = browser.new_context(base_url=server.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?genre=Comedy")
    assert page.locator(".card").count() >= 24
    context.close()
