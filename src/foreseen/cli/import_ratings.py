"""The command that imports a person's ratings from another service."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from foreseen.cli.options import (
    AsJson,
    ServiceName,
    parse_id,
    parse_name,
    parse_path,
    parse_scale,
)
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_file, is_stdout, write_output
from foreseen.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from foreseen.data.encoding import Encoding
    from foreseen.data.match_report import ListMatches, MatchReport
    from foreseen.data.sources.exports import ReadOptions
    from foreseen.data.title_matching import TitleIndex

_DIGITS: Final = 6
"""Decimal digits in which stored ratings equal imported ones."""
_LIST_LABELS: Final = {"seen": "seen without a rating", "watchlist": "saved to be watched"}


def import_ratings(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            parser=parse_path,
            help="Exported file, zip, or folder of an unpacked zip.",
        ),
    ],
    service: Annotated[
        ServiceName | None,
        typer.Option(
            "--from", help="Service that exported it; csv for any other table; default: recognised."
        ),
    ] = None,
    movies: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            parser=parse_name,
            help="Data set to match titles with; default: the movies of --into, else the "
            "built-in data set.",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", parser=parse_path, help="Trained model to add the ratings to."),
    ] = None,
    user: Annotated[
        str,
        typer.Option(metavar="ID", parser=parse_id, help="User id for the ratings."),
    ] = "1000000000",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=parse_path,
            help="Output file with userId,movieId,rating,timestamp: .csv, .parquet or .json; - "
            "for standard output, as CSV.",
        ),
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE:MOVIE", help="Movie id for an ambiguous line; may be repeated."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=NAME,...",
            help="Columns of another table, such as title=film,year=released,rating=score,"
            "date=seen; keys also imdb, tmdb and type.",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH", help="Scale of the ratings of another table; default: recognised."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import ratings that a person exported from another service, and report the matches.

    Nothing is written without --into or --out. Films that are seen or saved without a rating are
    reported; the web page imports them too.

    Example: `foreseen import letterboxd.zip --into model --user 900001`
    """
    from foreseen.data.encoding import as_id
    from foreseen.data.output import TABLE_FORMATS, write_table
    from foreseen.data.sources.exports import load_export
    from foreseen.data.title_matching import match_export, parse_choices
    from foreseen.registry.layout import rating_scale

    check_file(out, TABLE_FORMATS)
    if into is not None:
        rating_scale(into).check_has_ratings("name a model of ratings with --into")
    choices = parse_choices(choose or [])
    options = _read_options(columns, scale)
    export = load_export(file, service.value if service else None, options)
    index, encoding = _catalogue(movies, into)
    if out is not None:
        encoding.scale.check_has_ratings("name a data set of ratings with --movies")
    report = match_export(export, index, choices)
    report.check_matched(str(file), len(index.movies), has_links=index.has_links)
    if export.listed and not export.ratings and (out is not None or into is not None):
        raise InputError(
            f"{file} has no ratings, only films that are seen or saved; import it on the web page "
            "(foreseen serve DIR)"
        )
    document: dict[str, Any] = {
        **report.as_json(),
        "userId": as_id(user),
        "dryRun": into is None and out is None,
    }
    if out is not None:
        ratings = _ratings(report, user, int(time.time()), encoding)
        write_output(out, ".csv", lambda path: write_table(ratings, path))
    if into is not None:
        document["changed"] = _observe(report, into, user, encoding)
    if out is not None:
        document["file"] = str(out)
    if is_stdout(out):
        return
    with after_change():
        if as_json:
            print_json(document)
            return
        _print_report(report, document)


def _read_options(columns: str | None, scale: str | None) -> "ReadOptions":
    from foreseen.data.sources.export_columns import parse_columns
    from foreseen.data.sources.exports import ReadOptions

    return ReadOptions(
        parse_columns(columns) if columns is not None else {},
        parse_scale(scale),
    )


def _catalogue(movies: str | None, into: Path | None) -> "tuple[TitleIndex, Encoding]":
    """Return the movies to match titles with, and the ids and the scale of their data."""
    from foreseen.data.canonical import load_data
    from foreseen.data.sources import BUILT_IN
    from foreseen.data.title_matching import TitleIndex
    from foreseen.registry import versions

    if into is not None and movies is None:
        model, links = versions.load_model(into), versions.read_links(into)
        table, encoding = model.log.catalogue.table, model.encoding
    else:
        tables = load_data(movies or BUILT_IN)
        table, links, encoding = tables.movies, tables.links, tables.encoding
    return TitleIndex.of(table, links, encoding.movies), encoding


