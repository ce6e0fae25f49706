"""Commands on versions: keep a model fresh, see its versions, choose one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import AsJson, Folder, SkipBadRows
from foreseen.cli.output import print_json, print_table


def update(
    folder: Folder,
    ratings: Annotated[Path, typer.Option(help="A CSV file: userId,movieId,rating,timestamp.")],
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Take in new ratings, look for drift, train a challenger if called for, keep the better.

    Example: `foreseen update model --ratings new.csv`
    """
    from foreseen.data.canonical import load_ratings
    from foreseen.registry.update import update as take_in

    done = take_in(folder, load_ratings(ratings, skip_bad_rows))
    if as_json:
        print_json(done.as_json())
        return
    rows = [
        ["ratings observed", f"{done.observed:,}"],
        ["ratings known now", f"{done.ratings:,}"],
        *(["moved", str(finding)] for finding in done.findings),
        *(["calls for training", reason] for reason in done.reasons),
        ["decision", done.decision],
        ["version that answers", str(done.version)],
    ]
    print_table(None, ["what", "value"], rows)


def list_versions(folder: Folder, as_json: AsJson = False) -> None:
    """List a model's versions.

    Example: `foreseen models model`
    """
    from foreseen.registry import versions as registry

    current = registry.read_version(folder).number
    found = registry.versions(folder)
    if as_json:
        print_json(
            [{**version.model_dump(), "current": version.number == current} for version in found]
        )
        return
    print_table(
        f"{folder}",
        ["version", "model", "made", "ratings learned from", "until", "why", "better, surely"],
        [
            [
                f"{version.number}{' (current)' if version.number == current else ''}",
                version.model,
                _day(version.made),
                f"{version.ratings:,}",
                _day(version.until),
                version.why,
                {True: "yes", False: "no"}.get(bool(version.comparison["better"]), "")
                if version.comparison
                else "",
            ]
            for version in found
        ],
    )


def promote(
    folder: Folder,
    number: Annotated[int, typer.Argument(metavar="VERSION", help="Its number.")],
    as_json: AsJson = False,
) -> None:
    """Let a version answer from now on.

    Example: `foreseen promote model 2`
    """
    from foreseen.registry import versions as registry

    with registry.changing(folder):
        registry.promote(folder, number, "asked for")
    _say(number, as_json)


def rollback(folder: Folder, as_json: AsJson = False) -> None:
    """Go back to the version that answered before the current one.

    Example: `foreseen rollback model`
    """
    from foreseen.registry import versions as registry

    with registry.changing(folder):
        number = registry.rollback(folder, "asked for")
    _say(number, as_json)


def _say(number: int, as_json: bool) -> None:
    if as_json:
        print_json({"current": number})
    else:
        print_table(None, ["version that answers"], [[str(number)]])


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")
