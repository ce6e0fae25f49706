"""The store: users, their ratings and the rankings they were shown. The only code with SQL."""

from typing import Final

from foreseen.serving.store.activity import Activity, Impression
from foreseen.serving.store.ratings import Ratings, StoredRating
from foreseen.serving.store.users import Token, User, Users

__all__ = ["FIRST_ID", "Impression", "Store", "StoredRating", "Token", "User"]

FIRST_ID: Final = 1_000_000_000
"""Added to the store's user ids where they are mixed with those of a data set."""


class Store(Users, Ratings, Activity):
    """An open database with all data of the application."""
