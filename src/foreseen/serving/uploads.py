"""Matching of an uploaded export; imported by the process that does it, so without the server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from foreseen.data.encoding import Id
from foreseen.data.input_files import display
from foreseen.data.sources.exports import Provider, ReadOptions, read_export
from foreseen.data.sources.personal import FilmList
from foreseen.data.sources.zips import SIGNATURE, open_zip
from foreseen.data.title_matching import TitleIndex, match_export
from foreseen.errors import DataError

_SMALL: Final = 1 << 17


@dataclass(frozen=True)
class Upload:
    """An uploaded export.

    Attributes:
        data: The content of the file.
        name: The name of the file.
        provider: The service that made it; None to recognise it.
        choices: Movie ids by line, to resolve ambiguous entries.
        options: How to read a table that no known service wrote.
    """

    data: bytes
    name: str
    provider: Provider | None
    choices: Mapping[int, Id]
    options: ReadOptions = field(default_factory=ReadOptions)

    @property
    def is_small(self) -> bool:
        """Whether the file, unpacked if it is a zip, is read and matched in a moment."""
        if len(self.data) > _SMALL or not self.data.startswith(SIGNATURE):
            return len(self.data) <= _SMALL
        try:
            with open_zip(self.data, self.name, "") as bundle:
                return sum(member.file_size for member in bundle.infolist()) <= _SMALL
        except DataError:
            return True  # It is refused in a moment.


@dataclass(frozen=True)
class MatchedExport:
    """The ratings and listed films of an export that belong to a movie each.

    Attributes:
        ratings: Movie, stars, and the second it was given if the export has it.
        counts: Numbers of matched, ambiguous and missing entries.
        report: The match report as a JSON document.
        service: The service that made it.
        lists: The movies of each list, with the second they were watched or saved if it is known.
    """

    ratings: list[tuple[int, float, int | None]]
    counts: dict[str, int]
    report: bytes
    service: str
    lists: dict[FilmList, list[tuple[int, int | None]]]


def match_upload(upload: Upload, index: TitleIndex) -> MatchedExport:
    """Match the entries of an export to the movies of an index.

    Raises:
        DataError: If the file does not have the provider's layout, or no entry matches.
    """
    export = read_export(upload.data, upload.name, upload.provider, upload.options)
    report = match_export(export, index, upload.choices)
    report.check_matched(display(upload.name), len(index.movies), has_links=index.has_links)
    ratings = [
        (match.candidates[0].movie, match.film.stars, match.film.timestamp)
        for match in report.matched
    ]
    lists: dict[FilmList, list[tuple[int, int | None]]] = {
        name: [(match.candidates[0].movie, match.film.timestamp) for match in matches.matched]
        for name, matches in report.lists.items()
    }
    counts = {
        "matched": len(ratings) + sum(map(len, lists.values())),
        "ambiguous": sum(1 for _ in report.all_ambiguous()),
        "missing": sum(1 for _ in report.all_missing()),
    }
    text = json.dumps(report.as_json(), ensure_ascii=False, separators=(",", ":"))
    return MatchedExport(ratings, counts, text.encode(), export.service, lists)