def _ratings(report: "MatchReport", user: str, latest: int, encoding: "Encoding") -> "pl.DataFrame":
    """Return the matched ratings; those without a timestamp, or a later one, get the latest.

    Args:
        report: The matched ratings.
        user: The user who gave them.
        latest: The latest timestamp.
        encoding: The ids and the scale of the result.
    """
    import polars as pl

    from foreseen.data.canonical import ratings_frame
    from foreseen.data.encoding import as_id
    from foreseen.data.schema import USER

    ratings = ratings_frame(
        (
            0,
            match.candidates[0].movie,
            match.film.stars,
            min(match.film.timestamp or latest, latest),
        )
        for match in report.matched
    )
    return encoding.decode(ratings).with_columns(pl.lit(as_id(user)).alias(USER))


def _observe(report: "MatchReport", folder: Path, user: str, encoding: "Encoding") -> int:
    """Add the ratings that a model does not contain; return their number.

    Args:
        report: The matched ratings.
        folder: The models.
        user: The user who gave them.
        encoding: The ids of the movies that they are matched with.
    """
    import polars as pl

    from foreseen.data.schema import MOVIE, RATING, USER
    from foreseen.registry import versions

    with versions.write_lock(folder):
        model = versions.load_model(folder)
        ratings = _ratings(
            report, user, model.log.end, replace(encoding, scale=model.encoding.scale)
        )
        # Ratings that are not stars are not converted back exactly.
        stored, given = (
            table.select(USER, MOVIE, pl.col(RATING).round(_DIGITS))
            for table in (model.log.ratings, model.encoding.encode(ratings))
        )
        rows = given.with_row_index().join(stored, on=[USER, MOVIE, RATING], how="anti")
        new = ratings[rows["index"].to_list()]
        if not new.is_empty():
            versions.save_log(model.observe(new), folder)
    return new.height


def _print_report(report: "MatchReport", document: dict[str, Any]) -> None:
    from foreseen.data.sources.exports import EXPORT_FORMATS

    export = report.export
    rows = [
        ["read as", f"{EXPORT_FORMATS[export.service].label}, rated from {export.scale}"],
        ["matched", str(len(report.matched))],
        ["ambiguous", str(len(report.ambiguous))],
        ["missing", str(len(report.missing))],
        ["not valid", str(len(export.unreadable))],
        ["not a rating of a movie", _counts(report.skipped)],
        ["rated more than once", str(report.repeated)],
        *(
            [_LIST_LABELS[name], _list_counts(matches)]
            for name, matches in report.lists.items()
            if any(film.film_list == name for film in export.listed)
        ),
    ]
    if report.unknown_types:
        rows.append(["of a type that may be no movie", _counts(report.unknown_types)])
    if undated := sum(match.film.timestamp is None for match in report.matched):
        rows.append(["without a date, taken as the latest", str(undated)])
    if export.ambiguous_dates:
        rows.append(["with a date whose day could be its month", str(export.ambiguous_dates)])
    labels = {"changed": "added to the model", "file": "written to"}
    rows += [[label, str(document[key])] for key, label in labels.items() if key in document]
    if document["dryRun"]:
        rows.append(["written", "nothing; --into DIR adds to a model, --out FILE writes a file"])
    print_table(None, ["", "ratings"], rows)
    ambiguous = [
        [
            str(film.line),
            film.title,
            ", ".join(f"{film.line}:{entry.identifier} {entry}" for entry in candidates),
        ]
        for film, candidates in report.all_ambiguous()
    ]
    if ambiguous:
        header = ["line", "title", "candidates"]
        print_table("ambiguous: choose one with --choose LINE:MOVIE", header, ambiguous)
    missing = [[str(film.line), film.title, str(film.year or "")] for film in report.all_missing()]
    if missing:
        print_table("not in the catalogue", ["line", "title", "year"], missing)
    invalid = [[str(entry.line), entry.reason] for entry in report.export.unreadable]
    if invalid:
        print_table("not valid", ["line", "reason"], invalid)


def _list_counts(matches: "ListMatches") -> str:
    """Return the numbers of the movies of a list, and of its ambiguous and missing entries."""
    numbers = len(matches.matched), len(matches.ambiguous), len(matches.missing)
    return "{} (ambiguous {}, missing {})".format(*numbers)


def _counts(counts: "Mapping[str, int]") -> str:
    """Return a total, and its parts by name."""
    parts = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{sum(counts.values())} ({parts})" if parts else "0"
