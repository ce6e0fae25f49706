"""The HTTP API, version 1."""

from typing import Final

from foreseen.serving.api import model, movies, own, sessions

ROUTERS: Final = (movies.router, own.router, sessions.router, model.router)
