"""Commands on data: where it comes from, canonical tables, what it is like."""

from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import AsJson, Data, Out, SkipBadRows
from foreseen.cli.output import print_json, print_table


def list_data(as_json: AsJson = False) -> None:
    """List the data sets that can be named.

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
        ["name", "from", "on this machine"],
        [[str(row["name"]), str(row["from"]), "yes" if row["here"] else "no"] for row in rows],
    )


def get_data(
    data: Data, out: Out, skip_bad_rows: SkipBadRows = None, as_json: AsJson = False
) -> None:
    """Read a data set, check it, and write it as canonical Parquet.

    Example: `foreseen data get ml-latest-small --out data`
    """
    from foreseen.data.canonical import load_data, write_tables

    tables = load_data(data, skip_bad_rows)
    write_tables(tables, out)
    if as_json:
        print_json(vars(tables.manifest))
        return
    manifest = tables.manifest
    print_table(
        f"{manifest.source}, written to {out}",
        ["ratings", "users", "movies", "movies without metadata", "bad rows left out"],
        [
            [
                f"{manifest.ratings:,}",
                f"{manifest.users:,}",
                f"{manifest.movies:,}",
                f"{manifest.movies_without_metadata:,}",
                f"{manifest.bad_rows:,}",
            ]
        ],
    )


def describe_data(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The HTML page.")] = Path("description.html"),
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a data set is like, as an HTML page.

    Example: `foreseen data describe ml-latest-small --out description.html`
    """
    from foreseen.data.canonical import load_data
    from foreseen.data.profile import summarise, write_profile

    tables = load_data(data, skip_bad_rows)
    write_profile(tables, out)
    known = summarise(tables)
    if as_json:
        print_json({**known, "page": str(out)})
        return
    hidden = {"sha256"}
    rows = [[name.replace("_", " "), _plain(v)] for name, v in known.items() if name not in hidden]
    print_table(f"{tables.manifest.source}, drawn in {out}", ["what", "value"], rows)


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
