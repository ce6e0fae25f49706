"""Commands for data sets: list, convert to canonical tables, describe."""

from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import (
    AsJson,
    Columns,
    Data,
    MaxBadRows,
    Out,
    Scale,
    SkipBadRows,
    parse_path,
    parse_scale,
)
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import HTML, check_file, check_folder, command_line


def list_data(as_json: AsJson = False) -> None:
    """List the data sets that are available by name.

    Example: `foreseen data list`
    """
    from foreseen.data.sources import BUILT_IN
    from foreseen.data.sources.download import DOWNLOADS, cache_folder

    rows = [{"name": BUILT_IN, "from": "built in", "here": True}]
    rows += [
        {"name": name, "from": "GroupLens", "here": (cache_folder() / f"{name}.zip").exists()}
        for name in DOWNLOADS
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        None,
        ["name", "source", "on this machine"],
        [[str(row["name"]), str(row["from"]), "yes" if row["here"] else "no"] for row in rows],
    )


def get_data(
    data: Data,
    out: Out,
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Read and check a data set, and write it as canonical Parquet.

    Example: `foreseen data get ml-latest-small --out data`
    """
    from foreseen.data.canonical import load_data, write_tables

    check_folder(out)
    check_file(skip_bad_rows)
    tables = load_data(data, skip_bad_rows, parse_scale(scale), max_bad_rows, columns=columns)
    write_tables(tables, out)
    manifest = tables.manifest
    counts = {
        "ratings": manifest.ratings,
        "users": manifest.users,
        "movies": manifest.movies,
        "movies without metadata": manifest.movies_without_metadata,
        "bad rows skipped": manifest.bad_rows,
    }
    with after_change():
        if as_json:
            print_json(manifest.as_json())
            return
        print_table(
            f"{manifest.source}, written to {out}",
            list(counts),
            [[f"{count:,}" for count in counts.values()]],
        )


def describe_data(
    data: Data,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", parser=parse_path, help="Output HTML file."),
    ] = Path("description.html"),
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Describe a data set: summary statistics, and an HTML report with pictures.

    Example: `foreseen data describe ml-latest-small --out description.html`
    """
    from foreseen.data.canonical import load_data
    from foreseen.data.profile import summarise
    from foreseen.data.profile_page import write_profile

    check_file(out, HTML)
    check_file(skip_bad_rows)
    tables = load_data(data, skip_bad_rows, parse_scale(scale), max_bad_rows, columns=columns)
    write_profile(tables, out, command_line())
    summary = summarise(tables)
    if as_json:
        print_json({**summary, "page": str(out)})
        return
    scale_found = tables.encoding.scale
    summary["scale"] = str(scale_found) if scale_found.has_ratings else scale_found.kind
    rows = [
        [name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value)]
        for name, value in summary.items()
        if name != "sha256"
    ]
    print_table(f"{tables.manifest.source}; report in {out}", ["statistic", "value"], rows)
