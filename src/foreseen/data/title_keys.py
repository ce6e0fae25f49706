"""Titles in a form in which those of several services are equal."""

import re
import unicodedata
from typing import Final

_ARTICLES: Final = (
    *("the", "a", "an", "le", "la", "les", "l", "un", "une", "des", "el", "los", "las", "lo"),
    *("uno", "una", "il", "i", "gli", "der", "die", "das", "ein", "eine", "den", "det", "en"),
    *("ett", "de", "het", "een", "o", "os", "um", "uma"),
)
_TRAILING_ARTICLE: Final = re.compile(
    rf"^(?P<rest>.+), (?P<article>{'|'.join(_ARTICLES)})'?$", re.IGNORECASE
)
_PARENTHESES: Final = re.compile(r"\(([^()]*)\)")
_ALIAS: Final = re.compile(r"^a\.?k\.?a\.?\s*", re.IGNORECASE)
_SUBTITLE: Final = re.compile(r" ?: ?| [-–—] ")
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d"})
KEY_SETS: Final = 3
"""Number of sets that `title_keys` returns."""


def title_keys(title: str) -> tuple[set[str], set[str], set[str]]:
    """Return three sets of normalised keys for a title, the strictest first.

    1. the whole title, with and without its parentheses;
    2. title and alternative titles, each without its article;
    3. these, and the parts before and after a subtitle's separator.
    """
    main = _PARENTHESES.sub("", title).strip()
    others = [_ALIAS.sub("", other).strip() for other in _PARENTHESES.findall(title)]
    full = {normalise_title(name) for name in (title, main)}
    names = [main, *others]
    without_articles = {_without_article(normalise_title(name)) for name in names}
    parts = [_SUBTITLE.split(article_first(name)) for name in names]
    subtitles = {
        _without_article(normalise_title(part))
        for split in parts
        if len(split) > 1
        for part in split
    }
    empty = {""}
    return full - empty, without_articles - empty, (subtitles | without_articles) - empty


def article_first(name: str) -> str:
    """Return a title with a trailing article moved to the front: `Matrix, The` to `The Matrix`."""
    match = _TRAILING_ARTICLE.match(name)
    return f"{match['article']} {match['rest']}" if match else name


def normalise_title(name: str) -> str:
    """Return a title's words in lower case without accents or punctuation, separated by spaces."""
    folded = article_first(name).casefold().replace("&", " and ").translate(_LETTERS)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", folded)
        if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w]+", " ", re.sub(r"['’`´.]", "", bare)).split())


def _without_article(key: str) -> str:
    first, _, rest = key.partition(" ")
    return rest if rest and first in _ARTICLES else key
