"""Lists of films in personal exports: which list a file is, by its name and its columns."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from foreseen.data.sources.export_layouts import IMDB, LETTERBOXD, imdb_entry, letterboxd_entry
from foreseen.data.sources.export_tables import TableLayout, table_header
from foreseen.data.sources.personal import Entry, FilmList

_WATCHLIST: Final = re.compile(r"watch[-_ ]?list")
_SEEN: Final = re.compile(r"watched|diary|(?<!un)seen|history|^films\b")
_RATINGS: Final = frozenset({"rating", "rating10"})
_LETTERBOXD_LIST: Final = TableLayout(
    "a list of films of Letterboxd",
    (("name", "title"),),
    letterboxd_entry,
    ("letterboxd uri", "letterboxduri", "watcheddate"),
)


def list_of_name(name: str) -> FilmList | None:
    """Return the list that a file is by its name, such as `watchlist.csv` or `watched.csv`.

    Args:
        name: The name of a file, or of a zip and after a comma a path in it.
    """
    file = _file_name(name)
    if _WATCHLIST.search(file):
        return "watchlist"
    return "seen" if _SEEN.search(file) else None


def is_diary(name: str) -> bool:
    """Return whether a file is a diary: its ratings were given when a film was watched."""
    return "diary" in _file_name(name)


def _file_name(name: str) -> str:
    return re.split(r", |[/\\]", name.lower())[-1]


def read_letterboxd(data: bytes, name: str) -> Iterator[Entry]:
    """Yield the entries of a table of Letterboxd: ratings, a diary, or a list of films."""
    return _letterboxd(data, name).read(data, name)


def is_letterboxd(data: bytes, name: str) -> bool:
    """Return whether a file is recognised as a table of Letterboxd."""
    return _letterboxd(data, name).fits(data, name)


def _letterboxd(data: bytes, name: str) -> TableLayout:
    is_list = _RATINGS.isdisjoint(table_header(data, name)[2]) and _LETTERBOXD_LIST.fits(data, name)
    layout = _LETTERBOXD_LIST if is_list else LETTERBOXD
    return replace(layout, convert=partial(letterboxd_entry, film_list=list_of_name(name)))


def read_imdb(data: bytes, name: str) -> Iterator[Entry]:
    """Yield the entries of IMDb's ratings, or of its watchlist."""
    layout = replace(IMDB, convert=partial(imdb_entry, film_list=list_of_name(name)))
    return layout.read(data, name)
