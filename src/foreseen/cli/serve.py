"""The command that serves a model: HTTP API and web pages."""

from typing import Annotated

import typer

from foreseen.cli.options import Folder
from foreseen.errors import InputError


def serve(
    folder: Folder,
    db: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Database; default: an SQLite file beside DIR."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="Users connect by HTTPS, through a proxy.")
    ] = False,
    admin: Annotated[
        list[str] | None,
        typer.Option(help="Account name that gets administrator rights; may be repeated."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Worker processes; default: one per core, up to 4."),
    ] = None,
) -> None:
    """Serve the web page and the HTTP API.

    To listen on an address that others can reach, set FORESEEN_SECRET to a long random text.

    Example: `foreseen serve model`
    """
    try:
        from foreseen.serving.server import default_workers, run
    except ImportError as error:
        raise InputError(f"{error}; serving needs: pip install 'foreseen[serve]'") from error
    run(folder, db, host, port, behind_https, admin or [], workers or default_workers())
