"""Why a movie is recommended, in a sentence, from the numbers the models see."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.features import user_statistics as users_at
from foreseen.features.encode import taste
from foreseen.features.timeline import Timeline

_NOTABLE: Final = 0.1
_ENOUGH: Final = 3


def explain(
    timeline: Timeline, history: int, movies: NDArray[np.int32], before: int
) -> Sequence[str]:
    """Return one sentence per movie for one user of a timeline, as of a moment.

    Args:
        timeline: What is known.
        history: The user's row in the timeline's histories.
        movies: Rows of the catalogue, of shape K.
        before: Only ratings strictly older count.
    """
    moment = np.full(len(movies), before, dtype=np.int64)
    states, _ = timeline.movies.before(movies, moment)
    count, total = states[:, movies_at.COUNT], states[:, movies_at.TOTAL]
    one = np.array([before], dtype=np.int64)
    profiles = timeline.profiles(np.array([history], dtype=np.int32), one)
    by_genre, by_era = taste(profiles)
    sentences: list[str] = []
    for n, movie in enumerate(movies):
        parts = [_crowd(int(count[n]), float(total[n]))]
        genres = timeline.catalogue.genres[movie] > 0
        enough = genres & (profiles.genre_counts[0] >= _ENOUGH)
        if enough.any():
            best = int(np.argmax(np.where(enough, by_genre[0], -np.inf)))
            if by_genre[0, best] >= _NOTABLE:
                name = timeline.catalogue.genre_names[best]
                parts.append(f"you rate {name} {by_genre[0, best]:.1f} above your usual")
        era = int(timeline.era[movie])
        if era >= 0 and profiles.era_counts[0, era] >= _ENOUGH and by_era[0, era] >= _NOTABLE:
            parts.append(f"and films of {_era_name(era)} {by_era[0, era]:.1f} above")
        if profiles.level[0, users_at.COUNT] == 0:
            parts.append("we know no rating of yours yet")
        sentences.append(", ".join(parts))
    return sentences


def _crowd(count: int, total: float) -> str:
    if count == 0:
        return "nobody has rated it yet"
    people = "person rates" if count == 1 else "people rate"
    return f"{count} {people} it {total / count:.1f}"


def _era_name(era: int) -> str:
    if era == 0:
        return "the 1920s or before"
    if era == users_at.ERAS - 1:
        return "the 2010s or later"
    return f"the {1920 + 10 * era}s"
