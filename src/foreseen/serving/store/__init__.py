"""The store: users, ratings, lists, groups, rankings that were shown. The only code with SQL."""

from foreseen.serving.store.activity import Activity, Impression
from foreseen.serving.store.attempts import Attempts
from foreseen.serving.store.errors import ConflictError, StoreError, StoreUnavailableError
from foreseen.serving.store.groups import Group, Groups
from foreseen.serving.store.movie_lists import (
    MOVIE_LISTS,
    ListedMovie,
    MovieList,
    MovieLists,
)
from foreseen.serving.store.ratings import Ratings, StoredRating
from foreseen.serving.store.sessions import Sessions, Token
from foreseen.serving.store.users import User

__all__ = [
    "MOVIE_LISTS",
    "ConflictError",
    "Group",
    "Impression",
    "ListedMovie",
    "MovieList",
    "Store",
    "StoreError",
    "StoreUnavailableError",
    "StoredRating",
    "Token",
    "User",
]


class Store(Sessions, Attempts, Ratings, MovieLists, Groups, Activity):
    """An open database with all data of the application."""
