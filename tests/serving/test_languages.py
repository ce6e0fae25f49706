"""The languages of the pages: choice, catalogues, and that no text is left out."""

import re
import runpy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from fastapi.testclient import TestClient
from hatchling.builders.wheel import WheelBuilder
from jinja2 import nodes
from tests.serving.api.calls import open_account

from foreseen.data.rating_scale import RatingScale
from foreseen.drift import finding_text
from foreseen.drift.default_streams import stream_specs
from foreseen.drift.stream_spec import KIND_LABELS
from foreseen.messages import Message
from foreseen.serving.languages import (
    COOKIE,
    SOURCE,
    catalogue_file,
    language,
    language_codes,
    language_of,
)
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.templates import WEB, environment

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
SCRIPTS = sorted((WEB / "static").glob("*.js"))
ENGLISH_PAGES = {"reference.html"}
SAME_EVERYWHERE = {"API", "Foreseen", "Heat (1995)\nThe Third Man",
                   "title=film,year=released,rating=score,date=seen"}  # fmt: skip
NAMES_OF_SCRIPTS = {"foreseen own lists", "foreseen shortcuts off", "Enter", "Delete", "Backspace"}
TEXT_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "data-on", "data-off",
                   "data-question", "data-unit"}  # fmt: skip
PATHS = ("/", "/rate", "/rate?query=zzzz", "/top", "/film/318", "/film/50", "/me", "/me/ratings",
         "/me/data", "/me/account", "/watchlist", "/together", "/model", "/sign-in", "/sign-up",
         "/offline", "/nothing", "/?balance=900", "/film/99999999",
         "/?genre=Comedy&decade=1990")  # fmt: skip
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
OTHERS = [code for code in language_codes() if code != SOURCE]


