"""Commands for people: bring one's own ratings, serve the page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foreseen.cli.options import AsJson, Folder, ServiceName
from foreseen.cli.output import print_json, print_table
from foreseen.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from foreseen.data.title_matching import MatchReport


def import_ratings(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The export: a zip, CSV or JSON.")],
    service: Annotated[ServiceName, typer.Option("--from", help="Where it comes from.")],
    movies: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="Data set to find the movies in, if not those of --into."
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A trained model to let know the ratings.")
    ] = None,
    user: Annotated[int, typer.Option(help="Whose ratings they are.")] = 1_000_000_000,
    out: Annotated[
        Path | None, typer.Option(help="Write the ratings as CSV: userId,movieId,rating,timestamp.")
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE:MOVIE", help="For an ambiguous line, the movie that is meant."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a person's own ratings from another service; say what was matched and what not.

    Example: `foreseen import letterboxd.zip --from letterboxd --into model --user 900001`
    """
    from foreseen.data.sources.exports import read_export
    from foreseen.data.title_matching import TitleIndex, match_export, parse_choices

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    table, links = _catalogue(movies, into)
    choices = parse_choices(choose or [])
    export = read_export(data, str(file), service.value)
    report = match_export(export, TitleIndex.of(table, links), choices)
    told: dict[str, Any] = {**report.as_json(), "userId": user}
    if into is not None:
        told["changed"] = _observe(report, into, user)
    if out is not None:
        from foreseen.files import write_atomically

        write_atomically(out, _ratings(report, user, None).write_csv)
        told["file"] = str(out)
    if as_json:
        print_json(told)
        return
    _print_report(report, told)


def _catalogue(movies: str | None, into: Path | None) -> "tuple[pl.DataFrame, pl.DataFrame | None]":
    from foreseen.data.canonical import load_data
    from foreseen.data.sources import BUILT_IN
    from foreseen.registry import versions as registry

    if into is not None and movies is None:
        return registry.load_model(into).log.catalogue.table, registry.read_links(into)
    tables = load_data(movies or BUILT_IN)
    return tables.movies, tables.links


def _ratings(report: "MatchReport", user: int, moment: int | None) -> "pl.DataFrame":
    import time

    from foreseen.data.canonical import ratings_frame

    now = int(time.time()) if moment is None else moment
    return ratings_frame(
        (
            user,
            match.candidates[0].movie,
            match.rating.stars,
            min(match.rating.timestamp or now, now),
        )
        for match in report.matched
    )


def _observe(report: "MatchReport", folder: Path, user: int) -> int:
    """Let a model know ratings that it does not know yet; return how many those are."""
    from foreseen.data.schema import MOVIE, RATING, USER
    from foreseen.registry import versions as registry

    with registry.changing(folder):
        model = registry.load_model(folder)
        found = _ratings(report, user, model.log.end)
        new = found.join(
            model.log.ratings.select(USER, MOVIE, RATING), on=[USER, MOVIE, RATING], how="anti"
        )
        if not new.is_empty():
            registry.save_knowledge(model.observe(new), folder)
    return new.height


def _print_report(report: "MatchReport", told: dict[str, Any]) -> None:
    rows = [
        ["matched", str(len(report.matched))],
        ["ambiguous", str(len(report.ambiguous))],
        ["missing", str(len(report.missing))],
        ["unreadable", str(len(report.export.unreadable))],
        ["no rating of a movie", str(report.export.skipped)],
        ["rated more than once", str(report.repeated)],
    ]
    rows += [[name, str(told[name])] for name in ("changed", "file") if name in told]
    print_table(None, ["what", "ratings"], rows)
    ambiguous = [
        [
            str(match.rating.line),
            match.rating.title,
            ", ".join(f"{match.rating.line}:{entry.movie} {entry}" for entry in match.candidates),
        ]
        for match in report.ambiguous
    ]
    if ambiguous:
        print_table("ambiguous: name the one with --choose", ["line", "title", "meant"], ambiguous)
    missing = [
        [str(match.rating.line), match.rating.title, str(match.rating.year or "")]
        for match in report.missing
    ]
    if missing:
        print_table("not in the catalogue", ["line", "title", "year"], missing)
    bad = [[str(entry.line), entry.reason] for entry in report.export.unreadable]
    if bad:
        print_table("unreadable", ["line", "why"], bad)


def serve(
    folder: Folder,
    db: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The database; a SQLite file beside DIR if not named."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="People reach it by HTTPS, through a proxy.")
    ] = False,
    admin: Annotated[
        list[str] | None,
        typer.Option(help="Name of one who administers, once they sign up; may be repeated."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that answer; by the number of cores, up to 4."),
    ] = None,
) -> None:
    """Serve the web page and the API.

    On another address than this machine's own, set FORESEEN_SECRET to a long random text.

    Example: `foreseen serve model`
    """
    try:
        from foreseen.serving.server import run, usual_workers
    except ImportError as error:
        raise InputError(f"{error}; serving needs: pip install 'foreseen[serve]'") from error
    run(folder, db, host, port, behind_https, admin or [], workers or usual_workers())
