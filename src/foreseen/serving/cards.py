"""Cards of movies on the pages, with the user's predicted rating and the reasons for it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from foreseen.data.encoding import Id
from foreseen.ranking.rank import By
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.results import Recommendation
from foreseen.serving.filters import MovieFilter
from foreseen.serving.movie_details import most_similar, movie_card
from foreseen.serving.reasons import Reasons
from foreseen.serving.rendering import Page
from foreseen.serving.snapshot import ModelSnapshot

_INFLUENCES_TRIED: Final = 8
_INFLUENCES_SHOWN: Final = 3
"""Influences of which one may be the reason."""
_ROW_MOVIES: Final = 12
_FEWEST: Final = 4
"""Movies of a row; a row of fewer is not shown."""
_SIMILAR: Final = 60
_LOVED_ROWS: Final = 2
_SAFE_POOL: Final = 60
_WIDE: Final = 1.2
"""An interval that is wider than the median of the list by this factor is shown."""


def card(snapshot: ModelSnapshot, row: int, **more: object) -> dict[str, Any]:
    """Return the card of a movie by its row in the catalogue, as templates use it."""
    return {**vars(movie_card(snapshot, row)), "row": row, **more}


def ranked_cards(
    page: Page, movie_filter: MovieFilter, k: int, criteria: Sequence[By], *, reasons: bool
) -> list[dict[str, Any]]:
    """Return the cards of the movies that rank highest by any criterion.

    They are selected by the lower bound of the prediction (see `by_rating`), and ordered by the
    prediction itself, which is what they show.
    """
    snapshot = page.snapshot
    entries: dict[Id, Recommendation] = {}
    for by in criteria:
        for entry in _rank(page, RankingRequest(k, by), movie_filter):
            entries.setdefault(entry.movie, entry)
    widths = [_width(entry) for entry in entries.values()]
    wide = _WIDE * float(np.median(widths)) if widths else 0.0
    cards = [
        {
            **_entry_card(snapshot, entry, page.saved),
            "is_wide": _width(entry) > wide,
        }
        for entry in entries.values()
    ]
    cards.sort(key=lambda shown: -shown["score"])
    if reasons:
        _add_reasons(page, cards)
    return cards


def _add_reasons(page: Page, cards: Sequence[dict[str, Any]]) -> None:
    """Add the reasons to the cards of a ranking, in their order."""
    if not cards:
        return
    snapshot, history = page.snapshot, page.state.history
    movies = [int(snapshot.ids[shown["row"]]) for shown in cards]
    # Of all at once: the ratings are left out one by one for the whole list.
    moved_by = page.context.recommender.influences(snapshot, history, movies, _INFLUENCES_TRIED)
    sentences = Reasons(snapshot, history, page.language)
    for shown, strongest in zip(cards, moved_by, strict=True):
        shown["why"] = sentences.of(shown, strongest[:_INFLUENCES_SHOWN])


def rows_of_cards(page: Page, shown: Collection[Id]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return further rows of the ranking: (heading, cards).

    No movie is in two of them, and each is ordered by what it shows, the prediction.

    Args:
        page: The page.
        shown: Ids of movies that are shown already.
    """
    snapshot, used = page.snapshot, set(shown)
    gettext = page.language.gettext
    rows: list[tuple[str, list[dict[str, Any]]]] = []

    def add(heading: str, cards: Sequence[dict[str, Any]]) -> None:
        new = [entry for entry in cards if entry["movie"] not in used][:_ROW_MOVIES]
        if len(new) >= _FEWEST:
            used.update(entry["movie"] for entry in new)
            rows.append((heading, sorted(new, key=lambda entry: -entry["prediction"])))

    for title, cards in _because_loved(page):
        add(gettext("Because you loved %(title)s", title=title), cards)
    pool = _rank(page, RankingRequest(_SAFE_POOL), MovieFilter(known="well"))
    safe = sorted(pool, key=lambda entry: -(entry.low or 0.0))
    add(gettext("Safe bets"), [_entry_card(snapshot, entry, page.saved) for entry in safe])
    request = RankingRequest(_ROW_MOVIES + len(used))
    little = _rank(page, request, MovieFilter(known="little"))
    add(
        gettext("Few have seen these"),
        [_entry_card(snapshot, entry, page.saved) for entry in little],
    )
    blend = _rank(page, replace(request, by="blend"), MovieFilter())
    similar, many = gettext("Rated high by people like you"), gettext("Rated high by many")
    heading = similar if page.state.ratings else many
    add(heading, [_entry_card(snapshot, entry, page.saved) for entry in blend])
    return rows


def _because_loved(page: Page) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return (title, cards of similar movies) for the best and latest rated movies of the user."""
    snapshot, state = page.snapshot, page.state
    if not state.ratings:
        return []
    mean = float(np.mean(state.history.ratings))
    loved = [entry for entry in state.ratings if entry.rating >= max(4.0, mean)]
    loved.sort(key=lambda entry: (-entry.rating, -entry.rated))
    left_out = {*(entry.movie for entry in state.ratings), *state.hidden}
    similar: dict[int, list[int]] = {}
    for row in snapshot.rows([entry.movie for entry in loved[:_LOVED_ROWS]]):
        similar[row] = [
            other
            for other in most_similar(snapshot, row, _SIMILAR)
            if int(snapshot.ids[other]) not in left_out
        ][: 2 * _ROW_MOVIES]
    rows = sorted({row for others in similar.values() for row in others})
    if not rows:
        return []
    # Of all at once: each call folds in the whole history.
    codes = [int(code) for code in snapshot.ids[rows]]
    predictions = page.context.recommender.predict(snapshot, state.history, codes)
    cards = {
        row: card(
            snapshot,
            row,
            prediction=prediction.rating,
            is_saved=prediction.movie in page.saved,
        )
        for row, prediction in zip(rows, predictions, strict=True)
    }
    return [
        (
            movie_card(snapshot, row).title,
            sorted((cards[other] for other in others), key=lambda shown: -shown["prediction"]),
        )
        for row, others in similar.items()
    ]


def _rank(
    page: Page, request: RankingRequest, movie_filter: MovieFilter
) -> tuple[Recommendation, ...]:
    snapshot, state = page.snapshot, page.state
    hidden: Collection[int] = state.hidden
    if movie_filter.is_active:
        left_out = snapshot.ids[movie_filter.excluded(snapshot)]
        hidden = [*state.hidden, *left_out.tolist()]
    return page.context.recommender.rank(snapshot, state.history, hidden, request)


def _entry_card(
    snapshot: ModelSnapshot, entry: Recommendation, saved: Collection[Id]
) -> dict[str, Any]:
    row = snapshot.row(snapshot.encoding.movies.code(entry.movie))
    assert row is not None  # noqa: S101
    return card(
        snapshot,
        row,
        prediction=entry.prediction,
        low=entry.low,
        high=entry.high,
        score=entry.prediction,
        likely=entry.likely,
        is_saved=entry.movie in saved,
    )


def _width(entry: Recommendation) -> float:
    return (entry.high or 0.0) - (entry.low or 0.0)
