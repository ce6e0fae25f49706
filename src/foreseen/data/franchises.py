"""Film franchises, recognised by titles: `Toy Story 2`, `Harry Potter and the ...`."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OTHER_TITLES: Final = re.compile(r"\s*\(.*")
_SUBTITLE: Final = re.compile(r":|\s[-–—]\s|\sand the\s")
_WORD: Final = re.compile(r"\w+")
_ARTICLES: Final = frozenset({"the", "a", "an"})
_NUMERALS: Final = frozenset(
    {"ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"}
    | {"part", "episode", "chapter", "volume", "vol"}
)
_MAX_DIGITS: Final = 2
_MIN_LETTERS: Final = 4
_MAX_FILMS: Final = 50
"""A name shared by more films is not a franchise: generated titles such as `Movie 1`."""


def franchises_of(titles: Sequence[str | None]) -> NDArray[np.int32]:
    """Return a franchise number for each film; films of one franchise share their number.

    Films belong to one franchise if their titles begin with the same words, up to a number or a
    subtitle. A film without a franchise has a number of its own.

    Args:
        titles: Titles without the year, None where unknown; of shape C.

    Returns:
        Numbers from 0 on, of shape C.
    """
    names = ["" if title is None else _name(title) for title in titles]
    films: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if len(name) >= _MIN_LETTERS:
            films.setdefault(name, []).append(row)
    franchises = np.arange(len(titles), dtype=np.int32)
    for rows in films.values():
        if len(rows) <= _MAX_FILMS:
            franchises[rows] = rows[0]
    return franchises


def _name(title: str) -> str:
    main = _SUBTITLE.split(_OTHER_TITLES.sub("", title).casefold())[0]
    words = [word for word in _WORD.findall(main) if word not in _ARTICLES]
    return " ".join([*words[:1], *(word for word in words[1:] if not _is_number(word))])


def _is_number(word: str) -> bool:
    return word in _NUMERALS or (word.isdigit() and len(word) <= _MAX_DIGITS)
