"""Downloads of GroupLens data sets, verified by checksum and cached in a folder of the user."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_cache_path

from foreseen.errors import DownloadError
from foreseen.progress import progress_bar

if TYPE_CHECKING:
    import httpx

SITE: Final = "https://files.grouplens.org/datasets/movielens"
# MD5 sums as GroupLens publishes them; that of ml-latest changes and is fetched.
DOWNLOADS: Final[dict[str, str | None]] = {
    "ml-100k": "0e33842e24a9c977be4e0107933c0723",
    "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
    "ml-10m": "ce571fd55effeba0271552578f2648bd",
    "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "ml-25m": "6b51fb2759a8657d3bfcbfc42b592ada",
    "ml-32m": "d472be332d4daa821edc399621853b57",
    "ml-latest": None,
}
_BLOCK: Final = 1 << 20
_PARTIAL_CONTENT: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


def cache_folder() -> Path:
    """Return the folder of downloads: `FORESEEN_CACHE` if set, else the user's cache folder."""
    configured = os.environ.get("FORESEEN_CACHE")
    return Path(configured) if configured else user_cache_path("foreseen")


def fetch(name: str, *, site: str = SITE, folder: Path | None = None) -> Path:
    """Return the zip of a data set, downloading it if it is not cached.

    An interrupted download is resumed. A file gets its final name once its checksum matches.

    Args:
        name: A key of `DOWNLOADS`.
        site: URL of the folder with the zips.
        folder: The cache; None for `cache_folder()`.

    Raises:
        DownloadError: If the site cannot be reached or the checksum does not match.
    """
    # Imported here because it takes a tenth of a second, and few commands download anything.
    import httpx

    folder = folder or cache_folder()
    file = folder / f"{name}.zip"
    if file.exists():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    url = f"{site}/{name}.zip"
    part = file.with_suffix(".zip.part")
    try:
        with httpx.Client(timeout=30, follow_redirects=True) as client:
            expected = DOWNLOADS.get(name) or _published_checksum(client, url)
            _download(client, url, part, name)
    except (httpx.HTTPError, OSError) as error:
        message = (
            f"{name} cannot be downloaded ({error or type(error).__name__}). "
            f"Fetch {url} by hand and save it as {file}, or give a folder or zip instead of a name"
        )
        raise DownloadError(message) from error
    found = _md5(part)
    if found != expected:
        part.unlink()
        message = f"{url}: the MD5 sum should be {expected}. Received: {found}; try again"
        raise DownloadError(message)
    part.replace(file)
    return file


def _published_checksum(client: "httpx.Client", url: str) -> str:
    text = client.get(f"{url}.md5").raise_for_status().text
    words = text.replace("=", " ").split()
    for word in words:
        if len(word) == 32 and set(word.lower()) <= set("0123456789abcdef"):
            return word.lower()
    raise DownloadError(f"{url}.md5 has no MD5 sum; try again later")


def _download(client: "httpx.Client", url: str, part: Path, name: str) -> None:
    present = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={present}-"} if present else {}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            return
        response.raise_for_status()
        if response.status_code != _PARTIAL_CONTENT:
            present = 0
        remaining = int(response.headers.get("Content-Length", 0))
        with (
            part.open("ab" if present else "wb") as out,
            progress_bar(
                f"downloading {name}", present + remaining or None, unit="bytes"
            ) as advance,
        ):
            advance(present)
            for block in response.iter_bytes(_BLOCK):
                out.write(block)
                advance(len(block))


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
