"""Explanations: a sentence from the features, and the influence of each rating by leaving it out.

The influence of a rating is the difference between the prediction with and without it: exact, and
the same method for every model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.encoding import Encoding, Id
from foreseen.data.identifiers import UNKNOWN
from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.features import movie_statistics as movies_at
from foreseen.features import user_statistics as users_at
from foreseen.features.encoder import taste
from foreseen.features.interaction_log import UserContext
from foreseen.features.queries import Queries
from foreseen.models.base import Model

_NOTABLE: Final = 0.1
_ENOUGH: Final = 3


@dataclass(frozen=True)
class Influence:
    """The influence of one of the user's ratings on a prediction.

    Attributes:
        movie: Id of the rated movie.
        rating: The rating.
        effect: The prediction less the prediction without this rating.
    """

    movie: Id
    rating: float
    effect: float

    def decoded(self, encoding: Encoding) -> "Influence":
        """Return the influence with the id and on the scale of the source."""
        scale = encoding.scale
        return Influence(
            encoding.movies.identifier(int(self.movie)),
            scale.rating_of(self.rating),
            self.effect * scale.per_star,
        )


def influences(
    model: Model, context: UserContext, movies: NDArray[np.int32], most: int = 300
) -> list[list[Influence]]:
    """Return the influence of each rating of a user on the predictions of K movies.

    Args:
        model: The model.
        context: The user.
        movies: Rows of the catalogue, of shape K.
        most: How many ratings are left out, one at a time; the latest of a longer history.

    Returns:
        For each movie, the influences in stars, the strongest first.
    """
    history = context.history
    known = np.flatnonzero(history.timestamps < context.before)
    if not most or not len(known):
        return [[] for _ in movies]
    tried = known[max(len(known) - most, 0) :]
    whole = history.part(known)
    without = [history.part(known[known != position]) for position in tried]
    view = model.log.view_of([whole, *without])
    count = len(tried) + 1
    user = model.log.users.rows([UNKNOWN if whole.user is None else whole.user])
    queries = Queries.grid(count, movies, context.before, np.repeat(user, count))
    mean = model.predict_queries(queries, view).mean.reshape(count, len(movies))
    effects = mean[0] - mean[1:]
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
    context: UserContext, movies: NDArray[np.int32], scale: RatingScale = STARS
) -> Sequence[str]:
    """Return one sentence per movie for a user.

    Args:
        context: The user.
        movies: Rows of the catalogue, of shape K.
        scale: The scale of the ratings in the sentences.
    """
    log, catalogue = context.view.log, context.view.catalogue
    moment = np.full(len(movies), context.before, dtype=np.int64)
    states, _ = log.movies.before(movies, moment)
    count, total = states[:, movies_at.COUNT], states[:, movies_at.TOTAL]
    users = context.view.statistics(
        np.array([context.row], dtype=np.int32), np.array([context.before], dtype=np.int64)
    )
    by_genre, by_decade = taste(users)
    sentences: list[str] = []
    for n, movie in enumerate(movies):
        parts = [_mean_of_all(int(count[n]), float(total[n]), scale)]
        genres = catalogue.genres[movie] > 0
        enough = genres & (users.genre_counts[0] >= _ENOUGH)
        if enough.any():
            best = int(np.argmax(np.where(enough, by_genre[0], -np.inf)))
            if by_genre[0, best] >= _NOTABLE:
                name = catalogue.genre_names[best]
                above = by_genre[0, best] * scale.per_star
                parts.append(f"you rate {name} {above:.1f} above your usual")
        decade = int(log.decade[movie])
        if (
            decade >= 0
            and users.decade_counts[0, decade] >= _ENOUGH
            and by_decade[0, decade] >= _NOTABLE
        ):
            above = by_decade[0, decade] * scale.per_star
            parts.append(f"films of {users_at.decade_name(decade)} {above:.1f} above")
        if users.state[0, users_at.COUNT] == 0:
            parts.append("you have no ratings yet")
        sentences.append(", ".join(parts))
    return sentences


def _mean_of_all(count: int, total: float, scale: RatingScale) -> str:
    if not scale.has_ratings:
        return f"chosen by {count} {'person' if count == 1 else 'people'}"
    if count == 0:
        return "no ratings yet"
    people = "person rates" if count == 1 else "people rate"
    return f"{count} {people} it {float(scale.from_stars(total / count)):.1f}"
