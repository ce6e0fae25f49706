"""The pages: rendered without a browser, and used in one."""

from pathlib import Path
from typing import Literal

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import (
    Browser,
    Page,
    Request,
)
from tests.data.samples import LETTERBOXD, zipped
from tests.serving.api.calls import CSRF, open_account
from tests.serving.browsing import (
    PATHS,
    broken_words,
    click_stars,
    phone,
    send_account,
    title_of,
    violations,
    wait_for_status,
    width_of,
)
from tests.serving.conftest import ODD_IDS, Server

from foreseen.serving.paths import path_segment
from foreseen.serving.store import MOVIE_LISTS

PASSWORD = "correct horse battery"  # noqa: S105


def test_every_page_renders_with_and_without_a_session(client: TestClient) -> None:
    paths = ("/", "/?part=true", "/?genre=Comedy&without=Horror&decade=1990&balance=40",
             "/rate", "/rate?query=matrix", "/rate?more=2", "/top", "/film/318", "/me",
             "/me/ratings", "/me/ratings?order=title&query=shaw", "/me/data", "/me/account",
             "/watchlist", "/together", "/sign-in", "/model")  # fmt: skip
    for path in paths:
        assert client.get(path).status_code == 200, path
    headers = open_account(client, "ann")
    client.put("/api/v1/me/ratings/318", json={"rating": 4}, headers=headers)
    for movie_list in MOVIE_LISTS:
        client.put(f"/api/v1/me/{movie_list}/50", headers=headers)
    client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers)
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_a_page_of_an_unknown_movie_is_not_found(client: TestClient) -> None:
    assert client.get("/film/99999999").status_code == 404


def card_titles(page: Page) -> list[str]:
    return page.locator(".card:visible h2 a").all_inner_texts()


def test_a_new_user_rates_five_films_and_the_ranking_changes(page: Page) -> None:
    page.goto("/rate")
    before = page.locator("#first li").all_inner_texts()
    assert "0 of 5" in page.locator("#first .progress").inner_text()
    for index, stars in enumerate((5, 1, 4.5, 2, 0.5)):
        click_stars(page, index, stars)
        wait_for_status(page, f"Rated {title_of(page, index)} {stars:g}")
        assert page.locator(".stars output").nth(index).inner_text() == f"{stars:g}"
    page.wait_for_function("() => document.querySelector('#first ol').dataset.rated === '5'")
    assert page.locator("#first .progress").inner_text() == "5 films rated"
    assert page.locator("#first li").all_inner_texts() != before
    page.goto("/")
    assert page.locator(".card:visible").count() == 8
    shown = [
        float(text) for text in page.locator(".card:visible .predicted strong").all_inner_texts()
    ]
    assert shown == sorted(shown, reverse=True)
    assert len(set(page.locator(".card:visible .why").all_inner_texts())) >= 4
    page.goto("/me/ratings")
    assert page.locator("#rated .tile").count() == 5


def test_a_user_chooses_german_and_rates(page: Page) -> None:
    page.goto("/rate?query=matrix")
    page.fill("input[name=query]", "shawshank")
    page.wait_for_function("() => location.search === '?query=shawshank'")
    page.click("footer >> text=Deutsch")
    page.wait_for_selector("html[lang=de]")
    assert page.input_value("input[name=query]") == "shawshank"
    click_stars(page, 0, 4.5)
    wait_for_status(page, f"{title_of(page, 0)} mit 4,5 bewertet")
    assert page.locator(".stars output").first.inner_text() == "4,5"
    page.wait_for_selector(".progress:has-text('1 von 5')")
    page.goto("/")
    assert page.locator("h1").inner_text() == "Für dich"
    page.locator(".card [data-list=watchlist]").first.click()
    page.wait_for_selector("#status:has-text('für später gemerkt')")
    page.goto("/together")
    page.fill("[data-guest] input", "Ben")
    page.click("text=Gast hinzufügen")
    page.wait_for_selector("#people >> text=0 Bewertungen")
    page.goto("/sign-in")
    send_account(page, "nobody", "not the password", "Anmelden")
    page.wait_for_selector("text=Name und Passwort gehören nicht zusammen")
    assert page.locator("footer [aria-current]").inner_text() == "Deutsch"


def test_a_rating_is_undone_from_its_message(page: Page) -> None:
    page.goto("/rate")
    click_stars(page, 0, 4)
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")
    click_stars(page, 0, 2)
    wait_for_status(page, f"Rated {title_of(page, 0)} 2")
    page.click("#undo")
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")
    assert page.locator(".stars output").first.inner_text() == "4"
    page.locator(".unrate").first.click()
    wait_for_status(page, f"Deleted your rating of {title_of(page, 0)}")
    page.click("#undo")
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")


