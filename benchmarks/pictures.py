"""Take the pictures of the pages that the documentation shows.

    python benchmarks/pictures.py MODEL_DIR docs/figures

A server runs on a copy of the model with an empty database; a guest rates some well-known films of
MovieLens. Needs Chromium: `apt-get install chromium`.
"""

import argparse
import shutil
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from playwright.sync_api import Browser, sync_playwright
from server import CSRF_HEADER, served

RATINGS: Final = {
    296: 4.5, 318: 5, 593: 4, 858: 5, 2571: 4.5, 260: 3.5, 1721: 1.5, 780: 2, 500: 2.5, 924: 5,
}  # fmt: skip
"""Ratings of the guest, by MovieLens id."""
WATCHLIST: Final = (1206, 541, 50)
SCALE: Final = 1.5
"""Pixels of a picture per pixel of the page."""


class Picture(NamedTuple):
    """A picture: its file, the path of the page, the size of the window, and the colours."""

    file: str
    path: str
    width: int
    height: int
    is_dark: bool = False


PICTURES: Final = (
    Picture("page.png", "/", 1280, 860),
    Picture("page-film.png", "/film/1213", 1280, 900),
    Picture("page-rate.png", "/rate", 390, 780, True),
)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        parser.error("no Chromium is installed")
    with served(given.folder, "--workers", "1") as (address, *_), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        cookies = open_guest(address)
        for picture in PICTURES:
            take(browser, address, cookies, picture, given.out)
            print(given.out / picture.file)
        browser.close()


def open_guest(address: str) -> dict[str, str]:
    """Return the cookies of a guest with ratings and a watchlist."""
    with httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
        token = client.post("/guests", headers={CSRF_HEADER: "new"}).json()["formKey"]
        client.headers[CSRF_HEADER] = token
        for movie, rating in RATINGS.items():
            client.put(f"/me/ratings/{movie}", json={"rating": rating}).raise_for_status()
        for movie in WATCHLIST:
            client.put(f"/me/watchlist/{movie}").raise_for_status()
        return dict(client.cookies)


def take(
    browser: Browser, address: str, cookies: dict[str, str], picture: Picture, out: Path
) -> None:
    """Write a picture of a page to a folder."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=SCALE,
        color_scheme="dark" if picture.is_dark else "light",
        reduced_motion="reduce",
    )
    context.add_cookies([{"name": n, "value": v, "url": address} for n, v in cookies.items()])
    page = context.new_page()
    page.goto(picture.path, wait_until="networkidle", timeout=120_000)
    page.screenshot(path=out / picture.file, timeout=120_000)
    context.close()


if __name__ == "__main__":
    main()
