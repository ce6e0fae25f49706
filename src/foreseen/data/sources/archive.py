"""Uniform access to the files of a folder or a zip."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from foreseen.data.input_files import display, path_error, read_file
from foreseen.data.sources.compression import SUFFIXES, decompress
from foreseen.data.sources.zips import member_names, open_zip, read_member, zip_path
from foreseen.data.text import excerpt
from foreseen.errors import DataError

MAX_EXPORT_BYTES: Final = 32 << 20
_MAX_EXPORT_MEMBERS: Final = 50
_MAX_DEPTH: Final = 5
_MAX_ENTRIES: Final = 20_000
_DISCARDED: Final = frozenset({"deleted", "orphaned"})
"""Folders in the export of Letterboxd with what the user deleted."""
_NETFLIX_RATINGS: Final = "training_set"
_NETFLIX_TITLES: Final = ("movie_titles.csv", "movie_titles.txt")


@dataclass(frozen=True)
class Archive:
    """The files of one data set: those of one folder, below a folder or in a zip.

    Attributes:
        path: The folder or zip.
        members: Paths of the files in it, by lower-case name without folders and without the
            extension of a compressed file.
    """

    path: Path
    members: Mapping[str, str]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str) -> bytes:
        """Return the content of a file, decompressed; see `read_all`."""
        (content,) = self.read_all([name])
        return content

    def read_all(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the content of files, decompressed.

        Raises:
            DataError: If a file cannot be read, the zip is damaged, or it would fill the memory.
        """
        if self.path.is_dir():
            for name in names:
                content = read_file(self.path / self.members[name])
                yield decompress(content, self.display_path(name))
            return
        with open_zip(self.path, display(self.path), "fetch it again") as bundle:
            for name in names:
                place = self.display_path(name)
                yield decompress(read_member(bundle, self.members[name], place), place)

    def display_path(self, name: str) -> str:
        """Return the path of a file for messages."""
        return zip_path(self.path, self.members[name])


def open_archive(path: Path, ratings: Sequence[re.Pattern[str]]) -> Archive:
    """List the files of the data set in a folder or zip.

    It is in the folder nearest to the top that has a ratings file; files of other folders do not
    belong to it.

    Args:
        path: The folder or zip.
        ratings: Patterns of the lower-case names of ratings files, in the order of preference.

    Raises:
        DataError: If `path` does not exist, is neither a folder nor a valid zip, or if several
            folders have a ratings file.
    """
    try:
        if path.is_dir():
            names = _folder_files(path)
        elif not path.exists():
            raise DataError(f"{display(path)}: no such file or folder")
        elif not path.is_file():
            raise DataError(f"{display(path)} is neither a file nor a folder; give one")
        else:
            with open_zip(path, display(path), "give a folder or fetch the zip again") as bundle:
                names = member_names(bundle)
    except (OSError, ValueError) as error:
        raise path_error(path, error) from error
    return Archive(path, _data_set(path, names, ratings))


def _data_set(path: Path, names: list[str], ratings: Sequence[re.Pattern[str]]) -> dict[str, str]:
    by_folder: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        by_folder[str(PurePosixPath(name).parent)].setdefault(_plain_name(name), name)
    for pattern in ratings:
        found = [
            folder for folder, files in by_folder.items() if any(map(pattern.fullmatch, files))
        ]
        if found:
            break
    else:
        return {name: member for files in by_folder.values() for name, member in files.items()}
    depth = min(map(_depth, found))
    nearest = [folder for folder in found if _depth(folder) == depth]
    if len(nearest) > 1:
        several = excerpt(", ".join(sorted(nearest)), 200)
        raise DataError(f"{display(path)} has several data sets: {several}; give the folder of one")
    files = by_folder[nearest[0]]
    folder = PurePosixPath(nearest[0])
    # The Netflix Prize has its titles in the folder above.
    above = by_folder[str(folder.parent)] if folder.name.lower() == _NETFLIX_RATINGS else {}
    return files | {name: above[name] for name in _NETFLIX_TITLES if name in above}


