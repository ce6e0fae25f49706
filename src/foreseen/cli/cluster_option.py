"""The option that names a Ray cluster."""

from typing import Annotated

import typer

from foreseen.errors import InputError


def parse_cluster(address: str) -> str:
    """Return the address of a cluster.

    Raises:
        typer.BadParameter: If it has no form of one.
    """
    from foreseen.cluster.connection import check_address

    try:
        check_address(address)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    return address


Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        parser=parse_cluster,
        help="Run on a Ray cluster: HOST:PORT, auto, or local to start one on this machine.",
    ),
]
