"""A server of the Model Context Protocol: tools with which an assistant serves one person.

The person is an account of the database that `foreseen serve` uses, so that ratings appear on both.
Source of the protocol: https://modelcontextprotocol.io/specification.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from foreseen.data.encoding import Id
from foreseen.data.identifiers import UNKNOWN
from foreseen.errors import ForeseenError, InputError
from foreseen.ranking.rank import By
from foreseen.ranking.request import RankingRequest
from foreseen.serving.api.responses import PredictedRating, RankedRecommendation, YearOfRatings
from foreseen.serving.api.schemas import Movie, MovieId, describe_movie, movie_row, stars_of
from foreseen.serving.dependencies import UserState, stored_state
from foreseen.serving.live_model import LiveModel
from foreseen.serving.movie_details import ratings_by_year
from foreseen.serving.problems import ProblemError
from foreseen.serving.recommender import Recommender
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Store, StoredRating, User

_INSTRUCTIONS: Final = (
    "Movie recommendations for one person from that person's ratings. Search a title to get the id "
    "of a movie; the other tools take ids. Predictions are of the rating that the person would "
    "give, with an 80 % interval from `low` to `high`."
)


class FoundMovies(BaseModel):
    """Movies that match a search, best first."""

    movies: list[Movie]


class PredictedMovies(BaseModel):
    """Predicted ratings, in the order of the request."""

    predictions: list[PredictedRating]


class RankedMovies(BaseModel):
    """A ranking, best first; `ratings` is the number of the person's ratings that it is from."""

    ratings: int
    recommendations: list[RankedRecommendation]


class MovieSheet(Movie):
    """A movie, its ratings by year, the prediction, and the person's rating if there is one."""

    years: list[YearOfRatings]
    prediction: PredictedRating
    rating: float | None


class StoredRatingOut(BaseModel):
    """A rating that was stored, and the number of the person's ratings."""

    movieId: MovieId  # noqa: N815
    rating: float
    ratings: int


class Assistant:
    """The tools, for one person."""

    def __init__(self, live: LiveModel, store: Store, user: User) -> None:
        """Prepare for calls of a person's tools.

        Args:
            live: The model.
            store: The database with the ratings.
            user: The person.
        """
        self._live = live
        self._store = store
        self._user = user
        self._recommender = Recommender()

    @property
    def tools(self) -> tuple[Callable[..., Any], ...]:
        """The methods that are tools."""
        return (
            self.search_movies,
            self.movie_details,
            self.rate_movie,
            self.recommend_movies,
            self.predict_ratings,
        )

    def search_movies(
        self,
        query: Annotated[str, Field(max_length=200)],
        limit: Annotated[int, Field(ge=1, le=100)] = 10,
    ) -> FoundMovies:
        """Search movies by title; typing errors are tolerated."""
        snapshot = self._live.current
        rows = snapshot.title_search.find(query, limit)
        return FoundMovies(movies=[describe_movie(snapshot, row) for row in rows])

    def movie_details(self, movie: MovieId) -> MovieSheet:
        """Return a movie with its ratings by year and the person's predicted and own rating."""
        with _as_tool_errors():
            snapshot = self._live.current
            code = _code(snapshot, movie)
            row, state = movie_row(snapshot, code), self._state(snapshot)
            own = {entry.movie: entry.rating for entry in state.ratings}.get(code)
            return MovieSheet(
                **describe_movie(snapshot, row).model_dump(),
                years=[
                    YearOfRatings(year=year, ratings=count, mean=round(mean, 3))
                    for year, count, mean in ratings_by_year(snapshot, row)
                ],
                prediction=self._predictions(snapshot, state, [code])[0],
                rating=None if own is None else float(snapshot.encoding.scale.rating_of(own)),
            )

    def rate_movie(self, movie: MovieId, rating: float) -> StoredRatingOut:
        """Store the person's rating of a movie, by default from 0.5 to 5 stars in half stars.

        It replaces an earlier one, and counts at once.
        """
        with _as_tool_errors():
            snapshot = self._live.current
            code = _code(snapshot, movie)
            movie_row(snapshot, code)
            stars = stars_of(snapshot, rating)
            self._store.rate(self._user.id, [StoredRating(code, stars, int(time.time()))])
            count = len(self._store.ratings(self._user.id))
            return StoredRatingOut(movieId=movie, rating=rating, ratings=count)

    def recommend_movies(
        self,
        k: Annotated[int, Field(ge=1, le=100)] = 10,
        by: By = "rating",
        genres: Annotated[list[str] | None, Field(description="all of them")] = None,
        first_year: Annotated[int | None, Field(ge=1800, le=2200)] = None,
        last_year: Annotated[int | None, Field(ge=1800, le=2200)] = None,
    ) -> RankedMovies:
        """Rank the movies that the person has neither rated nor seen nor dismissed.

        By the predicted rating, by how likely the movie is watched and liked next, or by a blend
        of both.
        """
        with _as_tool_errors():
            snapshot = self._live.current
            names = snapshot.model.log.catalogue.genre_names
            for name in genres or ():
                if name not in names:
                    raise ToolError(f"'{name}' is not one of {', '.join(names)}")
            state = self._state(snapshot)
            request = RankingRequest(k, by, tuple(genres or ()), first_year, last_year)
            ranked = self._recommender.rank(snapshot, state.history, state.hidden, request)
            return RankedMovies(
                ratings=len(state.ratings),
                recommendations=[RankedRecommendation(**entry.as_json()) for entry in ranked],
            )

    def predict_ratings(
        self, movies: Annotated[list[MovieId], Field(max_length=100)]
    ) -> PredictedMovies:
        """Predict the person's ratings of movies, in their order."""
        with _as_tool_errors():
            snapshot = self._live.current
            codes = [_code(snapshot, movie) for movie in movies]
            state = self._state(snapshot)
            return PredictedMovies(predictions=self._predictions(snapshot, state, codes))

    def _predictions(
        self, snapshot: ModelSnapshot, state: UserState, codes: list[int]
    ) -> list[PredictedRating]:
        return [
            PredictedRating(
                movieId=found.movie,
                prediction=round(found.rating, 3),
                low=round(found.low, 3),
                high=round(found.high, 3),
            )
            for found in self._recommender.predict(snapshot, state.history, codes)
        ]

    def _state(self, snapshot: ModelSnapshot) -> UserState:
        return stored_state(self._store, snapshot, self._user.id)


