"""The command that serves a model: HTTP API and web pages."""

from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.cluster_option import Cluster
from foreseen.cli.options import Folder, parse_path, whole_number
from foreseen.errors import InputError
from foreseen.serving.locations import TMDB_URL


def serve(
    folder: Folder,
    db: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="FORESEEN_DB",
            help="Database; default: an SQLite file beside DIR. A password belongs into the "
            "environment variable, because others can see the arguments of a process.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="INTEGER", parser=whole_number(0, 65535), help="Port; 0 selects a free one."
        ),
    ] = 8000,
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="Users connect by HTTPS, through a proxy.")
    ] = False,
    admin: Annotated[
        list[str] | None,
        typer.Option(help="Account name that gets administrator rights; may be repeated."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name under which the server may be addressed; may be repeated. Default: loopback "
            "names on a loopback address without --behind-https, else any.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="INTEGER",
            parser=whole_number(1, 64),
            help="Worker processes; default: one per core, up to 4.",
        ),
    ] = None,
    posters: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=parse_path,
            help="Folder with posters to show, as tt0111161.jpg (by IMDb id) or 278.jpg (TMDB).",
        ),
    ] = None,
    tmdb_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="API of TMDB; with a key in FORESEEN_TMDB_KEY, the posters of other movies are "
            "fetched from there and kept beside DIR.",
        ),
    ] = TMDB_URL,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="HTTPS address that is sent each serious drift finding; requests are signed with "
            "FORESEEN_WEBHOOK_SECRET.",
        ),
    ] = None,
    cluster: Cluster = None,
) -> None:
    """Serve the web page and the HTTP API.

    To listen on an address that others can reach, set FORESEEN_SECRET to a long random text.

    Example: `foreseen serve model`
    """
    try:
        from foreseen.serving.server import run
    except ImportError as error:
        raise InputError(f"{error}; serving needs: pip install 'foreseen[serve]'") from error
    run(
        folder,
        db,
        host,
        port,
        behind_https,
        admin or [],
        allowed_host or [],
        workers,
        posters,
        webhook,
        tmdb_url,
        cluster,
    )
