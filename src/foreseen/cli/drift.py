"""The command for the drift of a deployed model: what changed, what was done, and did it help."""

import getpass
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from foreseen.cli.options import AsJson, Folder, whole_number
from foreseen.cli.output import after_change, date, print_json, print_table

if TYPE_CHECKING:
    from foreseen.registry.drift_log import DriftFinding, DriftLog

NEEDS_ATTENTION: Final = 3
"""Exit code if a serious finding is open."""
_SHOWN_WINDOWS: Final = 5


def drift(
    folder: Folder,
    acknowledge: Annotated[
        int | None,
        typer.Option(
            metavar="ID",
            parser=whole_number(1),
            help="Note that you have seen this finding; it is no longer open.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the drift that updates of a model found, what was done, and the error since.

    The exit code is 3 if users rate differently (a serious finding) and nobody has acknowledged it.
    A change is found before the ratings suffice to name it; until then it has no id.

    Example: `foreseen drift model --acknowledge 2`
    """
    from foreseen.registry import drift_log

    if acknowledge is None:
        log = drift_log.read(folder)
    else:
        log = drift_log.acknowledge(folder, acknowledge, _user())
    with nullcontext() if acknowledge is None else after_change():
        if as_json:
            print_json(_document(log))
        else:
            _print(log)
    if log.needs_attention:
        raise typer.Exit(NEEDS_ATTENTION)


def _user() -> str:
    """Return the name of the user of the operating system."""
    try:
        return getpass.getuser()
    # Raised where the user has no entry, by version of Python and by system.
    except (KeyError, OSError, ImportError):
        return "unknown"


def _document(log: "DriftLog") -> dict[str, Any]:
    from foreseen.drift.expected_error import ErrorWindow, calibration

    windows = [ErrorWindow(window.ratings, window.rmse, window.expected) for window in log.windows]
    return {
        "needs_attention": log.needs_attention,
        **log.model_dump(mode="json"),
        "calibration": calibration(windows),
    }


def _print(log: "DriftLog") -> None:
    """Print what is not named yet, the findings not closed, and the error of the newest ratings."""
    if log.unnamed:
        print_table(
            "Not named for certain yet",
            ["state", "finding"],
            [["serious" if new.serious else "", new.sentence] for new in log.unnamed],
        )
    found = [finding for finding in log.findings if finding.state != "closed"]
    closed = len(log.findings) - len(found)
    print_table(
        f"{len(found)} finding{'s' * (len(found) != 1)}, {closed} closed",
        ["id", "state", "finding", "action", "done", "RMSE: expected, found, after (ratio)"],
        [
            [
                str(finding.id),
                f"{finding.state}{', serious' if finding.serious else ''}",
                finding.sentence,
                finding.action,
                finding.done,
                _effect(finding),
            ]
            for finding in found
        ],
    )
    print_table(
        "Error of the newest ratings",
        ["from", "ratings", "users", "RMSE estimated", "RMSE realised"],
        [
            [
                date(window.begins),
                f"{window.ratings:,}",
                f"{window.users:,}",
                f"{window.estimated:.4f}",
                f"{window.rmse:.4f}",
            ]
            for window in log.windows[-_SHOWN_WINDOWS:]
        ],
    )


def _effect(finding: "DriftFinding") -> str:
    effect = finding.effect
    figures = (effect.expected, effect.found, effect.after)
    text = ", ".join("-" if figure is None else f"{figure:.4f}" for figure in figures)
    if effect.excess is None:
        return text
    return (
        f"{text} ({effect.excess.value:.2f}, {effect.excess.low:.2f} to {effect.excess.high:.2f})"
    )
