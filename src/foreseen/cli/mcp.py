"""The command that serves an assistant by the Model Context Protocol."""

from typing import Annotated

import typer

from foreseen.cli.options import Folder
from foreseen.errors import InputError


def mcp(
    folder: Folder,
    db: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="FORESEEN_DB",
            help="Database of the ratings, that of foreseen serve; default: an SQLite file beside "
            "DIR.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Account whose ratings count; default: the only account, or without accounts the "
            "latest guest.",
        ),
    ] = None,
) -> None:
    """Let an assistant search, rate and recommend movies, over standard input and output.

    Example: `foreseen mcp model`
    """
    try:
        from foreseen.serving import assistant
    except ImportError as error:
        raise InputError(f"{error}; an assistant needs: pip install 'foreseen[mcp]'") from error
    from foreseen.registry.layout import rating_scale
    from foreseen.serving.locations import default_database

    rating_scale(folder).check_has_ratings(
        "an assistant needs ratings; print rankings with: foreseen recommend"
    )
    assistant.run(folder, db or default_database(folder), user)
