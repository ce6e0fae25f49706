"""A title as GroupLens writes it, taken apart: `Usual Suspects, The (1995)` and its like."""

import re
from typing import Final

# The year stands in the last parenthesis; a series has a range there, open or closed.
_YEAR: Final = re.compile(
    r"^(?P<title>.*?)\s*\((?P<year>(?:18|19|20)\d{2})(?:\s*[-–—]\s*(?:\d{2,4})?)?\)$"
)
_NO_GENRES: Final = "(no genres listed)"
_OLD_NAMES: Final = {"Children's": "Children"}


def split_title(text: str) -> tuple[str, int | None]:
    """Return the title without its year, and the year of release if the title tells it.

    Only a year in the last parenthesis counts: `Babylon 5` and `1984` have none, `2001: A Space
    Odyssey (1968)` is of 1968, and of a range the first year is taken.
    """
    text = " ".join(text.split())
    match = _YEAR.match(text)
    if match is None or not match["title"]:
        return text, None
    return match["title"], int(match["year"])


def split_genres(text: str) -> list[str]:
    """Return the genres of a `|`-separated list, without repetition, in the list's order."""
    names = (name.strip() for name in text.split("|"))
    known = (_OLD_NAMES.get(name, name) for name in names if name and name.lower() != _NO_GENRES)
    return [name for name in dict.fromkeys(known) if name != "unknown"]
