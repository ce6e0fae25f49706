"""Films of a series, told by their titles: `Toy Story 2`, `Harry Potter and the ...`."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OTHER_TITLES: Final = re.compile(r"\s*\(.*")
_SUBTITLE: Final = re.compile(r":|\s[-–—]\s|\sand the\s")
_WORD: Final = re.compile(r"\w+")
_ARTICLES: Final = frozenset({"the", "a", "an"})
_COUNTING: Final = frozenset(
    {"ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"}
    | {"part", "episode", "chapter", "volume", "vol"}
)
_LONGEST_NUMBER: Final = 2
_FEWEST_LETTERS: Final = 4
_MOST_FILMS: Final = 50
"""What more films share is no name: titles may be made up, as `Movie 1` and so on."""


def series_of(titles: Sequence[str | None]) -> NDArray[np.int32]:
    """Number films so that those of a series have the same number, and no others.

    Of a series are films whose titles begin with the same words, up to a number or a subtitle.

    Args:
        titles: Without the year; None where there is none; of shape C.

    Returns:
        Numbers from 0 on, of shape C.
    """
    names = ["" if title is None else _name(title) for title in titles]
    films: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if len(name) >= _FEWEST_LETTERS:
            films.setdefault(name, []).append(row)
    found = np.arange(len(titles), dtype=np.int32)
    for rows in films.values():
        if len(rows) <= _MOST_FILMS:
            found[rows] = rows[0]
    return found


def _name(title: str) -> str:
    main = _SUBTITLE.split(_OTHER_TITLES.sub("", title).casefold())[0]
    words = [word for word in _WORD.findall(main) if word not in _ARTICLES]
    return " ".join([*words[:1], *(word for word in words[1:] if not _counts(word))])


def _counts(word: str) -> bool:
    return word in _COUNTING or (word.isdigit() and len(word) <= _LONGEST_NUMBER)
