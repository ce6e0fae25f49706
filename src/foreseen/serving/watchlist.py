"""The watchlist: its ranking for a user, and movies added to it by their titles."""

import re
from dataclasses import dataclass
from typing import Final

from foreseen.data.sources.personal import PersonalRating
from foreseen.serving.dependencies import UserState
from foreseen.serving.recommender import Prediction, Recommender
from foreseen.serving.snapshot import ModelSnapshot

_YEAR: Final = re.compile(r"[\s,(\[]+(?P<year>(?:18|19|20)[0-9]{2})[)\]\s]*$")
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|[0-9]{1,3}[.)])\s+")


@dataclass(frozen=True)
class RankedEntry:
    """A movie of a watchlist by its row in the catalogue, with the predicted rating."""

    row: int
    prediction: Prediction


def ranked_watchlist(
    recommender: Recommender, snapshot: ModelSnapshot, state: UserState
) -> list[RankedEntry]:
    """Return the saved movies that the user has not rated or seen since, best first.

    Movies that the catalogue no longer has are left out.
    """
    watched = {*(entry.movie for entry in state.ratings), *state.seen}
    rows = {
        movie: row
        for movie in state.saved
        if movie not in watched and (row := snapshot.row(movie)) is not None
    }
    if not rows:
        return []
    predictions = recommender.predict(snapshot, state.history, list(rows))
    entries = [RankedEntry(*pair) for pair in zip(rows.values(), predictions, strict=True)]
    return sorted(entries, key=lambda entry: -entry.prediction.rating)


def find_titles(snapshot: ModelSnapshot, text: str) -> tuple[list[int], list[str]]:
    """Return the rows of the movies whose titles a text has, one a line, and the other lines.

    A line may begin with a bullet or a number and end with a year. Of several movies that match,
    the one with the most ratings is returned.
    """
    rows: dict[int, None] = {}
    missing: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        row = _find(snapshot, number, line.strip())
        if row is None:
            row = _find(snapshot, number, _BULLET.sub("", line).strip())
        if row is None:
            missing.append(line.strip())
        else:
            rows[row] = None
    return list(rows), missing


def _find(snapshot: ModelSnapshot, number: int, line: str) -> int | None:
    readings: list[tuple[str, int | None]] = [(line, None)]
    year = _YEAR.search(line)
    if year is not None and year.start() > 0:
        # A title may also end with a number that looks like a year.
        readings.insert(0, (line[: year.start()], int(year["year"])))
    for title, released in readings:
        if not title:
            continue
        found = snapshot.title_index.find(PersonalRating(number, title, released, 0.0))
        rows = [row for entry in found if (row := snapshot.row(entry.movie)) is not None]
        if rows:
            return max(rows, key=lambda row: snapshot.views[row])
    return None
