"""The command that lists reports."""

from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import AsJson, parse_path
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_folder


def reports(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", parser=parse_path, help="Folder that contains reports at any depth."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Write FOLDER/index.html, a page that lists the reports of other commands.

    Example: `foreseen reports work`
    """
    from foreseen.reports.index import INDEX, write_index

    check_folder(folder)
    found = [str(file) for file in write_index(folder)]
    with after_change():
        if as_json:
            print_json({"file": str(folder / INDEX), "reports": found})
            return
        print_table(f"written to {folder / INDEX}", ["report"], [[name] for name in found])
