"""The languages of the pages: which one a request gets, translations, dates and numbers.

English texts stand in the code; `locales` has a catalogue of gettext for each other language.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_percent
from babel.support import Translations
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from foreseen.features.user_statistics import DECADES, FIRST_DECADE
from foreseen.messages import Day, Figure, Message, Series, with_parts

LOCALES: Final = Path(__file__).parent / "locales"
"""The folder of the catalogues: `de/LC_MESSAGES/messages.po`."""
SOURCE: Final = "en"
"""The language of the texts in the code."""
COOKIE: Final = "foreseen_language"
PARAMETER: Final = "lang"
"""The parameter of an address that chooses a language."""
VARY: Final = "Accept-Language, Cookie"
_FORMATS: Final = {"en": "en-GB"}
"""Locales of dates and numbers, where they are not those of the language."""
_SCRIPTS: Final = ".js"
_MOST_PREFERENCES: Final = 20


@cache
def language_codes() -> tuple[str, ...]:
    """Return the codes of the languages, English first."""
    return (SOURCE, *sorted(file.parts[-3] for file in LOCALES.glob("*/LC_MESSAGES/messages.po")))


def catalogue_file(code: str) -> Path:
    """Return the path of the catalogue of a language."""
    return LOCALES / code / "LC_MESSAGES" / "messages.po"


class Language:
    """A language of the pages.

    Attributes:
        code: Such as "de".
        name: In the language itself.
    """

    def __init__(self, code: str) -> None:
        """Read the catalogue of a language, one of `language_codes`."""
        self.code = code
        locale = Locale.parse(code, sep="-")
        self.name = str(locale.get_display_name()).capitalize()
        self._locale = Locale.parse(_FORMATS.get(code, code), sep="-")
        self.catalogue = _read_catalogue(code, locale)
        compiled = BytesIO()
        write_mo(compiled, self.catalogue)
        compiled.seek(0)
        self.translations = Translations(compiled)
        symbols = self._locale.number_symbols["latn"]
        self._symbols = str.maketrans({",": symbols["group"], ".": symbols["decimal"]})

    def gettext(self, text: str, **values: object) -> str:
        """Return the translation of a text with values inserted for its placeholders."""
        return self.translations.gettext(text) % values

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the translation of a text in the singular or plural of `%(count)s`."""
        text = self.translations.ngettext(one, many, count)
        return text % {"count": self.number(count), **values}

    def translate(self, text: str) -> str:
        """Return the translation of a message; another text is returned unchanged."""
        if not isinstance(text, Message):
            return text
        values = {name: self._value(value) for name, value in text.values.items()}
        return self.gettext(text.template, **values)

    def stored(self, text: str, parts: object) -> str:
        """Return the translation of a text that was stored with its parts."""
        return self.translate(with_parts(text, parts))

    def _value(self, value: object) -> object:
        """Return a value of a message in the form of the language."""
        match value:
            case str():
                return self.translate(value)
            case Day(second):
                return self.short_date(second)
            case Figure(number, digits, "percent"):
                return self.percent(number, digits)
            case Figure(number, digits, "signed"):
                return self.signed(number, digits)
            case Figure(number, digits):
                return self.number(number, digits)
            case Series(texts):
                return "; ".join(map(self.translate, texts))
            case _:
                return value

    def genre(self, name: str) -> str:
        """Return the translation of a genre; an unknown one is returned unchanged."""
        return self.translations.gettext(name) if name in GENRES else name

    def decade(self, first: int) -> str:
        """Return the name of a decade by its first year: `1990s`."""
        return self.gettext("%(year)ss", year=first)

    def release_decade(self, number: int) -> str:
        """Return the name of a release decade by its number, see `release_decades`."""
        first = FIRST_DECADE + 10 * number
        if number == 0:
            return self.gettext("%(year)ss or before", year=first)
        if number == DECADES - 1:
            return self.gettext("%(year)ss or later", year=first)
        return self.decade(first)

    def number(self, value: float, digits: int | None = None) -> str:
        """Return a number with a number of decimals, without one with those that it has."""
        text = f"{value:,}" if isinstance(value, int) else f"{value:g}"
        return (text if digits is None else f"{value:,.{digits}f}").translate(self._symbols)

    def signed(self, value: float, digits: int) -> str:
        """Return a number with its sign."""
        return f"{value:+,.{digits}f}".translate(self._symbols)

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share in percent with a number of decimals."""
        pattern = self._locale.percent_formats[None].pattern
        if digits:
            pattern = pattern.replace("0", f"0.{'0' * digits}")
        return format_percent(share, pattern, locale=self._locale)

    def date(self, second: int) -> str:
        """Return the day of a Unix time, in UTC."""
        return format_date(datetime.fromtimestamp(second, UTC), "long", self._locale)

    def short_date(self, second: int) -> str:
        """Return the day of a Unix time, in UTC, with the month shortened."""
        return format_date(datetime.fromtimestamp(second, UTC), "medium", self._locale)

    def month(self, year: int, month: int) -> str:
        """Return a month with its year."""
        return format_date(datetime(year, month, 1, tzinfo=UTC), "MMM y", self._locale)

    @cached_property
    def script(self) -> str:
        """The script with the texts of the other scripts, see `messages.js`."""
        texts: dict[str, list[str]] = {}
        for entry in self.catalogue:
            if any(file.endswith(_SCRIPTS) for file, _ in entry.locations):
                plural = isinstance(entry.id, (tuple, list))
                key, text = (entry.id[0] if plural else entry.id), entry.string
                texts[str(key)] = [*text] if isinstance(text, (tuple, list)) else [str(text)]
        genres = {name: self.genre(name) for name in GENRES}
        return (
            f'"use strict";\n\nconst TRANSLATIONS = {_as_script(texts)};\n'
            f"const GENRES = {_as_script(genres)};\n"
            f"const pluralForm = (n) => Number({self.catalogue.plural_expr});\n"
        )

    @cached_property
    def script_path(self) -> str:
        """The path of the script, with a digest, so that browsers may keep it."""
        return f"/messages/{self.code}.js?{hashlib.sha256(self.script.encode()).hexdigest()[:12]}"


GENRES: Final = (
    Message("Action"),
    Message("Adventure"),
    Message("Animation"),
    Message("Children"),
    Message("Children's"),
    Message("Comedy"),
    Message("Crime"),
    Message("Documentary"),
    Message("Drama"),
    Message("Fantasy"),
    Message("Film-Noir"),
    Message("Horror"),
    Message("IMAX"),
    Message("Musical"),
    Message("Mystery"),
    Message("Romance"),
    Message("Sci-Fi"),
    Message("Thriller"),
    Message("War"),
    Message("Western"),
    Message("(no genres listed)"),
    Message("unknown"),
)
"""Genres of the data sets of MovieLens."""


def _as_script(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _read_catalogue(code: str, locale: Locale) -> Catalog:
    if code == SOURCE:
        return Catalog(locale)
    with catalogue_file(code).open("rb") as file:
        return read_po(file, locale)


@cache
def language(code: str) -> Language:
    """Return a language, one of `language_codes`."""
    return Language(code)


def language_of(scope: Scope) -> Language:
    """Return the language of a request.

    It is chosen by the address, else by the cookie, else by the header Accept-Language.
    """
    if (asked := asked_language(scope)) is not None:
        return language(asked)
    headers = Headers(scope=scope)
    kept = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    if kept in language_codes():
        return language(kept)
    accepted = list(_accepted(headers.get("accept-language", "")))
    return language(_negotiate(accepted))


def asked_language(scope: Scope) -> str | None:
    """Return the language that the address of a request chooses; None without one."""
    query = scope.get("query_string", b"").decode("latin-1")
    asked = parse_qs(query).get(PARAMETER, [""])[-1] if PARAMETER in query else ""
    return asked if asked in language_codes() else None


def _negotiate(accepted: list[str]) -> str:
    available = {code.lower(): code for code in language_codes()}
    for name in accepted:
        for candidate in (name, name.partition("-")[0]):
            if candidate in available:
                return available[candidate]
    return SOURCE


def _accepted(header: str) -> Iterator[str]:
    """Yield the languages of a header Accept-Language in lower case, the preferred first."""
    preferences: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_PREFERENCES]:
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.partition("=")[2]) if weight else 1.0
        except ValueError:
            continue
        if 0 < quality <= 1:
            preferences.append((-quality, name.strip().lower()))
    for _, name in sorted(preferences, key=lambda preference: preference[0]):
        yield name


def address_in(code: str, path: str, query: Mapping[str, list[str]]) -> str:
    """Return the address of a page in a language."""
    kept = {name: values for name, values in query.items() if name not in {PARAMETER, "part"}}
    return f"{path}?{urlencode({**kept, PARAMETER: code}, doseq=True)}"
