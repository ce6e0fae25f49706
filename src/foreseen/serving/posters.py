"""Posters of movies: image files in a folder of the operator, named by ids of IMDb and TMDB."""

import re
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.transfer import CachedStaticFiles

PATH: Final = "/posters"
CREDITS: Final = "credits.txt"
_NAME: Final = re.compile(r"(tt)?[0-9]{1,12}\.jpg")
_CREDIT_LENGTH: Final = 200


class Posters:
    """A folder of posters: `tt0111161.jpg` by the id of IMDb, or `278.jpg` by that of TMDB.

    The folder may change at any time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def address(self, snapshot: ModelSnapshot, movie: int) -> str | None:
        """Return the address of the poster of a movie; None without one.

        It contains the time of the last change, so that browsers may keep the image.
        """
        for name in snapshot.external_ids.get(movie, ()):
            file = f"{name}.jpg"
            try:
                changed = (self._folder / file).stat().st_mtime_ns if name else None
            except OSError:
                continue
            if changed is not None and _NAME.fullmatch(file):
                return f"{PATH}/{file}?{changed:x}"
        return None

    @cached_property
    def credit(self) -> str:
        """Whose posters they are: the first line of `credits.txt` in the folder, or empty."""
        try:
            text = (self._folder / CREDITS).read_text(encoding="utf-8", errors="replace")
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
