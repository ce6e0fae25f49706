"""The command line: parse the arguments, call the package, print the result."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from foreseen.cli import (
    backup,
    data,
    drift,
    export,
    import_ratings,
    mcp,
    measure,
    model,
    reports,
    serve,
    versions,
)
from foreseen.cli.failures import report_failure
from foreseen.cli.interrupts import INTERRUPTED, prompt_interrupts
from foreseen.cli.output import prepare_streams

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predict ratings and recommend movies.",
    rich_markup_mode=None,
)
data_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, convert and describe data sets."
)
app.add_typer(data_app, name="data")
data_app.command("list")(data.list_data)
data_app.command("get")(data.get_data)
data_app.command("describe")(data.describe_data)
app.command()(model.train)
app.command()(model.recommend)
app.command()(model.predict)
app.command()(model.observe)
app.command()(export.export)
app.command()(versions.update)
app.command()(drift.drift)
app.command("models")(versions.list_versions)
app.command()(versions.promote)
app.command()(versions.rollback)
app.command()(measure.evaluate)
app.command()(measure.tune)
app.command()(measure.backtest)
app.command()(reports.reports)
app.command("import")(import_ratings.import_ratings)
app.command()(serve.serve)
app.command()(mcp.mcp)
app.command()(backup.backup)
app.command()(backup.restore)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"foreseen {version('foreseen')}")
        raise typer.Exit


@app.callback()
def global_options(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Declare the options that precede a command."""


def main() -> None:
    """Run the command line.

    A failure is printed in one line. The exit code is 2 for invalid input, 1 for another failure,
    3 if drift needs attention, 130 after an interrupt from the keyboard, 141 if the reader of
    standard output has ended.
    """
    prepare_streams()
    try:
        with prompt_interrupts():
            app()
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    # Panics of libraries in Rust are no subclasses of Exception.
    except BaseException as error:
        sys.exit(report_failure(error))
