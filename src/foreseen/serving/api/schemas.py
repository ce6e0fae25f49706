"""What the API takes and gives, and what its routes share."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from foreseen.data.schema import GENRES, YEAR
from foreseen.serving.problems import MEDIA_TYPE, ProblemError
from foreseen.serving.snapshot import World

BASE: Final = "/api/v1"
LARGEST_ID: Final = 2**53
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": what, "content": {MEDIA_TYPE: {}}}
    for status, what in {
        401: "Nobody is signed in.",
        403: "Not allowed.",
        404: "There is no such thing.",
        422: "The request is not sound.",
        429: "Too many tries.",
    }.items()
}
MovieId = Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]
Stars = Annotated[float, Field(ge=0.5, le=5, multiple_of=0.5)]


class Movie(BaseModel):
    """A movie of the catalogue."""

    movieId: int  # noqa: N815
    title: str
    year: int | None
    genres: list[str]
    views: int
    mean: float | None


class MoviePage(BaseModel):
    """Some of the movies found; `more` says whether there are others."""

    more: bool
    offset: int
    movies: list[Movie]


class OwnRating(BaseModel):
    """A rating of one's own."""

    movieId: int  # noqa: N815
    rating: float
    rated: int


class RatingIn(BaseModel):
    """What a movie is given."""

    rating: Stars


class PairsIn(BaseModel):
    """Movies to predict for."""

    movies: list[MovieId] = Field(max_length=1000)


class Credentials(BaseModel):
    """A name and its password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class PasswordChange(BaseModel):
    """The password so far and the next."""

    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class SessionOut(BaseModel):
    """An open session: send `formKey` in the header X-Foreseen-Form with every change."""

    userId: int  # noqa: N815
    name: str | None
    role: str
    formKey: str  # noqa: N815


class TokenIn(BaseModel):
    """What to call a token."""

    label: str = Field(max_length=64)


class TokenOut(BaseModel):
    """A token; its text is told only when it is made."""

    id: int
    label: str
    made: int
    token: str | None = None


class VersionIn(BaseModel):
    """A version of the model."""

    version: Annotated[int, Field(ge=1, le=10**9)]


def row_of(world: World, movie: int) -> int:
    """Return a movie's place in the catalogue.

    Raises:
        ProblemError: If it is not there.
    """
    row = world.row(movie)
    if row is None:
        raise ProblemError(404, "no-such-movie", f"the catalogue has no movie {movie}")
    return row


def describe_movie(world: World, row: int) -> Movie:
    """Return what there is to say of a movie in short."""
    entry = world.model.log.catalogue.table.row(row, named=True)
    views = int(world.views[row])
    return Movie(
        movieId=int(world.ids[row]),
        title=world.title(row),
        year=entry[YEAR],
        genres=list(entry[GENRES]),
        views=views,
        mean=round(float(world.means[row]), 3) if views else None,
    )


def name_movie(world: World, movie: int) -> dict[str, Any]:
    """Return a movie's id, title and year; one that is not in the catalogue is called by its id."""
    row = world.row(movie)
    if row is None:
        return {"movieId": movie, "title": f"movie {movie}", "year": None}
    found = describe_movie(world, row)
    return {"movieId": found.movieId, "title": found.title, "year": found.year}