def test_a_film_that_was_not_seen_makes_room_for_another(page: Page) -> None:
    page.goto("/rate")
    titles = page.locator(".grid .title").all_inner_texts()
    title = title_of(page, 0)
    page.locator(".grid [data-list=unseen]").first.click()
    wait_for_status(page, f"You have not seen {title}")
    page.wait_for_function(
        "t => !document.querySelector('#grid').innerText.includes(t)", arg=titles[0]
    )
    assert page.locator(".grid .tile").count() == len(titles)
    page.click("#undo")
    page.wait_for_function(
        "t => document.querySelector('#grid').innerText.includes(t)", arg=titles[0]
    )
    page.click("text=Other films")
    page.wait_for_function(
        "t => !document.querySelector('#grid').innerText.includes(t)", arg=titles[1]
    )
    assert set(page.locator(".grid .title").all_inner_texts()).isdisjoint(titles)
    other = page.locator(".grid .title").all_inner_texts()
    page.reload()
    assert page.locator(".grid .title").all_inner_texts() == other


def test_the_slider_reorders_the_ranking_without_a_request_and_stays(page: Page) -> None:
    page.goto("/")
    before = page.locator(".card h2 a").all_inner_texts()
    requests: list[str] = []

    def record(request: Request) -> None:
        if "/static/" not in request.url:
            requests.append(request.url)

    page.on("request", record)
    page.locator("[data-balance]").press("End")
    after = page.locator(".card h2 a").all_inner_texts()
    assert after != before
    assert sorted(after) == sorted(before)
    assert requests == []
    shown = card_titles(page)
    page.locator(".card h2 a").first.click()
    page.wait_for_selector(".film")
    page.go_back()
    page.wait_for_selector("[data-balance]")
    assert page.locator("[data-balance]").input_value() == "100"
    assert card_titles(page) == shown
    page.reload()
    assert card_titles(page) == shown


def test_filters_and_more_films_are_kept_in_the_address(page: Page) -> None:
    page.goto("/")
    page.click("summary:has-text('Genres')")
    page.check("[name=genre][value=Horror]")
    page.check("[name=genre][value=Comedy]")
    page.click("summary:has-text('Without')")
    page.check("[name=without][value=Romance]")
    assert page.locator("summary b").all_inner_texts() == ["2", "1"]
    page.wait_for_function(
        "() => [...document.querySelectorAll('.card:not([hidden]) .genres')].every("
        "g => /Horror|Comedy/.test(g.textContent) && !g.textContent.includes('Romance'))"
    )
    page.click("text=Show more")
    page.wait_for_function("() => document.querySelectorAll('.card:not([hidden])').length === 20")
    shown = card_titles(page)
    page.reload()
    assert card_titles(page) == shown
    assert page.locator("[name=genre]:checked").count() == 2
    page.goto("/?decade=1870&genre=Nonsense")
    assert "No such genre or decade: Nonsense, 1870" in page.locator(".notice").inner_text()


def test_searches_are_kept_in_the_address(page: Page) -> None:
    page.goto("/rate")
    page.fill("input[name=query]", "godfathr")
    page.wait_for_function(
        "() => document.querySelector('.tile .title').textContent.includes('Godfather')"
    )
    page.reload()
    assert page.locator("input[name=query]").input_value() == "godfathr"
    assert "Godfather" in page.locator(".tile .title").first.inner_text()
    page.locator(".tile [data-list=watchlist]").first.click()
    wait_for_status(page, f"Saved {title_of(page, 0)} for later")
    page.reload()
    assert page.locator(".tile [data-list=watchlist]").first.inner_text() == "Saved for later"


def test_films_are_saved_ranked_pasted_and_marked_as_seen(page: Page) -> None:
    page.goto("/")
    first = page.locator(".card").first
    title = first.get_attribute("data-title")
    first.locator("[data-list=watchlist]").click()
    wait_for_status(page, f"Saved {title} for later")
    page.goto("/watchlist")
    assert card_titles(page) == [title]
    page.fill("textarea", "The Matrix (1999)\nNo such film")
    page.click("text=Add to the watchlist")
    wait_for_status(page, "1 found, 1 new on your watchlist; not found: No such film")
    page.wait_for_function("() => document.querySelectorAll('.card').length === 2")
    page.locator(f".card[data-title='{title}'] [data-list=seen]").click()
    wait_for_status(page, f"Marked {title} as seen; it is not recommended again")
    page.wait_for_function("() => document.querySelectorAll('.card').length === 1")
    page.click("#undo")
    page.wait_for_function("() => document.querySelectorAll('.card').length === 2")
    page.locator(".card [data-list=watchlist]").first.click()
    page.wait_for_function("() => document.querySelectorAll('.card').length === 1")


