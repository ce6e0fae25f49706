"""What services call a title: a film, a series, or something that is not known."""

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final

_SERIES: Final = re.compile(
    # "Spielfilm" is a film, "Videospiel" is a game.
    r"seri|s[eé]rie|epis[oó]|[eé]pis|folge|podcast|game|spiel(?!film)|gioco|jue|jogo|jeu"
    r"|show|anime|season|staffel|saison|stagione|temporada|^tv$"
)
_SHORT_SERIES: Final = re.compile(r"mini|limited")
_FILM: Final = re.compile(
    r"film|movie|pel[ií]cula|short|corto|court|curta|v[ií]d[eé]o|do[ck]ument|special|sp[eé]cial"
    r"|especial|kurz|feature"
)


class TitleType(Enum):
    """How to look for a title in a catalogue of films.

    Attributes:
        FILM: By ids and by title.
        SERIES: By its IMDb id only: a film may have the same title.
        UNKNOWN: By its IMDb id and by title; to be reported. Mini-series are looked for likewise.
    """

    FILM = auto()
    SERIES = auto()
    UNKNOWN = auto()


@lru_cache(maxsize=1024)
def classify_type(name: str) -> TitleType:
    """Return the meaning of a title type such as `TV Series`, `Fernsehfilm` or `movie`.

    It may be in any of the languages of IMDb's pages; an empty one is that of a film.
    """
    name = name.strip().lower()
    if _SERIES.search(name):
        return TitleType.UNKNOWN if _SHORT_SERIES.search(name) else TitleType.SERIES
    return TitleType.FILM if not name or _FILM.search(name) else TitleType.UNKNOWN
