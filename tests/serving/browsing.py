"""Actions in a browser that several tests do."""

from importlib.resources import files
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page
from tests.serving.conftest import Server

PATHS = ("/", "/rate", "/film/318", "/me", "/me/ratings", "/me/data", "/me/account", "/watchlist",
         "/together", "/model", "/sign-in", "/sign-up", "/offline", "/docs",
         "/nothing")  # fmt: skip

_BROKEN_WORDS = """() => {
  const found = [];
  for (const place of document.querySelectorAll(
    "body :is(h1, h2, h3, p, a, button, label, legend, dt, dd, li, th, figcaption)")) {
    for (const node of place.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) continue;
      for (const word of node.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
        const range = new Range();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((r) => r.top)).size > 1) found.push(word[0]);
      }
    }
  }
  return found;
}"""


def phone(
    browser: Browser,
    server: Server,
    width: int,
    height: int,
    scheme: Literal["light", "dark"] = "light",
    language: str = "en",
) -> BrowserContext:
    return browser.new_context(
        base_url=server.address,
        viewport={"width": width, "height": height},
        is_mobile=True,
        has_touch=True,
        color_scheme=scheme,
        locale=language,
    )


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return the serious violations that axe finds on a page, with some of the elements."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]][:3])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


def width_of(page: Page) -> int:
    """Return the width of the document, in pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def broken_words(page: Page) -> list[str]:
    """Return the words of texts, links and buttons that a line break divides."""
    return list(page.evaluate(_BROKEN_WORDS))


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


def title_of(page: Page, index: int) -> str:
    title = page.locator(".stars").nth(index).get_attribute("data-title")
    assert title is not None
    return title


def send_account(page: Page, name: str, password: str, button: str) -> None:
    """Fill in the form of an account and send it."""
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.click(f"main button:has-text('{button}')")
