"""The HTML templates, and the functions that they use."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foreseen.messages import Message
from foreseen.serving.covers import cover
from foreseen.serving.languages import Language, address_in, language, language_codes
from foreseen.serving.paths import path_segment

WEB: Final = Path(__file__).parent / "web"
"""The folder of the templates and the static files."""


class NavigationItem(NamedTuple):
    """A link of the navigation."""

    path: str
    label: Message
    admins_only: bool = False


NAVIGATION: Final = (
    NavigationItem("/", Message("For you")),
    NavigationItem("/rate", Message("Rate")),
    NavigationItem("/watchlist", Message("Watchlist")),
    NavigationItem("/together", Message("Together")),
    NavigationItem("/me", Message("Me")),
    NavigationItem("/model", Message("Model"), admins_only=True),
)


def _static_version() -> str:
    """Return a digest of the static files, for URLs that browsers may cache."""
    files = sorted((WEB / "static").iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


STATIC_VERSION: Final = _static_version()
SHORTCUTS: Final = (
    ("?", Message("Show these shortcuts")),
    ("/", Message("Search titles")),
    ("f", Message("For you")),
    ("r", Message("Rate")),
    ("w", Message("Watchlist")),
    ("t", Message("Together")),
    ("m", Message("Me")),
    ("j", Message("Next film")),
    ("k", Message("Previous film")),
    ("s", Message("Save the film for later")),
    ("z", Message("Undo")),
)
"""Keys and effects, see `shortcuts.js`."""


@cache
def environment(code: str) -> Environment:
    """Return the templates in a language."""
    chosen = language(code)
    environment = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    translations = chosen.translations
    # A method that the extension adds.
    environment.install_gettext_translations(translations, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    environment.filters["translate_genre"] = chosen.genre  # pyright: ignore[reportUnknownMemberType]
    return environment


@cache
def _globals(code: str) -> dict[str, object]:
    """Return what all templates use in a language."""
    chosen = language(code)
    return {
        "language": chosen,
        "languages": [language(other) for other in language_codes()],
        "address_in": address_in,
        "navigation": NAVIGATION,
        "static_version": STATIC_VERSION,
        "shortcuts": SHORTCUTS,
        "translate": chosen.translate,
        "stored": chosen.stored,
        "date": chosen.date,
        "short_date": chosen.short_date,
        "number": chosen.number,
        "signed": chosen.signed,
        "percent": chosen.percent,
        "cover": cover,
        "segment": path_segment,
    }


def render_template(name: str, chosen: Language, /, **variables: object) -> str:
    """Return the HTML of a template in a language, with variables."""
    template = environment(chosen.code).get_template(name, globals=_globals(chosen.code))
    return template.render(**variables)