def test_guests_on_one_device_get_a_list_together(page: Page) -> None:
    page.goto("/together")
    page.fill("input[name=name]", "Ben")
    page.click("text=Add a guest")
    page.wait_for_selector("h2:has-text('Ben, rate what you have seen')")
    page.wait_for_selector("#guest-grid .stars")
    click_stars(page, 0, 4.5)
    wait_for_status(page, f"Ben rated {title_of(page, 0)} 4.5")
    rated = title_of(page, 0)
    page.click("text=Done")
    page.wait_for_selector("#group .card")
    people = page.locator(".group-people").first.inner_text()
    assert people.startswith("You ")
    assert "Ben " in people
    titles = page.locator("#group h3 a").all_inner_texts()
    assert rated not in titles
    assert page.locator("#group .poster > span").all_inner_texts() == titles
    page.check("[name=how][value=mean]")
    page.reload()
    page.wait_for_selector("#group .card")
    page.goto("/me/ratings")
    assert "You have not rated any film yet" in page.locator("#rated").inner_text()
    page.goto("/together")
    page.click("text=Remove")
    page.wait_for_function("() => document.getElementById('together').hidden")


def test_a_lost_session_and_a_stopped_server_show_plain_messages(page: Page) -> None:
    page.goto("/rate")
    click_stars(page, 0, 4)
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")
    page.context.clear_cookies()
    click_stars(page, 1, 3)
    wait_for_status(page, "Not saved: Your session has ended. Reload the page, or sign in again")
    assert page.locator(".stars output").nth(1).inner_text() == "–"
    page.context.set_offline(True)
    click_stars(page, 1, 3)
    wait_for_status(page, "Not saved: The server does not respond; try again in a moment")
    page.fill("input[name=query]", "matrix")
    wait_for_status(page, "The server does not respond; try again in a moment")
    page.context.set_offline(False)


def test_an_unknown_address_shows_a_page(page: Page) -> None:
    page.goto("/nothing")
    assert page.locator("h1").inner_text() == "Page not found"
    page.click("main >> text=For you")
    assert page.locator(".card").count() > 8


def test_a_guests_ratings_are_kept_by_signing_up_out_and_in(page: Page) -> None:
    page.goto("/rate")
    click_stars(page, 0, 4)
    wait_for_status(page, f"Rated {title_of(page, 0)} 4")
    page.goto("/me/account")
    send_account(page, "ann", "short but long", "Sign up")
    page.wait_for_selector("h1:has-text('ann')")
    page.click("text=Sign out")
    page.wait_for_selector(".who a:has-text('Sign in')")
    page.goto("/sign-in")
    send_account(page, "ann", "not the password", "Sign in")
    page.wait_for_selector("text=do not belong together")
    page.fill("input[name=password]", "short but long")
    page.click("main button:has-text('Sign in')")
    page.wait_for_selector(".who .name:has-text('ann')")
    page.goto("/me/ratings")
    assert page.locator("#rated .tile").count() == 1
    page.goto("/me/account")
    assert "You administer this server" in page.locator(".notice").inner_text()
    page.fill("input[name=old]", "short but long")
    page.fill("input[name=new]", "long and not short")
    page.click("text=Change password")
    wait_for_status(page, "Password changed; all other sessions and all API tokens have ended")
    page.goto("/model")
    assert page.locator("[data-rollback]").count() == 0
    ratings = page.locator(".facts").inner_text().split("\n")[3]
    page.click("[data-update]")
    assert page.locator("[data-update]").is_disabled()
    page.wait_for_function(
        "ratings => document.querySelector('.facts').innerText.split('\\n')[3] !== ratings",
        arg=ratings,
    )
    assert "given here" in page.locator("#decision").inner_text()
    assert page.locator("[data-update]").is_enabled()
    page.set_viewport_size({"width": 390, "height": 800})
    assert width_of(page) <= 390
    page.set_viewport_size({"width": 768, "height": 800})
    last, user = page.locator(".top nav a").last.bounding_box(), page.locator(".who").bounding_box()
    assert last is not None
    assert user is not None
    assert last["x"] + last["width"] <= user["x"] or last["y"] >= user["y"] + user["height"]