@contextmanager
def _as_tool_errors() -> Generator[None]:
    """Raise foreseen failures as errors that the assistant is shown."""
    try:
        yield
    except ProblemError as error:
        raise ToolError(error.detail) from error
    except ForeseenError as error:
        raise ToolError(str(error)) from error


def _code(snapshot: ModelSnapshot, movie: Id) -> int:
    code = snapshot.encoding.movies.code(movie)
    if code == UNKNOWN:
        raise ToolError(f"the catalogue has no movie {movie}")
    return code


def find_person(store: Store, name: str | None) -> User:
    """Return the account with a name; without one, the only person of the database.

    That is the only account; if there are no accounts, the latest guest, or a new one.

    Raises:
        InputError: If there is no account with the name, or none is named and there are several.
    """
    accounts, guests = store.people()
    if name is not None:
        found = [user for user in accounts if user.name == name.lower()]
        if not found:
            raise InputError(f"--user: the database has no account '{name}'")
        return found[0]
    if len(accounts) > 1:
        raise InputError("the database has several accounts; name one with --user NAME")
    if accounts or guests:
        return (accounts or guests)[-1]
    return store.add_guest(int(time.time()))


def run(folder: Path, database: str, name: str | None) -> None:
    """Serve the tools over standard input and output until the client closes them.

    Args:
        folder: The folder of models.
        database: URL of the database.
        name: Name of the account; see `find_person`.

    Raises:
        ModelFolderError: If the folder holds no models, or none is sound.
        InputError: If the URL or the name is not valid.
        StoreError: If the database is unavailable.
    """
    live = LiveModel(folder)
    store = None
    try:
        store = Store(database)
        server: MCPServer[Any] = MCPServer(
            "foreseen", instructions=_INSTRUCTIONS, log_level="WARNING"
        )
        for tool in Assistant(live, store, find_person(store, name)).tools:
            server.add_tool(tool)
        server.run("stdio")
    finally:
        live.close()
        if store is not None:
            store.close()