def forms(text: object) -> list[str]:
    """Return a text, or the forms of its singular and plural."""
    return [str(form) for form in text] if isinstance(text, (tuple, list)) else [str(text)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def scope(query: str = "", cookie: str = "", accepted: str = "") -> dict[str, Any]:
    headers = [(b"accept-language", accepted.encode())] if accepted else []
    headers += [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    return {"type": "http", "query_string": query.encode(), "headers": headers}


@pytest.mark.parametrize(
    ("request_scope", "code"),
    [
        (scope(), "en"),
        (scope(accepted="de"), "de"),
        (scope(accepted="de-AT,en;q=0.5"), "de"),
        (scope(accepted="en;q=0.5, de;q=0.9"), "de"),
        (scope(accepted="fr, *;q=0.1"), "en"),
        (scope(accepted="de;q=0, en"), "en"),
        (scope(accepted="de;q=x, ,;;="), "en"),
        (scope(cookie="de", accepted="en"), "de"),
        (scope(cookie="xx", accepted="de"), "de"),
        (scope("lang=en", cookie="de"), "en"),
        (scope("genre=Comedy&lang=de"), "de"),
        (scope("lang=../de", accepted="de"), "de"),
    ],
)
def test_the_address_then_the_cookie_then_the_browser_choose_the_language(
    request_scope: dict[str, Any], code: str
) -> None:
    assert language_of(request_scope).code == code


def test_german_has_its_plurals_numbers_and_dates() -> None:
    german, english = language("de"), language("en")
    assert (german.name, english.name) == ("Deutsch", "English")
    ratings = "%(count)s rating", "%(count)s ratings"
    assert german.ngettext(*ratings, 1) == "1 Bewertung"
    assert german.ngettext(*ratings, 1234) == "1.234 Bewertungen"
    assert english.ngettext(*ratings, 1234) == "1,234 ratings"
    assert (german.number(4.5), german.number(4, 1), german.signed(-0.254, 2)) == (
        "4,5",
        "4,0",
        "-0,25",
    )
    assert (german.date(0), english.date(0)) == ("1. Januar 1970", "1 January 1970")
    assert german.translate(Message("you have no group %(group)s", group=3)) == (
        "du hast keine Gruppe 3"
    )
    assert german.genre("Sci-Fi") == "Science-Fiction"
    assert german.genre("100 % new") == "100 % new"


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_has_a_translation_with_the_same_placeholders_and_tags(code: str) -> None:
    extracted: Catalog = runpy.run_path(str(ROOT / "scripts" / "update_messages.py"))["extract"]()
    catalogue = language(code).catalogue
    texts = sorted(forms(entry.id) for entry in extracted if entry.id)
    assert sorted(forms(entry.id) for entry in catalogue if entry.id) == texts, "run: make messages"
    parts = re.compile(r"%\(\w+\)s|<[^>]*>|%.")
    for entry in catalogue:
        for number, translated in enumerate(forms(entry.string) if entry.id else ()):
            text = forms(entry.id)[min(number, 1) if len(forms(entry.id)) > 1 else 0]
            assert translated, f"no translation: {text}"
            assert sorted(parts.findall(translated)) == sorted(parts.findall(text)), text
            assert '"' not in re.sub(r"<[^>]*>", "", translated), "quotes end an attribute"


class _Texts(HTMLParser):
    """Collects the texts of a page that people read or hear, but those in lang="en"."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        is_other = tag in {"script", "style"} or (names.get("lang") or "") in language_codes()
        if tag == "html":
            is_other = False
        if tag not in {"meta", "link", "input", "br", "img", "use", "path", "rect", "line", "col"}:
            self._open.append(is_other)
        if not any(self._open) and not is_other:
            self.texts += [value for name, value in attrs if name in TEXT_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open) and data.strip():
            self.texts.append(data.strip())


def texts_of(html: str) -> list[str]:
    parser = _Texts()
    # Elements without content, as in pictures, have no end tag.
    parser.feed(re.sub(r"<(\w+)([^<>]*)/>", r"<\1\2></\1>", html))
    return parser.texts


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_have_no_text_outside_of_translations(file: Path) -> None:
    if file.name in ENGLISH_PAGES:
        return
    parsed = environment(SOURCE).parse(file.read_text(encoding="utf-8"))
    bare = "".join(
        node.data if isinstance(node, nodes.TemplateData) else "\N{BULLET}"
        for output in parsed.find_all(nodes.Output)
        for node in output.nodes
    )
    found = [text for text in texts_of(bare) if re.search(r"[A-Za-z]", text)]
    assert [text for text in found if text.strip(" ·\N{BULLET}") not in SAME_EVERYWHERE] == []
    translated = {
        id(argument)
        for call in parsed.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext", "ngettext"}
        for argument in call.args
    }
    literals = [
        node.value
        for node in parsed.find_all(nodes.Const)
        if isinstance(node.value, str) and id(node) not in translated
    ]
    found = [text for text in literals if re.match(r"[A-Z][a-z]+\b|[a-z]+ [a-z]+", text)]
    assert set(found) <= SAME_EVERYWHERE


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_scripts_have_no_text_outside_of_translations(file: Path) -> None:
    script = re.sub(r"^\s*//.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    script = re.sub(r"n?gettext\(\s*\"[^\"]*\"(,\s*\"[^\"]*\")?", "", script)
    literals = [text for _, text in re.findall(r"([\"`])((?:(?!\1).)*)\1", script)]
    # A sentence, or a word with a capital, alone or beside a value.
    texts = [
        text
        for text in literals
        if re.match(r"[A-Z][a-z]+( |$)|(\$\{\S+\} )?[a-z]+ [a-z]+ \S", text)
    ]
    assert [text for text in texts if text not in NAMES_OF_SCRIPTS] == []


@pytest.mark.parametrize("code", OTHERS)
def test_no_page_shows_an_english_text_in_another_language(client: TestClient, code: str) -> None:
    headers = open_account(client, "ann")
    for movie, rating in ((318, 5), (50, 4), (296, 4.5)):
        client.put(f"/api/v1/me/ratings/{movie}", json={"rating": rating}, headers=headers)
    client.put("/api/v1/me/watchlist/858", headers=headers)
    client.put("/api/v1/me/seen/1", headers=headers)
    client.post("/api/v1/me/tokens", json={"label": "script"}, headers=headers)
    client.post("/api/v1/me/groups", headers=headers)
    english: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for entry in language(code).catalogue:
        for text in forms(entry.id) if entry.id and entry.string != entry.id else ():
            if "<" in text or text in forms(entry.string):
                continue
            if "%(" not in text:
                english.add(text)
            elif len(re.sub(r"%\(\w+\)s", "", text)) > 8:
                pattern = re.escape(text)
                patterns.append(re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", pattern)))
    for path in PATHS:
        page = client.get(path, headers={"Accept-Language": code, **BROWSER})
        assert page.status_code < 500, path
        assert f'<html lang="{code}">' in page.text or path == "/top"
        shown = texts_of(page.text)
        wrong = [text for text in shown if text in english]
        wrong += [text for text in shown if any(one.fullmatch(text) for one in patterns)]
        assert wrong == [], path


def test_streams_of_drift_are_named_in_german(snapshot: ModelSnapshot) -> None:
    german = language("de")
    scales = (RatingScale(), RatingScale(1, 10, 0.5))
    catalogue = snapshot.model.log.catalogue
    names = {(s.kind, s.label) for scale in scales for s in stream_specs(catalogue, scale)}
    for kind, label in names:
        subject = finding_text.subject(kind, label)
        assert subject == f"{KIND_LABELS[kind]}: {label}"
        values = subject.values.values()
        assert all(
            isinstance(value, Message) and value.template in german.catalogue for value in values
        )
    assert german.translate(finding_text.subject("share", "films of the 1990s")) == (
        "Anteil an den Bewertungen: Filme der 1990er"
    )
    title = finding_text.subject("movie", "Drama at 100 %")
    assert german.translate(title) == "Bewertungen eines Films: Drama at 100 %"
    share = Message("%(share)s", share=finding_text.level(0.125, "share"))
    assert (share, german.translate(share)) == ("12.5%", "12,5\N{NO-BREAK SPACE}%")
    on_scale = finding_text.level(7.5, "on the scale 1 to 10")
    assert on_scale == "7.50 on the scale 1 to 10"
    assert isinstance(on_scale, Message)
    assert german.translate(on_scale) == "7,50 auf der Skala 1 bis 10"


def test_an_address_with_a_language_is_kept_by_a_cookie(client: TestClient) -> None:
    first = client.get("/?genre=Comedy", headers={"Accept-Language": "en-US"})
    assert '<html lang="en">' in first.text
    assert 'href="/?genre=Comedy&amp;lang=de"' in first.text
    assert first.headers["vary"] == "Accept-Language, Cookie"
    assert COOKIE not in client.cookies
    assert '<html lang="de">' in client.get("/?lang=de").text
    assert "httponly" in client.get("/?lang=de").headers["set-cookie"].lower()
    assert '<html lang="de">' in client.get("/rate", headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in client.get("/rate?lang=en").text
    assert client.cookies[COOKIE] == "en"


def test_problems_of_the_api_are_english_unless_another_language_is_preferred(
    client: TestClient,
) -> None:
    english = client.get("/api/v1/movies/99999999")
    assert english.json()["detail"] == "the catalogue has no movie 99999999"
    assert english.headers["vary"] == "Accept, Accept-Language, Cookie"
    german = client.get("/api/v1/movies/99999999", headers={"Accept-Language": "de"})
    assert german.json() == {**english.json(), "detail": "der Katalog hat keinen Film 99999999"}
    assert int(german.headers["content-length"]) == len(german.content)
    for body in ({"rating": 77}, {"rating": "x"}):
        headers = open_account(client, f"ann{len(str(body))}") | {"Accept-Language": "de"}
        response = client.put("/api/v1/me/ratings/318", json=body, headers=headers)
        assert response.status_code == 422
        assert re.search(r"^(eine Bewertung liegt|diese Angaben sind)", response.json()["detail"])


def test_the_script_of_texts_is_kept_by_its_version(client: TestClient) -> None:
    path = language("de").script_path
    response = client.get(path)
    assert response.headers["cache-control"].endswith("immutable")
    assert '"Rated %(title)s %(rating)s": [\n  "%(title)s mit %(rating)s bewertet"' in response.text
    assert "Deletes everything" not in response.text
    assert client.get("/messages/de.js").headers["cache-control"] == "no-cache"
    assert client.get("/messages/xx.js").status_code == 404
    assert path in client.get("/service-worker.js", headers={"Accept-Language": "de"}).text
    manifest = client.get("/manifest.webmanifest", headers={"Accept-Language": "de"}).json()
    assert manifest["lang"] == "de"
    assert manifest["shortcuts"][1]["name"] == "Merkliste"


def test_a_wheel_contains_the_catalogues() -> None:
    included = {file.path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {str(catalogue_file(code)) for code in OTHERS} <= included
    assert len(OTHERS) >= 1