def test_a_letterboxd_zip_is_imported(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "letterboxd.zip"
    file.write_bytes(zipped(**{"ratings.csv": LETTERBOXD}))
    page.goto("/me/data")
    page.set_input_files("input[type=file]", file)
    page.click("button:has-text('Import')")
    page.wait_for_selector("#report >> text=2 matched (2 new or changed)")
    page.goto("/me/ratings")
    assert "The Matrix" in page.locator("#rated").inner_text()


def test_a_film_is_rated_by_keyboard(page: Page) -> None:
    page.goto("/rate")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.stars input')"):
            break
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_status(page, f"Rated {title_of(page, 0)} 3.5")
    page.keyboard.press("Delete")
    wait_for_status(page, f"Deleted your rating of {title_of(page, 0)}")


def test_wide_screens_show_the_prediction_its_reasons_and_similar_films_at_once(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/film/318")
    histogram = page.locator(".forecast").bounding_box()
    reasons = page.get_by_role("heading", name="Why").bounding_box()
    similar = page.get_by_role("heading", name="Similar films").bounding_box()
    assert histogram
    assert reasons
    assert similar
    assert reasons["x"] > histogram["x"] + histogram["width"]
    assert reasons["y"] < histogram["y"] + histogram["height"]
    assert similar["y"] < 900
    page.set_viewport_size({"width": 800, "height": 900})
    below = page.get_by_role("heading", name="Why").bounding_box()
    assert below
    assert below["x"] < reasons["x"]


def test_a_dismissed_film_leaves_the_ranking_until_it_is_shown_again(page: Page) -> None:
    page.goto("/")
    card = page.locator(".card").first
    first, title = card.get_attribute("data-movie"), card.get_attribute("data-title")
    card.locator("[data-list=dismissed]").click()
    wait_for_status(page, f"{title} is not recommended again")
    page.wait_for_function("m => !document.querySelector(`.card[data-movie='${m}']`)", arg=first)
    page.goto("/me/ratings")
    page.click("[data-remove=dismissed]")
    wait_for_status(page, f"{title} may be recommended again")
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
        page.goto("/me/ratings")
        page.locator(f"[data-remove][data-movie='{movie}']").click()
        page.wait_for_selector("#status:has-text('may be recommended again')")
        film = page.locator(f"#rated [data-movie='{movie}'] .title")
        title = film.inner_text()
        film.click()
        page.wait_for_selector(".film h1")
        assert page.locator("h1").inner_text() == title
        page.locator(".unrate").first.click()
        page.wait_for_selector("#status:has-text('Deleted your rating')")


@pytest.mark.parametrize(("width", "language"), [(320, "de"), (320, "en"), (412, "de")])
def test_nothing_leaves_a_phones_screen_after_rating(
    browser: Browser, server: Server, width: int, language: str
) -> None:
    context = phone(browser, server, width, 700, language=language)
    page = context.new_page()
    page.goto("/rate")
    page.locator(".stars input").first.tap()
    page.wait_for_selector("#status:not(:empty)")
    for path in PATHS:
        page.goto(path)
        assert width_of(page) <= width, path
        assert broken_words(page) == [], path
        current = page.locator(".top nav [aria-current]")
        if current.count():
            nav, link = page.locator(".top nav").bounding_box(), current.bounding_box()
            assert nav is not None
            assert link is not None
            assert link["x"] + link["width"] <= nav["x"] + nav["width"] + 1, path
    page.goto("/")
    slider = page.locator("[data-balance]").bounding_box()
    assert slider is not None
    assert slider["width"] > width / 2
    page.goto("/rate")
    first = page.locator("#first li").first
    for _ in range(2):
        # The five movies that one's ratings move are in view at the top and further down.
        box = first.bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= 700 - box["height"]
        page.mouse.wheel(0, 900)
        page.wait_for_function("() => scrollY > 300")
    page.goto("/model")
    heights = page.locator(".facts dd").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert max(heights) < 2 * min(heights)
    page.goto("/me/ratings")
    tile, delete = (
        page.locator("#rated .tile").bounding_box(),
        page.locator(".unrate").bounding_box(),
    )
    assert tile is not None
    assert delete is not None
    assert delete["x"] + delete["width"] <= tile["x"] + tile["width"] + 1
    context.close()


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "de")])
def test_pages_are_accessible_and_fit_a_phone(
    browser: Browser, server: Server, scheme: Literal["light", "dark"], language: str
) -> None:
    context = phone(browser, server, 390, 844, scheme, language)
    page = context.new_page()
    page.goto("/rate")
    page.locator(".stars input").first.tap()
    page.wait_for_function("() => document.getElementById('status').textContent !== ''")
    for path in PATHS:
        page.goto(path)
        assert width_of(page) <= 390, path
        assert violations(page) == [], path
    context.close()


def test_the_ranking_is_readable_without_scripts(browser: Browser, server: Server) -> None:
    context = browser.new_context(base_url=server.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?genre=Comedy")
    assert page.locator(".card:visible").count() == 8
    page.click("text=Show more")
    assert page.locator(".card:visible").count() == 20
    context.close()
