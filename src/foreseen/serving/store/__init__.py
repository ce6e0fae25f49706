"""The store: who there is, what they rated, what they were shown. The only place with SQL."""

from typing import Final

from foreseen.serving.store.activity import Dealings, Shown
from foreseen.serving.store.ratings import Rated, Ratings
from foreseen.serving.store.users import People, Token, User

__all__ = ["FIRST_ID", "Rated", "Shown", "Store", "Token", "User"]

FIRST_ID: Final = 1_000_000_000
"""Added to the store's user ids where they meet those of a data set."""


class Store(People, Ratings, Dealings):
    """An open database with all that the application keeps."""
