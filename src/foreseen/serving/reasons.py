"""Reasons for recommendations, as sentences that vary down a page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from foreseen.features.encoder import taste
from foreseen.features.queries import History
from foreseen.ranking.explain import Influence
from foreseen.serving.languages import Language
from foreseen.serving.movie_details import movie_card
from foreseen.serving.snapshot import ModelSnapshot

_NOTABLE_EFFECT: Final = 0.1
"""Least effect of a rating on a prediction, in stars, that is a reason."""
_NOTABLE_TASTE: Final = 0.15
"""Least mean difference of a genre or decade, in stars, that is a reason."""
_ENOUGH: Final = 3
"""Ratings of a genre or decade that make its difference a reason."""
REPEATED: Final = 2
"""Times that a page names the same movie, genre or decade."""
_FEW_RATINGS: Final = 20


def notable(
    snapshot: ModelSnapshot, influences: Sequence[Influence]
) -> Iterator[tuple[Influence, str]]:
    """Yield the ratings that raise a prediction enough to be a reason, with titles."""
    for influence in influences:
        row = snapshot.row(snapshot.encoding.movies.code(influence.movie))
        if (
            influence.effect >= _NOTABLE_EFFECT * snapshot.encoding.scale.per_star
            and row is not None
        ):
            yield influence, movie_card(snapshot, row).title


class Reasons:
    """The sentences of one page; a movie, genre or decade is named at most twice."""

    def __init__(self, snapshot: ModelSnapshot, history: History, chosen: Language) -> None:
        """Compute the user's taste.

        Args:
            snapshot: The model.
            history: The user's ratings.
            chosen: The language of the sentences.
        """
        self._language = chosen
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
        views = int(card["views"])
        names_few = 0 < views < _FEW_RATINGS
        for name, text in self._candidates(card, moved_by):
            if self._named[name] < REPEATED:
                self._named[name] += 1
                if not names_few:
                    return text
                return f"{text} {self._guess(views)}"
        return self._crowd(card)

    def _candidates(
        self, card: Mapping[str, Any], moved_by: Sequence[Influence]
    ) -> Iterator[tuple[str, str]]:
        snapshot, chosen = self._snapshot, self._language
        for entry, title in notable(snapshot, moved_by):
            yield (
                f"movie {entry.movie}",
                chosen.gettext(
                    "Your %(rating)s for %(title)s raises it by %(effect)s.",
                    rating=chosen.number(entry.rating),
                    title=title,
                    effect=chosen.number(entry.effect, 1),
                ),
            )
        liked = sorted(
            ((self._genres.get(name, 0.0), name) for name in card["genres"]), reverse=True
        )
        for value, name in liked:
            if value >= _NOTABLE_TASTE:
                sentence = chosen.gettext(
                    "You rate %(genre)s %(stars)s above your usual.",
                    genre=chosen.genre(name),
                    stars=chosen.number(value * self._per_star, 1),
                )
                yield f"genre {name}", sentence
        decade = int(snapshot.model.log.decade[card["row"]])
        value = self._decades.get(decade, 0.0)
        if value >= _NOTABLE_TASTE:
            sentence = chosen.gettext(
                "You rate films of the %(decade)s %(stars)s above your usual.",
                decade=chosen.release_decade(decade),
                stars=chosen.number(value * self._per_star, 1),
            )
            yield f"decade {decade}", sentence

    def _guess(self, views: int) -> str:
        return self._language.ngettext(
            "Only %(count)s person rated it, so this is a guess.",
            "Only %(count)s people rated it, so this is a guess.",
            views,
        )

    def _crowd(self, card: Mapping[str, Any]) -> str:
        chosen, views = self._language, int(card["views"])
        if not views:
            return chosen.gettext("Nobody has rated it yet; its genres and year speak for it.")
        mean = chosen.number(card["mean"], 1)
        if views < _FEW_RATINGS:
            if card.get("prediction", card["mean"]) - card["mean"] > self._per_star:
                # A low mean of few ratings would contradict the prediction.
                return self._guess(views)
            return chosen.ngettext(
                "Only %(count)s person rated it, %(mean)s on average.",
                "Only %(count)s people rated it, %(mean)s on average.",
                views,
                mean=mean,
            )
        return chosen.ngettext(
            "%(count)s rating, %(mean)s on average.",
            "%(count)s ratings, %(mean)s on average.",
            views,
            mean=mean,
        )
