"""Real reports, opened from the file system in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request
from tests.browsers import chromium
from tests.conftest import random_ratings, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.profile_page import write_profile
from foreseen.drift import report as drift_report
from foreseen.drift.backtest import BacktestConfig, backtest
from foreseen.drift.segments import backtest_segments
from foreseen.evaluation.protocols import GLOBAL_MEAN, PROTOCOLS
from foreseen.evaluation.report import summarise_all, write_report
from foreseen.evaluation.segment_errors import segment_errors
from foreseen.evaluation.tuning import tune
from foreseen.models.spec import parse_settings
from foreseen.reports.index import write_index

PATHS = (
    "index.html", "description.html", "stream/report.html", "foldin/report.html",
    "tuned/report.html", "backtest/report.html",
)  # fmt: skip
COLLISIONS = """[...document.querySelectorAll('.chart')].flatMap((chart) => {
  const texts = [...chart.querySelectorAll('svg text')].filter((text) =>
    text.textContent && getComputedStyle(text).opacity !== '0');
  const boxes = texts.map((text) => text.getBoundingClientRect());
  const found = [];
  boxes.forEach((a, i) => boxes.forEach((b, j) => {
    if (i < j && texts[i].textContent !== texts[j].textContent
        && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
      found.push(`${chart.ariaLabel}: ${texts[i].textContent} / ${texts[j].textContent}`);
  }));
  return found;
})"""
"""Returns the pairs of texts of the same chart that overlap."""
DRAWN = """() => [...document.querySelector('.chart').querySelectorAll('svg path, svg text')]
  .map((mark) => `${mark.textContent} ${mark.getAttribute('d')} ${mark.getAttribute('transform')}`)
  .sort().join()"""
"""Returns the lines, symbols and texts of the first chart, in whichever order they are drawn."""
ODD = "<img src=x onerror=alert(1)> & Genre"


@pytest.fixture(scope="module")
def folder(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a small data set, of which one genre has HTML in its name."""
    root = tmp_path_factory.mktemp("reports")
    genres = pl.col("genres").list.eval(pl.element().replace("Drama", ODD))
    tables = tables_of(small.ratings, small.movies.with_columns(genres))
    write_profile(tables, root / "description.html", "foreseen data describe <data>")
    for protocol in ("stream", "foldin"):
        evaluate = PROTOCOLS[protocol](tables)
        names = ("bias", "baseline")
        results = evaluate(GLOBAL_MEAN, None, 0)
        for name in names if protocol == "stream" else names[:1]:
            results += evaluate(name, parse_settings(name), 0)
        summaries = summarise_all(results)
        write_report(protocol, "small", summaries, root / protocol, segment_errors(results, tables))
    tune(tables, "bias", 3, 0, root / "tuned", "foreseen tune <data>")
    write_drift_report(tables, root / "backtest")
    write_index(root)
    return root


def write_drift_report(tables: Tables, out: Path) -> None:
    """Write the report of a backtest on a log that gets half stars in its last quarter."""
    ratings = tables.ratings.with_row_index()
    half = (pl.col("rating").floor() - 0.5).clip(0.5)
    is_late = pl.col("index") > ratings.height * 3 // 4
    changed = pl.when(is_late).then(half).otherwise(pl.col("rating").ceil())
    moved = replace(tables, ratings=ratings.with_columns(rating=changed).drop("index"))
    policies = ("frozen", "full", "adaptive")
    config = BacktestConfig(moved, "bias", parse_settings("bias"), policies, 0.5, 0, 0)
    predictions, windows = backtest(config, out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift_report, "_SHUFFLES", 2)
        document = drift_report.summarise_backtest(config, predictions, windows)
    drift_report.write_backtest(document, out, backtest_segments(config, predictions))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def opened(
    browser: Browser, file: Path, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> tuple[Page, list[str]]:
    """Return a page, and what its console says and what it requests from elsewhere."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    faults: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        faults.append(message.text)

    def note_error(error: Error) -> None:
        faults.append(str(error))

    def note_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            faults.append(request.url)

    page.on("console", note_message)
    page.on("pageerror", note_error)
    page.on("request", note_request)
    page.goto(file.as_uri())
    if page.locator(".chart").count():
        page.locator(".chart svg").last.wait_for()
    return page, faults


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_report_is_drawn_fits_and_is_accessible(
    browser: Browser, folder: Path, path: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page, faults = opened(browser, folder / path, width, scheme)
    charts = page.locator(".chart").count()
    assert page.locator(".chart svg").count() == charts
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        "[...document.querySelectorAll('.chart svg text')].filter(text =>"
        " text.textContent && text.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert beyond == 0
    assert page.evaluate(COLLISIONS) == []
    names = page.locator(".chart").evaluate_all("list => list.map(chart => chart.ariaLabel)")
    assert len(set(names)) == charts
    assert all(page.get_by_role("img", name=name, exact=True).count() == 1 for name in names)
    assert faults == []
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    violations = [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found["violations"]]
    assert violations == []
    assert (folder / path).stat().st_size < 2_000_000
    page.close()


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("description.html", "Release of the movie"),
        ("stream/report.html", "Genre"),
        ("backtest/report.html", "Genre"),
    ],
)
def test_a_filter_changes_the_charts(browser: Browser, folder: Path, path: str, group: str) -> None:
    page, faults = opened(browser, folder / path)
    before = page.evaluate(f"({DRAWN})()")
    choice = page.locator("select[name=segment]")
    values: list[str] = choice.locator("option").evaluate_all("list => list.map(o => o.value)")
    choice.select_option(next(value for value in values if group.lower()[:5] in value.lower()))
    page.wait_for_function(f"before => ({DRAWN})() !== before", arg=before)
    choice.select_option("all")
    page.wait_for_function(f"before => ({DRAWN})() === before", arg=before)
    assert faults == []
    page.close()


def test_a_policy_shows_its_intervals_actions_and_expected_error(
    browser: Browser, folder: Path
) -> None:
    page, faults = opened(browser, folder / "backtest/report.html")
    error = page.get_by_role("img", name="RMSE by window")
    expected = page.get_by_role("img", name="Expected before the ratings, and realised")
    before, other = page.evaluate(f"({DRAWN})()"), expected.inner_html()
    page.locator("select[name=policy]").select_option("frozen")
    page.wait_for_function(f"before => ({DRAWN})() !== before", arg=before)
    assert expected.inner_html() != other
    # Each window has an interval, that of the chosen policy.
    assert error.locator(".mark-rule.role-mark line").count() == 10
    page.locator("select[name=policy]").select_option("adaptive")
    page.wait_for_function(f"before => ({DRAWN})() === before", arg=before)
    assert faults == []
    page.close()


def test_a_detected_change_has_its_dates_on_hover(browser: Browser, folder: Path) -> None:
    page, _ = opened(browser, folder / "backtest/report.html")
    changes = page.get_by_role("img", name="Detected changes of the log")
    texts = changes.locator("text").all_text_contents()
    assert any(text.startswith("rating scale: half stars ↑") for text in texts)
    changes.locator(".mark-symbol path").first.hover()
    page.locator("#tooltip dd").first.wait_for()
    assert {"changed", "between", "and", "detected"} <= set(
        page.locator("#tooltip dt").all_inner_texts()
    )
    page.close()


def test_html_in_names_is_shown_as_text(browser: Browser, folder: Path) -> None:
    for path in PATHS[1:3]:
        page, faults = opened(browser, folder / path)
        assert page.locator("img").count() == 0
        options = page.locator("option").all_inner_texts()
        assert any(option.startswith(f"{ODD} (") for option in options)
        drawn = page.locator(".chart svg text").all_text_contents()
        assert any(text.startswith("<img src=x") for text in drawn)
        assert faults == []
        page.close()


def test_a_value_is_shown_on_hover(browser: Browser, folder: Path) -> None:
    page, _ = opened(browser, folder / "stream/report.html")
    page.locator(".chart svg .mark-symbol path").first.hover()
    page.locator("#tooltip dd").first.wait_for()
    assert "RMSE" in page.locator("#tooltip").inner_text()
    page.close()


def test_the_list_and_its_reports_link_to_each_other(browser: Browser, folder: Path) -> None:
    page, _ = opened(browser, folder / "index.html")
    page.get_by_role("link", name="stream").click()
    assert page.url.split("#")[0] == (folder / "stream/report.html").as_uri()
    page.get_by_role("link", name="All reports").click()
    assert page.url.split("#")[0] == (folder / "index.html").as_uri()
    page.goto((folder / "stream/report.html").as_uri() + "#list=javascript:alert(1)")
    page.reload()
    assert not page.locator("#reports").is_visible()
    page.close()


def test_without_scripts_the_tables_have_the_numbers(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "stream/report.html").as_uri())
    page.locator("summary").first.click()
    assert page.locator("table").first.is_visible()
    context.close()


def test_equal_reports_are_equal_to_the_byte(tmp_path: Path) -> None:
    tables = tables_of(random_ratings(0, 200))
    for name in ("one.html", "two.html"):
        write_profile(tables, tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
