"""The command that exports a network to another format."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import AsJson, Folder, parse_path
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_file, is_stdout
from foreseen.errors import InputError


class ExportTarget(StrEnum):
    """Formats of exported networks."""

    ONNX = "onnx"


def export(
    folder: Folder,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            parser=parse_path,
            help="Output file, .onnx; a JSON file of the same name describes inputs and outputs.",
        ),
    ],
    _to: Annotated[
        ExportTarget, typer.Option("--to", help="Format to export to.")
    ] = ExportTarget.ONNX,
    as_json: AsJson = False,
) -> None:
    """Export the sequence network: scores of candidate movies, given histories.

    Example: `foreseen export model --to onnx --out model.onnx`
    """
    from foreseen.models.sequence.onnx_export import description_of, export_sequence
    from foreseen.registry.versions import load_model

    if is_stdout(out):
        raise InputError("an export is two files; name the first one with --out FILE.onnx")
    check_file(out, (".onnx",))
    document = export_sequence(load_model(folder), out)
    description, count = description_of(out), len(document["movies"])
    with after_change():
        if as_json:
            print_json({"file": str(out), "description": str(description), "movies": count})
        else:
            header = ["file", "description", "movies"]
            print_table(None, header, [[str(out), str(description), f"{count:,}"]])
