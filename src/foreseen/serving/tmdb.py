"""Posters of TMDB, fetched in the background by the ids of movies and kept in a folder."""

import logging
import queue
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from pydantic import BaseModel

from foreseen.files import write_atomically
from foreseen.serving.hosts import is_safe_url

CREDIT: Final = "This product uses the TMDB API but is not endorsed or certified by TMDB."
"""The attribution that TMDB requires, in its words."""
_SIZES: Final = ("w342", "w500", "original")
"""Sizes of posters, the preferred first."""
_ID: Final = re.compile(r"[1-9][0-9]{0,11}")
_PATH: Final = re.compile(r"/[\w.-]{1,100}\.jpg")
_JPEG: Final = b"\xff\xd8\xff"
_LARGEST: Final = 2 << 20
_MOST_WAITING: Final = 500
_KEPT_SECONDS: Final = 150 * 86_400
"""TMDB allows to keep its content for six months."""
_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 60.0
"""Pause after a failure, in which nothing is asked for."""
_LONGEST_PAUSE_SECONDS: Final = 3600.0
_AGAIN_SECONDS: Final = 86_400.0
"""When to ask again for a movie without a poster."""
_LONGEST_V3_KEY: Final = 32
_LOG: Final = logging.getLogger("foreseen.serving")


@dataclass(frozen=True)
class TmdbConfig:
    """How posters are fetched.

    Attributes:
        folder: Where they are kept, as `278.jpg`.
        url: Of the API, such as https://api.themoviedb.org/3.
        key: An API key, or a longer "API read access token".
    """

    folder: Path
    url: str
    key: str = field(repr=False)


class _Images(BaseModel):
    secure_base_url: str
    poster_sizes: list[str]


class _Configuration(BaseModel):
    images: _Images


class _Movie(BaseModel):
    poster_path: str | None = None


class _RefusedError(Exception):
    """The API does not give what was asked for; `pause` is how long to ask for nothing."""

    def __init__(self, reason: str, pause: float = _PAUSE_SECONDS) -> None:
        super().__init__(reason)
        self.pause = pause


class TmdbPosters:
    """Posters in a folder; those that are missing are fetched by one thread, one after another.

    Pages never wait for it: while a poster is missing, there is none.
    """

    def __init__(self, config: TmdbConfig) -> None:
        """Start the thread.

        Args:
            config: How posters are fetched.
        """
        self._config = config
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._asked: dict[str, float] = {}
        self._stopped = threading.Event()
        self._images = ""
        config.folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="posters", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a request in progress is given up with the process."""
        self._stopped.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def version(self, movie: str) -> int | None:
        """Return the time of the last change of a poster by id of TMDB; None if it is missing.

        A missing or old one is fetched, unless too many are waiting.
        """
        if not _ID.fullmatch(movie):
            return None
        try:
            changed = (self._config.folder / f"{movie}.jpg").stat().st_mtime_ns
        except OSError:
            self._ask_for(movie)
            return None
        if changed < (time.time() - _KEPT_SECONDS) * 1e9:
            self._ask_for(movie)
            return None
        return changed

    def _ask_for(self, movie: str) -> None:
        now = time.monotonic()
        if now - self._asked.get(movie, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return
        with suppress(queue.Full):
            self._waiting.put_nowait(movie)
            self._asked[movie] = now

    def _run(self) -> None:
        headers = {"Accept": "application/json"}
        parameters: dict[str, str] = {}
        if len(self._config.key) > _LONGEST_V3_KEY:
            headers["Authorization"] = f"Bearer {self._config.key}"
        else:
            parameters["api_key"] = self._config.key
        with httpx.Client(timeout=_TIMEOUT_SECONDS, headers=headers) as client:
            while (movie := self._waiting.get()) is not None and not self._stopped.is_set():
                try:
                    self._fetch(client, parameters, movie)
                except _RefusedError as error:
                    self._pause(movie, str(error), error.pause)
                except Exception as error:
                    # The message of an error of httpx may contain the address, and so the key.
                    self._pause(movie, type(error).__name__, _PAUSE_SECONDS)

    def _pause(self, movie: str, reason: str, seconds: float) -> None:
        _LOG.warning("no poster of TMDB for movie %s: %s", movie, reason)
        self._asked.pop(movie, None)
        self._stopped.wait(seconds)

    def _fetch(self, client: httpx.Client, parameters: dict[str, str], movie: str) -> None:
        file = self._config.folder / f"{movie}.jpg"
        with suppress(OSError):
            # Another worker may have fetched it meanwhile.
            if file.stat().st_mtime > time.time() - _KEPT_SECONDS:
                return
        if not self._images:
            self._images = self._image_address(client, parameters)
        text = _get_json(client, f"{self._config.url}/movie/{movie}", parameters)
        path = None if text is None else _Movie.model_validate_json(text).poster_path
        if path is None or not _PATH.fullmatch(path):
            file.unlink(missing_ok=True)
            return
        image = _get_image(f"{self._images}{path}")
        write_atomically(file, lambda target: target.write_bytes(image))

    def _image_address(self, client: httpx.Client, parameters: dict[str, str]) -> str:
        """Return the beginning of the addresses of images."""
        text = _get_json(client, f"{self._config.url}/configuration", parameters)
        images = _Configuration.model_validate_json(text or b"{}").images
        size = next((name for name in _SIZES if name in images.poster_sizes), None)
        if size is None or not is_safe_url(images.secure_base_url):
            raise _RefusedError("the configuration names no address of posters")
        return f"{images.secure_base_url.rstrip('/')}/{size}"


def _get_json(client: httpx.Client, url: str, parameters: dict[str, str]) -> bytes | None:
    """Return the JSON text at an address of the API; None if there is none."""
    response = client.get(url, params=parameters)
    if response.status_code == 404:
        return None
    if not response.is_success:
        seconds = response.headers.get("retry-after", "")
        pause = float(seconds) if seconds.isdecimal() else _PAUSE_SECONDS
        if response.status_code in {401, 403}:
            pause = _LONGEST_PAUSE_SECONDS
        pause = min(pause, _LONGEST_PAUSE_SECONDS)
        raise _RefusedError(f"the API responded with status {response.status_code}", pause)
    return response.content


def _get_image(url: str) -> bytes:
    """Return a JPEG image; the request does not have the key."""
    with httpx.stream("GET", url, timeout=_TIMEOUT_SECONDS) as response:
        if not response.is_success:
            raise _RefusedError(f"the image has status {response.status_code}")
        image = bytearray()
        for block in response.iter_bytes():
            image += block
            if len(image) > _LARGEST:
                raise _RefusedError(f"the image has more than {_LARGEST >> 20} MiB")
    if not image.startswith(_JPEG):
        raise _RefusedError("the image is no JPEG")
    return bytes(image)
