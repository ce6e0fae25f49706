"""The documentation site, built as `make docs` builds it."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request

from tests.browsers import chromium

ROOT = Path(__file__).parents[1]
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}


class References(HTMLParser):
    """Collects what a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if (tag, name) in LOADING]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def test_every_public_module_has_a_page(site: Path) -> None:
    source = ROOT / "src" / "foreseen"
    for file in source.rglob("*.py"):
        if "migrations" not in file.parts and file.name != "__main__.py":
            path = file.relative_to(source).with_suffix("").as_posix().replace("__init__", "index")
            assert (site / "api" / "foreseen" / f"{path}.html").is_file()
    page = (site / "api" / "foreseen" / "registry" / "versions.html").read_text(encoding="utf-8")
    assert 'id="foreseen.registry.versions.save_model"' in page


def test_guides_and_reference_are_searchable(site: Path) -> None:
    index: dict[str, Any] = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    locations = {entry["location"] for entry in index["docs"]}
    assert {"drift.html", "contributing.html", "changelog.html"} <= locations
    assert "api/foreseen/index.html#foreseen.recommend" in locations


def test_pages_load_nothing_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        references = References()
        references.feed(page.read_text(encoding="utf-8"))
        assert not [found for found in references.found if re.match(r"(https?:)?//", found)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text("utf-8"))


def test_the_search_works_from_the_file_system(site: Path) -> None:
    requested: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    with chromium() as browser:
        page = browser.new_page()
        page.on("request", note)
        page.goto((site / "index.html").as_uri())
        page.fill("input[name=query]", "Page-Hinkley")
        page.locator(".md-search-result__item").first.wait_for()
    assert all(url.startswith(("file:", "data:", "blob:", "about:")) for url in requested)
