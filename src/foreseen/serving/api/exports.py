"""Routes that return the user's data as files for other services."""

from fastapi import APIRouter, Response

from foreseen.serving.api.schemas import BASE, PROBLEMS
from foreseen.serving.dependencies import Context, RequiredUser, Snapshot
from foreseen.serving.rating_export import list_csv, ratings_csv

router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


class CsvResponse(Response):
    """A response with a table as comma-separated values."""

    media_type = "text/csv"


def _as_file(text: str, name: str) -> CsvResponse:
    """Return the response with a table that is saved as a file."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return CsvResponse(text, headers=headers)


@router.get("/ratings.csv", response_class=CsvResponse)
def export_ratings(context: Context, snapshot: Snapshot, current: RequiredUser) -> CsvResponse:
    """Return the user's ratings in the layout that Letterboxd imports, oldest first."""
    ratings = context.store.ratings(current.user.id)
    return _as_file(ratings_csv(snapshot, ratings), "ratings.csv")


@router.get("/watchlist.csv", response_class=CsvResponse)
def export_watchlist(context: Context, snapshot: Snapshot, current: RequiredUser) -> CsvResponse:
    """Return the user's watchlist in the layout that Letterboxd imports, oldest first."""
    entries = context.store.listed("watchlist", current.user.id)
    return _as_file(list_csv(snapshot, "watchlist", entries), "watchlist.csv")


@router.get("/seen.csv", response_class=CsvResponse)
def export_seen(context: Context, snapshot: Snapshot, current: RequiredUser) -> CsvResponse:
    """Return the movies seen without a rating in the layout that Letterboxd imports."""
    entries = context.store.listed("seen", current.user.id)
    return _as_file(list_csv(snapshot, "seen", entries), "seen.csv")
