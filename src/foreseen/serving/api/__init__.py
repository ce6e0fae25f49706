"""The HTTP API, version 1."""

from typing import Final

from foreseen.serving.api import me, model, movies, sessions

ROUTERS: Final = (movies.router, me.router, sessions.router, model.router)
