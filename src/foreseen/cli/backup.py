"""Commands for backups of what a server uses: models, database and secret."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foreseen.cli.options import AsJson, Folder, parse_path
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_file, check_folder
from foreseen.errors import InputError

if TYPE_CHECKING:
    from foreseen.serving.backup_archive import Manifest

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        envvar="FORESEEN_DB",
        help="Database; default: an SQLite file beside DIR.",
    ),
]


def backup(
    folder: Folder,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", parser=parse_path, help="Output file, a zip.")
    ],
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Write the models, the database and the secret of a server, which may run, to one file.

    The file is readable by its owner only. A secret in FORESEEN_SECRET is not part of it.

    Example: `foreseen backup model --out backup.zip`
    """
    try:
        from foreseen.serving.backup import back_up
    except ImportError as error:
        raise InputError(f"{error}; backups need: pip install 'foreseen[serve]'") from error
    check_file(out)
    _print(back_up(folder, out, db), out, as_json)


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=parse_path, help="File of a backup.")
    ],
    folder: Folder,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup, all of it or nothing; DIR and the database should not exist yet.

    Example: `foreseen restore backup.zip model`
    """
    try:
        from foreseen.serving.backup import restore as restore_all
    except ImportError as error:
        raise InputError(f"{error}; backups need: pip install 'foreseen[serve]'") from error
    check_folder(folder.absolute().parent)
    _print(restore_all(file, folder, db), file, as_json)


def _print(manifest: "Manifest", file: Path, as_json: bool) -> None:
    has_secret = "secret" in manifest.files
    with after_change():
        if as_json:
            print_json(
                {
                    "file": str(file),
                    "files": len(manifest.files),
                    "database": manifest.database,
                    "secret": has_secret,
                }
            )
            return
        print_table(
            None,
            ["file", "files", "database", "secret"],
            [
                [
                    str(file),
                    f"{len(manifest.files):,}",
                    manifest.database or "none",
                    "yes" if has_secret else "none",
                ]
            ],
        )
