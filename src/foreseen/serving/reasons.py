"""Reasons for recommendations, as sentences that vary down a page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from foreseen.features import user_statistics as users_at
from foreseen.features.encoder import taste
from foreseen.features.queries import History
from foreseen.ranking.explain import Influence
from foreseen.serving.movie_details import movie_card
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.templates import plural

_NOTABLE_EFFECT: Final = 0.1
"""Least effect of a rating on a prediction, in stars, that is a reason."""
_NOTABLE_TASTE: Final = 0.15
"""Least mean difference of a genre or decade, in stars, that is a reason."""
_ENOUGH: Final = 3
"""Ratings of a genre or decade that make its difference a reason."""
_REPEATED: Final = 2
"""Times that a page names the same movie, genre or decade."""
_FEW_RATINGS: Final = 20


class Reasons:
    """The sentences of one page; a movie, genre or decade is named at most twice."""

    def __init__(self, snapshot: ModelSnapshot, history: History) -> None:
        """Compute the user's taste.

        Args:
            snapshot: The model.
            history: The user's ratings.
        """
        self._snapshot = snapshot
        self._per_star = snapshot.encoding.scale.per_star
        self._named: Counter[str] = Counter()
        view = snapshot.model.log.view_of([history])
        users = view.statistics(np.zeros(1, np.int32), np.array([snapshot.now], np.int64))
        by_genre, by_decade = taste(users)
        names = view.catalogue.genre_names
        self._genres = {
            names[n]: float(by_genre[0, n])
            for n in np.flatnonzero(users.genre_counts[0] >= _ENOUGH)
        }
        self._decades = {
            int(n): float(by_decade[0, n])
            for n in np.flatnonzero(users.decade_counts[0] >= _ENOUGH)
        }

    def of(self, card: Mapping[str, Any], moved_by: Sequence[Influence]) -> str:
        """Return the reason for a movie: the first that the page has not named twice.

        Args:
            card: The card of the movie.
            moved_by: The ratings with the strongest influence, on the scale of the source.
        """
        sentence = self._crowd(card)
        for name, text in self._candidates(card, moved_by):
            if self._named[name] < _REPEATED:
                self._named[name] += 1
                sentence = text
                break
        if 0 < card["views"] < _FEW_RATINGS and not sentence.startswith("Only"):
            sentence += f" Only {_people(card['views'])} rated it, so this is a guess."
        return sentence

    def _candidates(
        self, card: Mapping[str, Any], moved_by: Sequence[Influence]
    ) -> Iterator[tuple[str, str]]:
        snapshot = self._snapshot
        for entry in moved_by:
            row = snapshot.row(snapshot.encoding.movies.code(entry.movie))
            if entry.effect >= _NOTABLE_EFFECT * self._per_star and row is not None:
                title = movie_card(snapshot, row).title
                yield (
                    f"movie {entry.movie}",
                    f"Your {entry.rating:g} for {title} raises it by {entry.effect:.1f}.",
                )
        liked = sorted(
            ((self._genres.get(name, 0.0), name) for name in card["genres"]), reverse=True
        )
        for value, name in liked:
            if value >= _NOTABLE_TASTE:
                above = value * self._per_star
                yield f"genre {name}", f"You rate {name} {above:.1f} above your usual."
        decade = int(snapshot.model.log.decade[card["row"]])
        value = self._decades.get(decade, 0.0)
        if value >= _NOTABLE_TASTE:
            name, above = users_at.decade_name(decade), value * self._per_star
            yield f"decade {decade}", f"You rate films of {name} {above:.1f} above your usual."

    def _crowd(self, card: Mapping[str, Any]) -> str:
        if not card["views"]:
            return "Nobody has rated it yet; its genres and year speak for it."
        if card["views"] < _FEW_RATINGS:
            return f"Only {_people(card['views'])} rated it, {card['mean']:.1f} on average."
        return f"{plural(card['views'], 'rating')}, {card['mean']:.1f} on average."


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
