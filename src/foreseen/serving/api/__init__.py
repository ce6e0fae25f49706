"""The HTTP API, version 1."""

from typing import Final

from foreseen.serving.api import exports, groups, lists, me, model, movies, sessions, together

ROUTERS: Final = (
    movies.router,
    me.router,
    lists.router,
    exports.router,
    together.router,
    groups.router,
    sessions.router,
    model.router,
)
