"""Parsing of titles and genres as GroupLens writes them: `Usual Suspects, The (1995)`."""

import re
from typing import Final

from foreseen.data.text import clean_text

# The year is in the last parentheses; TV series have a closed or open range there.
_YEAR: Final = re.compile(
    r"^(?P<title>.*?)\s*\((?P<year>(?:18|19|20)\d{2})(?:\s*[-–—]\s*(?:\d{2,4})?)?\)$"
)
_NO_GENRES: Final = "(no genres listed)"
_OLD_NAMES: Final = {"Children's": "Children"}


def split_title(text: str) -> tuple[str, int | None]:
    """Return the title without its year, and the release year or None.

    Only a year in the last parentheses counts: `Babylon 5` and `1984` have none, `2001: A Space
    Odyssey (1968)` has 1968. Of a range the first year is returned.
    """
    text = clean_text(text)
    match = _YEAR.match(text)
    if match is None or not match["title"]:
        return text, None
    return match["title"], int(match["year"])


def split_genres(text: str) -> list[str]:
    """Return the distinct genres of a `|`-separated list, in its order."""
    # pandas writes a list as "['Action', 'Crime']".
    separated = re.sub(r"', '", "|", text[2:-2]) if re.fullmatch(r"\['.*'\]", text) else text
    names = (clean_text(name) for name in separated.split("|"))
    known = (_OLD_NAMES.get(name, name) for name in names if name and name.lower() != _NO_GENRES)
    return [name for name in dict.fromkeys(known) if name != "unknown"]
