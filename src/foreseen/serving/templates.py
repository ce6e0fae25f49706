"""The HTML templates, and the functions that they use."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foreseen.serving.covers import cover
from foreseen.serving.paths import path_segment

WEB: Final = Path(__file__).parent / "web"
"""The folder of the templates and the static files."""


class NavigationItem(NamedTuple):
    """A link of the navigation."""

    path: str
    label: str
    admins_only: bool = False


NAVIGATION: Final = (
    NavigationItem("/", "For you"),
    NavigationItem("/rate", "Rate"),
    NavigationItem("/watchlist", "Watchlist"),
    NavigationItem("/together", "Together"),
    NavigationItem("/me", "Me"),
    NavigationItem("/model", "Model", admins_only=True),
)


def plural(count: int, noun: str) -> str:
    """Return a number with its noun in singular or plural: `1 film`, `2 films`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _static_version() -> str:
    """Return a digest of the static files, for URLs that browsers may cache."""
    files = sorted((WEB / "static").iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _date(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%d %B %Y}".lstrip("0")


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
STATIC_VERSION: Final = _static_version()
SHORTCUTS: Final = (
    ("?", "Show these shortcuts"),
    ("/", "Search titles"),
    ("f", "For you"),
    ("r", "Rate"),
    ("w", "Watchlist"),
    ("t", "Together"),
    ("m", "Me"),
    ("j", "Next film"),
    ("k", "Previous film"),
    ("s", "Save the film for later"),
    ("z", "Undo"),
)
"""Keys and effects, see `shortcuts.js`."""
_GLOBALS: Final[dict[str, object]] = {
    "navigation": NAVIGATION,
    "static_version": STATIC_VERSION,
    "shortcuts": SHORTCUTS,
    "date": _date,
    "cover": cover,
    "plural": plural,
    "segment": path_segment,
}


def render_template(name: str, **variables: object) -> str:
    """Return the HTML of a template with variables."""
    return _ENVIRONMENT.get_template(name, globals=_GLOBALS).render(**variables)
