"""Routes that return the user's data as files for other services."""

from typing import Final

from fastapi import APIRouter, Response

from foreseen.serving.api.schemas import BASE, PROBLEMS
from foreseen.serving.dependencies import Context, RequiredUser, Snapshot
from foreseen.serving.rating_export import ratings_csv

router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


class CsvResponse(Response):
    """A response with a table as comma-separated values."""

    media_type = "text/csv"


_HEADERS: Final = {
    "Content-Disposition": 'attachment; filename="ratings.csv"',
    "Cache-Control": "private, no-store",
}


@router.get("/ratings.csv", response_class=CsvResponse)
def export_ratings(context: Context, snapshot: Snapshot, current: RequiredUser) -> CsvResponse:
    """Return the user's ratings in the layout that Letterboxd imports, oldest first."""
    ratings = context.store.ratings(current.user.id)
    return CsvResponse(ratings_csv(snapshot, ratings), headers=_HEADERS)
