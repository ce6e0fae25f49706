"""The command that imports a person's ratings from another service."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foreseen.cli.options import AsJson, ServiceName, parse_name, parse_path, whole_number
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_file, is_stdout, write_output

if TYPE_CHECKING:
    import polars as pl

    from foreseen.data.title_matching import MatchReport


def import_ratings(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", parser=parse_path, help="Exported file: zip, CSV or JSON."),
    ],
    service: Annotated[ServiceName, typer.Option("--from", help="Service that exported it.")],
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
        int,
        typer.Option(metavar="ID", parser=whole_number(0), help="User id for the ratings."),
    ] = 1_000_000_000,
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
    as_json: AsJson = False,
) -> None:
    """Import ratings that a person exported from another service, and report the matches.

    Example: `foreseen import letterboxd.zip --from letterboxd --into model --user 900001`
    """
    from foreseen.data.output import TABLE_FORMATS, write_table
    from foreseen.data.sources.exports import load_export
    from foreseen.data.title_matching import TitleIndex, match_export, parse_choices

    check_file(out, TABLE_FORMATS)
    export = load_export(file, service.value)
    table, links = _catalogue(movies, into)
    choices = parse_choices(choose or [])
    report = match_export(export, TitleIndex.of(table, links), choices)
    document: dict[str, Any] = {**report.as_json(), "userId": user}
    if out is not None:
        ratings = _ratings(report, user, int(time.time()))
        write_output(out, ".csv", lambda path: write_table(ratings, path))
    if into is not None:
        document["changed"] = _observe(report, into, user)
    if out is not None:
        document["file"] = str(out)
    if is_stdout(out):
        return
    with after_change():
        if as_json:
            print_json(document)
            return
        _print_report(report, document)


def _catalogue(movies: str | None, into: Path | None) -> "tuple[pl.DataFrame, pl.DataFrame | None]":
    """Return the movies to match titles with, and their links if there are any."""
    from foreseen.data.canonical import load_data
    from foreseen.data.sources import BUILT_IN
    from foreseen.registry import versions

    if into is not None and movies is None:
        return versions.load_model(into).log.catalogue.table, versions.read_links(into)
    tables = load_data(movies or BUILT_IN)
    return tables.movies, tables.links


def _ratings(report: "MatchReport", user: int, latest: int) -> "pl.DataFrame":
    """Return the matched ratings; those without a timestamp, or a later one, get the latest."""
    from foreseen.data.canonical import ratings_frame

    return ratings_frame(
        (
            user,
            match.candidates[0].movie,
            match.rating.stars,
            min(match.rating.timestamp or latest, latest),
        )
        for match in report.matched
    )


def _observe(report: "MatchReport", folder: Path, user: int) -> int:
    """Add the ratings that a model does not contain; return their number."""
    from foreseen.data.schema import MOVIE, RATING, USER
    from foreseen.registry import versions

    with versions.write_lock(folder):
        model = versions.load_model(folder)
        ratings = _ratings(report, user, model.log.end)
        new = ratings.join(
            model.log.ratings.select(USER, MOVIE, RATING), on=[USER, MOVIE, RATING], how="anti"
        )
        if not new.is_empty():
            versions.save_log(model.observe(new), folder)
    return new.height


def _print_report(report: "MatchReport", document: dict[str, Any]) -> None:
    rows = [
        ["matched", str(len(report.matched))],
        ["ambiguous", str(len(report.ambiguous))],
        ["missing", str(len(report.missing))],
        ["not valid", str(len(report.export.unreadable))],
        ["not a rating of a movie", str(report.export.skipped)],
        ["rated more than once", str(report.repeated)],
    ]
    labels = {"changed": "added to the model", "file": "written to"}
    rows += [[label, str(document[key])] for key, label in labels.items() if key in document]
    print_table(None, ["", "ratings"], rows)
    ambiguous = [
        [
            str(match.rating.line),
            match.rating.title,
            ", ".join(f"{match.rating.line}:{entry.movie} {entry}" for entry in match.candidates),
        ]
        for match in report.ambiguous
    ]
    if ambiguous:
        header = ["line", "title", "candidates"]
        print_table("ambiguous: choose one with --choose LINE:MOVIE", header, ambiguous)
    missing = [
        [str(match.rating.line), match.rating.title, str(match.rating.year or "")]
        for match in report.missing
    ]
    if missing:
        print_table("not in the catalogue", ["line", "title", "year"], missing)
    invalid = [[str(entry.line), entry.reason] for entry in report.export.unreadable]
    if invalid:
        print_table("not valid", ["line", "reason"], invalid)
