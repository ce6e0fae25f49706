"""Drawn covers: a ground and a mark by genre, and a title that is set without breaking a word."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from foreseen.data.encoding import Id

MARKS: Final = (
    "film-noir",
    "western",
    "musical",
    "documentary",
    "animation",
    "horror",
    "sci-fi",
    "war",
    "fantasy",
    "mystery",
    "children",
    "romance",
    "crime",
    "adventure",
    "comedy",
    "thriller",
    "action",
    "drama",
)
"""Genres with a mark, in `marks.svg`, and a ground, in `covers.css`; the most specific first."""
_VARIANTS: Final = 4
"""Positions of a mark, among which movies of a genre are distributed."""
_NARROWEST, _WIDEST = 8, 30
"""Bounds of the letters of a line, by which the size of a title is chosen."""
_LINES_PER_LETTER: Final = 0.6
"""A title set in lines of n letters may have this number of lines times n."""
_NARROW: Final = frozenset("fijlrtI.,:;'’!|()[]- ")
_WIDE: Final = frozenset("mwMW@&%")


@dataclass(frozen=True)
class Cover:
    """What the cover of a movie is drawn with.

    Attributes:
        mark: One of `MARKS`.
        variant: Position of the mark, from 0 to 3.
        letters: Letters of average width that fit into a line of the title, from 8 to 30.
    """

    mark: str
    variant: int
    letters: int


def cover(movie: Id, title: str, genres: Sequence[str]) -> Cover:
    """Return the cover of a movie by its id, title and genres."""
    names = {genre.lower() for genre in genres}
    known = [mark for mark in MARKS if mark in names]
    other = genres[0] if genres else ""
    mark = known[0] if known else MARKS[_digest(other) % len(MARKS)]
    return Cover(mark, _digest(str(movie)) % _VARIANTS, letters_per_line(title))


def letters_per_line(title: str) -> int:
    """Return the fewest letters per line with which a title fits, its longest word included."""
    widths = [_width(word) for word in title.replace("-", "- ").split()]
    for letters in range(_NARROWEST, _WIDEST):
        lines = _lines(widths, letters)
        if max(widths, default=0.0) <= letters and lines <= _LINES_PER_LETTER * letters:
            return letters
    return _WIDEST


def _lines(widths: Sequence[float], letters: int) -> int:
    lines, used = 1, 0.0
    for width in widths:
        if used and used + width > letters:
            lines, used = lines + 1, 0.0
        used += width + _width(" ")
    return lines


def _width(text: str) -> float:
    """Return an estimate of the width of a text, in letters of average width."""
    return sum(
        0.6 if letter in _NARROW else 1.5 if letter in _WIDE else 1.25 if letter.isupper() else 1.0
        for letter in text
    )


def _digest(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
