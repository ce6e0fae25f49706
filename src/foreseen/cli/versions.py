"""Commands for the versions of a model: update, list, promote, roll back."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from foreseen.cli.options import (
    AsJson,
    Columns,
    Device,
    DeviceName,
    Folder,
    MaxBadRows,
    RatingsFile,
    SkipBadRows,
    whole_number,
)
from foreseen.cli.output import after_change, date, print_json, print_table
from foreseen.cli.outputs import check_file
from foreseen.messages import Message

if TYPE_CHECKING:
    from foreseen.registry.layout import Version
    from foreseen.registry.update import Update

_REASON: Final = Message("requested")
"""Reason written to the audit log for what is done by hand."""


def update(
    folder: Folder,
    ratings: RatingsFile,
    device: Device = DeviceName.CPU,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Add ratings, detect drift, train a challenger if needed, and promote it if it is better.

    Example: `foreseen update model --ratings new.csv`
    """
    from foreseen.compute.device import training_on
    from foreseen.data.canonical import load_ratings
    from foreseen.registry.layout import rating_scale
    from foreseen.registry.update import update as update_model

    check_file(skip_bad_rows)
    with training_on(device):
        scale = rating_scale(folder)
        new = load_ratings(ratings, skip_bad_rows, scale, max_bad_rows, columns=columns)
        result = update_model(folder, new)
    with after_change():
        _print_update(result, as_json)


def _print_update(result: "Update", as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
        return
    rows = [
        ["ratings added", f"{result.observed:,}"],
        ["ratings in total", f"{result.ratings:,}"],
        *_error_rows(result),
        *_drift_rows(result),
        *(["suspected injection", str(suspected)] for suspected in result.injections),
        *(["reason to retrain", reason] for reason in result.reasons),
        ["decision", result.decision],
        ["current version", str(result.version)],
    ]
    if result.open_findings:
        numbers = ", ".join(map(str, result.open_findings))
        rows.append(["serious findings open", f"{numbers}; see: foreseen drift"])
    print_table(None, ["", "value"], rows)


def _error_rows(result: "Update") -> list[list[str]]:
    error = result.error
    if error is None:
        return []
    return [
        [
            "error of new ratings",
            f"RMSE {error.rmse:.4f}, {error.estimated:.4f} estimated before them "
            f"({error.ratings:,} ratings of {error.users:,} users)",
        ]
    ]


def _drift_rows(result: "Update") -> list[list[str]]:
    """Return a row for each finding, followed by those of what it explains."""
    return [
        row
        for finding in result.findings
        for row in (
            ["drift detected", str(finding)],
            *(["explained by it", str(explained)] for explained in finding.explains),
        )
    ]


def list_versions(folder: Folder, as_json: AsJson = False) -> None:
    """List the versions of a model.

    Example: `foreseen models model`
    """
    from foreseen.registry import versions
    from foreseen.registry.layout import read_current_or_copy

    current = read_current_or_copy(folder)[0].version
    found = versions.list_versions(folder)
    if as_json:
        print_json(
            [{**version.model_dump(), "current": version.number == current} for version in found]
        )
        return
    print_table(
        f"{folder}",
        [
            "version",
            "model",
            "created",
            "training ratings",
            "data through",
            "reason",
            "significantly better",
        ],
        [
            [
                f"{version.number}{' (current)' if version.number == current else ''}",
                version.model,
                date(version.made),
                f"{version.ratings:,}",
                date(version.until),
                version.why,
                _is_better(version),
            ]
            for version in found
        ],
    )


def promote(
    folder: Folder,
    number: Annotated[
        int,
        typer.Argument(metavar="VERSION", parser=whole_number(1), help="Number of the version."),
    ],
    as_json: AsJson = False,
) -> None:
    """Make a version the current one.

    Example: `foreseen promote model 2`
    """
    from foreseen.registry import versions

    with versions.write_lock(folder):
        versions.promote(folder, number, _REASON)
    _print_current(number, as_json)


def rollback(folder: Folder, as_json: AsJson = False) -> None:
    """Return to the version that was current before, or from a damaged state to a sound one.

    To undo it, promote the version that was current.

    Example: `foreseen rollback model`
    """
    from foreseen.registry import recovery, versions

    with versions.write_lock(folder):
        number = recovery.rollback(folder, _REASON)
    _print_current(number, as_json)


def _print_current(number: int, as_json: bool) -> None:
    with after_change():
        if as_json:
            print_json({"current": number})
        else:
            print_table(None, ["current version"], [[str(number)]])


def _is_better(version: "Version") -> str:
    if not version.comparison:
        return ""
    return "yes" if version.comparison["better"] else "no"