def _plain_name(name: str) -> str:
    plain = PurePosixPath(name).name.lower()
    for suffix in SUFFIXES:
        plain = plain.removesuffix(suffix)
    return plain


def _depth(folder: str) -> int:
    return len(PurePosixPath(folder).parts)


def _folder_files(path: Path, depth: int = 0) -> list[str]:
    """Return the relative paths of the files in a folder and its subfolders, hidden ones apart."""
    names: list[str] = []
    folders: list[Path] = []
    for entry in sorted(path.iterdir()):
        if entry.is_file():
            names.append(entry.name)
        elif depth < _MAX_DEPTH and not entry.name.startswith(".") and entry.is_dir():
            folders.append(entry)
        if len(names) + len(folders) > _MAX_ENTRIES:
            raise DataError(
                f"{display(path)} has over {_MAX_ENTRIES:,} files; give a smaller folder"
            )
    for folder in folders:
        names += [f"{folder.name}/{name}" for name in _folder_files(folder, depth + 1)]
    return names


def open_zip_members(
    data: bytes, name: str, pattern: str, further: str = ""
) -> list[tuple[bytes, str]]:
    """Return content and display name of the files of a zip that match a pattern.

    Of files with the same name in several folders the one nearest to the top is kept, and none in
    a folder of what the user deleted. Files are sorted by the numbers in their names.

    Args:
        data: Content of the zip.
        name: Name of the zip in messages.
        pattern: A regular expression for the end of the lower-case path.
        further: A pattern for further files, which messages do not name.

    Raises:
        DataError: If the zip is damaged, too large, or has no such file.
    """
    found: list[tuple[bytes, str]] = []
    with open_zip(data, name, "export it again") as bundle:
        remaining = MAX_EXPORT_BYTES
        for member in matching_members(member_names(bundle), pattern, further):
            display_name = f"{name}, {excerpt(member)}"
            content = read_member(bundle, member, display_name, remaining)
            remaining -= len(content)
            found.append((content, display_name))
    if not found:
        raise DataError(
            f"{name} has no file {readable(pattern)}; check that it is the right export"
        )
    return found


def open_folder_members(path: Path, pattern: str, further: str = "") -> list[tuple[bytes, str]]:
    """Return the same for the files of a folder; see `open_zip_members`."""
    try:
        members = matching_members(_folder_files(path), pattern, further)
    except OSError as error:
        raise path_error(path, error) from error
    if not members:
        message = f"{display(path)} has no file {readable(pattern)}"
        raise DataError(f"{message}; check that it is the right export")
    return [
        (read_file(path / member, MAX_EXPORT_BYTES), display(path / member)) for member in members
    ]


def matching_members(members: Iterable[str], pattern: str, further: str = "") -> list[str]:
    """Return the paths whose end matches a pattern, in the order of the numbers in their names.

    Those that match `further` come after the others.
    """
    by_name: dict[str, str] = {}
    by_depth = sorted(members, key=lambda path: path.count("/"))
    for wanted in filter(None, (pattern, further)):
        for member in by_depth:
            path = member.lower()
            match = re.search(rf"(?:^|/)(?P<name>{wanted})$", path)
            if match and _DISCARDED.isdisjoint(path.split("/")[:-1]):
                by_name.setdefault(match["name"], member)
    ordered = sorted(
        by_name, key=lambda file: [int(part[:9]) for part in re.findall(r"[0-9]+", file)]
    )
    return [by_name[file] for file in ordered[:_MAX_EXPORT_MEMBERS]]


def readable(pattern: str) -> str:
    """Return a pattern of file names for messages."""
    for part, text in (("\\", ""), ("(-d+)?", ""), ("[-_]", "-"), ("[^/]*", "*"), ("|", " or ")):
        pattern = pattern.replace(part, text)
    return pattern
