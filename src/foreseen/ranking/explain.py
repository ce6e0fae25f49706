"""Why a movie is recommended: in a sentence, from the numbers the models see, and by removal.

What a rating of the user's did to a prediction is found by predicting again without it: no
approximation, and the same for every model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.features import movie_statistics as movies_at
from foreseen.features import user_statistics as users_at
from foreseen.features.encoder import taste
from foreseen.features.queries import History, Queries
from foreseen.features.interaction_log import Timeline
from foreseen.data.identifiers import UNKNOWN
from foreseen.models.base import Model

_NOTABLE: Final = 0.1
_ENOUGH: Final = 3


@dataclass(frozen=True)
class Influence:
    """What one of the user's ratings did to a prediction.

    Attributes:
        movie: Id of the movie that was rated.
        rating: What it was given.
        effect: The prediction less what it would be without this rating, in stars.
    """

    movie: int
    rating: float
    effect: float


def influences(
    model: Model, history: History, movies: NDArray[np.int64], before: int, most: int = 300
) -> list[list[Influence]]:
    """Return, for each of K movies, what each rating of a history did to its prediction.

    Args:
        model: Any.
        history: What the user has rated.
        movies: Ids, of shape K.
        before: Only ratings strictly older count.
        most: How many ratings are tried without, the latest of a longer history.

    Returns:
        For each movie, the influences, the strongest first.
    """
    known = np.flatnonzero(history.timestamps < before)
    if not most or not len(known):
        return [[] for _ in movies]
    tried = known[max(len(known) - most, 0) :]
    whole = history.part(known)
    less = [history.part(known[known != place]) for place in tried]
    views = model.timeline.with_histories([whole, *less])
    shape = (len(tried) + 1, len(movies))
    user = int(model.timeline.users.rows([UNKNOWN if whole.user is None else whole.user])[0])
    queries = Queries(
        np.repeat(np.arange(shape[0], dtype=np.int32), shape[1]),
        np.full(shape[0] * shape[1], user, dtype=np.int32),
        np.tile(model.timeline.catalogue.movies.rows(movies), shape[0]),
        np.full(shape[0] * shape[1], before, dtype=np.int64),
    )
    rating = model.answer(queries, views).rating.reshape(shape)
    effects = rating[0] - rating[1:]
    return [
        [
            Influence(
                int(history.movies[tried[n]]), float(history.ratings[tried[n]]), float(effect[n])
            )
            for n in np.argsort(-np.abs(effect), kind="stable")
        ]
        for effect in effects.T
    ]


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
            parts.append(f"films of {users_at.era_name(era)} {by_era[0, era]:.1f} above")
        if profiles.level[0, users_at.COUNT] == 0:
            parts.append("we know no rating of yours yet")
        sentences.append(", ".join(parts))
    return sentences


def _crowd(count: int, total: float) -> str:
    if count == 0:
        return "nobody has rated it yet"
    people = "person rates" if count == 1 else "people rate"
    return f"{count} {people} it {total / count:.1f}"
