"""The pages of what a user has stored: taste, ratings, watchlist, imports and account."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from foreseen.data.sources.export_formats import EXPORT_FORMATS
from foreseen.data.title_keys import normalise_title
from foreseen.serving.cards import card
from foreseen.serving.rendering import CurrentPage, Page
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.taste_profile import taste_profile
from foreseen.serving.watchlist import ranked_watchlist

_RATINGS: Final = 100
"""Ratings of a page."""
_MOST_PAGES: Final = 10_000
Order = Literal["latest", "highest", "lowest", "title"]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/me")
def me(page: CurrentPage) -> Response:
    """Show the user's taste, and the uncertainty of predictions."""
    state = page.state
    return page.render(
        "me.html", rated=len(state.ratings), taste=taste_profile(page.snapshot, state.ratings)
    )


@router.get("/me/ratings")
def ratings(
    page: CurrentPage,
    query: Annotated[str, Query(max_length=200)] = "",
    order: Order = "latest",
    start: Annotated[int, Query(ge=0, le=_MOST_PAGES * _RATINGS)] = 0,
    part: bool = False,
) -> Response:
    """Show the user's ratings and other lists; with `part`, return only the list of ratings."""
    snapshot, state = page.snapshot, page.state
    words = normalise_title(query)
    cards = [
        entry
        for entry in _rated_cards(page)
        if words in normalise_title(f"{entry['title']} {entry['year'] or ''}")
    ]
    if order == "highest":
        cards.sort(key=lambda entry: -entry["rating"])
    elif order == "lowest":
        cards.sort(key=lambda entry: entry["rating"])
    elif order == "title":
        cards.sort(key=lambda entry: normalise_title(entry["title"]))
    return page.render(
        "rated.html" if part else "ratings.html",
        cards=cards[start : start + _RATINGS],
        rated=len(state.ratings),
        matching=len(cards),
        query=query,
        order=order,
        start=start,
        step=_RATINGS,
        lists=[
            ("seen", page.language.gettext("Seen, not rated"), _cards(snapshot, state.seen)),
            (
                "dismissed",
                page.language.gettext("Not interested"),
                _cards(snapshot, state.dismissed),
            ),
        ],
    )


@router.get("/me/data")
def data(page: CurrentPage) -> Response:
    """Show the form to import ratings, the imports so far, and the download of all data."""
    store, current = page.context.store, page.current
    return page.render(
        "data.html",
        imports=store.imports(current.user.id) if current else [],
        exports=EXPORT_FORMATS,
    )


@router.get("/me/account")
def account(page: CurrentPage) -> Response:
    """Show the account: sign-up for guests, else the password and the API tokens."""
    store, current = page.context.store, page.current
    return page.render(
        "account.html",
        rated=len(page.state.ratings),
        is_admin=page.is_admin,
        tokens=store.tokens(current.user.id) if current else [],
    )


@router.get("/watchlist")
def watchlist(page: CurrentPage, part: bool = False) -> Response:
    """Show the watchlist, best first; with `part`, return only the list."""
    snapshot = page.snapshot
    cards = [
        card(
            snapshot,
            entry.row,
            prediction=entry.prediction.rating,
            low=entry.prediction.low,
            high=entry.prediction.high,
        )
        for entry in ranked_watchlist(page.context.recommender, snapshot, page.state)
    ]
    return page.render(
        "watchlist_movies.html" if part else "watchlist.html",
        cards=cards,
        rated=len(page.state.ratings),
    )


def _rated_cards(page: Page) -> list[dict[str, Any]]:
    """Return the cards of the rated movies, latest first."""
    snapshot = page.snapshot
    return [
        card(snapshot, row, rating=snapshot.encoding.scale.rating_of(entry.rating))
        for entry in reversed(page.state.ratings)
        if (row := snapshot.row(entry.movie)) is not None
    ]


def _cards(snapshot: ModelSnapshot, movies: list[int]) -> list[dict[str, Any]]:
    """Return the cards of the movies of a list, latest first."""
    rows = map(snapshot.row, reversed(movies))
    return [card(snapshot, row) for row in rows if row is not None]
