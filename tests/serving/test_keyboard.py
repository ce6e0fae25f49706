"""Keyboard shortcuts of the pages, and how covers are set in a browser."""

from playwright.sync_api import Browser, Page
from tests.serving.browsing import click_stars, title_of, wait_for_status
from tests.serving.conftest import Server

TOO_LARGE = """[...document.querySelectorAll('.poster > span')].filter(
    title => title.offsetParent && (
    title.scrollWidth > title.clientWidth + 1
    || title.getBoundingClientRect().bottom
        > title.parentElement.querySelector('small').getBoundingClientRect().top
)).map(title => title.textContent)"""
"""Titles that are wider than their cover or reach its year."""


def test_shortcuts_are_shown_used_and_turned_off(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_visible()
    assert "Next film" in page.locator("#shortcuts").inner_text()
    page.keyboard.press("Escape")
    page.locator("#shortcuts").wait_for(state="hidden")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    title = page.locator(".card").first.get_attribute("data-title")
    page.wait_for_function("title => document.activeElement.textContent === title", arg=title)
    page.keyboard.press("s")
    wait_for_status(page, f"Saved {title} for later")
    page.keyboard.press("z")
    wait_for_status(page, f"Removed {title} from your watchlist")
    page.keyboard.press("/")
    page.wait_for_url("**/rate#search")
    assert page.evaluate("document.activeElement.name") == "query"
    page.keyboard.type("war?")
    assert page.locator("input[name=query]").input_value() == "war?"
    assert not page.locator("#shortcuts").is_visible()
    page.click("[data-shortcuts]")
    page.uncheck("#use-shortcuts")
    page.click("#shortcuts button")
    page.reload()
    page.locator("h1").click()
    page.keyboard.press("w")
    page.keyboard.press("?")
    assert not page.locator("#shortcuts").is_visible()
    assert "/rate" in page.url


def test_shortcuts_do_not_fire_in_the_stars(page: Page) -> None:
    page.goto("/rate")
    click_stars(page, 0, 4)
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")
    page.locator(".stars input").first.focus()
    page.keyboard.press("w")
    page.keyboard.press("?")
    assert page.url.endswith("/rate")
    assert not page.locator("#shortcuts").is_visible()


def test_nothing_moves_for_those_who_prefer_so(browser: Browser, server: Server) -> None:
    context = browser.new_context(base_url=server.address, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/rate")
    page.evaluate("document.querySelector('#first li').classList.add('new')")
    assert page.evaluate("document.getAnimations().length") == 0
    context.close()


def test_no_title_leaves_its_cover_or_is_broken(browser: Browser, server: Server) -> None:
    for width in (320, 1280):
        context = browser.new_context(
            base_url=server.address, viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        for path in ("/?shown=200", "/rate?query=the", "/rate?query=strangelove", "/film/750"):
            page.goto(path)
            assert page.locator(".poster").count() > 0
            assert page.evaluate(TOO_LARGE) == [], (path, width)
        context.close()
