"""Posters of movies: image files of the operator, else of TMDB, named by ids of IMDb and TMDB."""

import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.tmdb import CREDIT, TmdbPosters
from foreseen.serving.transfer import CachedStaticFiles

PATH: Final = "/posters"
TMDB_PATH: Final = "/posters/tmdb"
CREDITS: Final = "credits.txt"
_NAME: Final = re.compile(r"(tt)?[0-9]{1,12}\.jpg")
_CREDIT_LENGTH: Final = 200


class Posters:
    """A folder of posters: `tt0111161.jpg` by the id of IMDb, or `278.jpg` by that of TMDB.

    The folder may change at any time. Movies without one there have that of TMDB.
    """

    def __init__(self, folder: Path | None, tmdb: TmdbPosters | None = None) -> None:
        """Look up posters.

        Args:
            folder: The folder of the operator; None without.
            tmdb: The posters of TMDB; None without.
        """
        self._folder = folder
        self._tmdb = tmdb

    def address(self, snapshot: ModelSnapshot, movie: int) -> str | None:
        """Return the address of the poster of a movie; None without one.

        It contains the time of the last change, so that browsers may keep the image.
        """
        names = snapshot.external_ids.get(movie, ("", ""))
        for name in names:
            file = f"{name}.jpg"
            if self._folder is None or not _NAME.fullmatch(file):
                continue
            with suppress(OSError):
                return f"{PATH}/{file}?{(self._folder / file).stat().st_mtime_ns:x}"
        tmdb = names[1]
        if self._tmdb is None or (changed := self._tmdb.version(tmdb)) is None:
            return None
        return f"{TMDB_PATH}/{tmdb}.jpg?{changed:x}"

    @cached_property
    def credits(self) -> tuple[str, ...]:
        """Whose posters they are: the operator's, which may be empty, and TMDB's."""
        own = () if self._folder is None else (self._own_credit(self._folder),)
        return own if self._tmdb is None else (*own, CREDIT)

    def _own_credit(self, folder: Path) -> str:
        """Return the first line of `credits.txt` in the folder, or an empty text."""
        try:
            text = (folder / CREDITS).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return text.strip().partition("\n")[0][:_CREDIT_LENGTH]


class PosterFiles(CachedStaticFiles):
    """The posters of a folder, and no other files of it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the response for a path; a name that is no id of a movie is not found."""
        if not _NAME.fullmatch(path):
            raise HTTPException(404)
        return await super().get_response(path, scope)
