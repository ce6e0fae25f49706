"""Commands that measure: protocols, and walks through time."""

import json
from typing import Annotated

import typer

from foreseen.cli.options import (
    AsJson,
    Data,
    ModelName,
    Out,
    PolicyName,
    ProtocolName,
    Seed,
    SettingsFile,
    SkipBadRows,
    read_settings,
)
from foreseen.cli.output import print_json, print_search, print_summaries, print_walk
from foreseen.errors import InputError


def evaluate(
    data: Data,
    out: Out,
    protocol: Annotated[ProtocolName, typer.Option(help="How to measure.")] = ProtocolName.STREAM,
    model: Annotated[
        list[ModelName] | None, typer.Option("--model", help="What to measure; may be repeated.")
    ] = None,
    seed: Seed = 0,
    settings: SettingsFile = None,
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Measure models on ratings later than those they are fitted to.

    An evaluation that was interrupted goes on with the model it was at.

    Example: `foreseen evaluate ml-latest-small --protocol foldin --model ensemble --out report`
    """
    from foreseen.data import canonical
    from foreseen.evaluation.protocols import GLOBAL_MEAN, PROTOCOLS
    from foreseen.evaluation.report import summarise_all, write_report
    from foreseen.evaluation.resume import finish, measure
    from foreseen.progress import progress_bar

    tables = canonical.load_data(data, skip_bad_rows)
    names = [name.value for name in model or list(ModelName)]
    chosen = {name: read_settings(settings, name) for name in names}
    ask = PROTOCOLS[protocol.value](tables)
    answers = ask(GLOBAL_MEAN, None, seed)
    with progress_bar("evaluating", len(chosen)) as advance:
        for name, own in chosen.items():
            answers += measure(tables, protocol.value, ask, name, own, seed, out)
            advance(1)
    summaries = summarise_all(answers)
    write_report(protocol.value, tables.manifest.source, summaries, out)
    finish(out)
    if as_json:
        print_json(json.loads((out / "metrics.json").read_text(encoding="utf-8")))
        return
    print_summaries(protocol.value, tables.manifest.source, summaries)


def tune(
    data: Data,
    out: Out,
    model: Annotated[ModelName, typer.Option(help="What to tune.")] = ModelName.ENSEMBLE,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try, the first as it is.")] = 20,
    seed: Seed = 0,
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Search for better settings on validation data; the last fifth of the ratings is left alone.

    A search that was interrupted goes on where it was.

    Example: `foreseen tune ml-latest-small --model hybrid --trials 30 --out tuned`
    """
    from foreseen.data import canonical

    try:
        from foreseen.evaluation import tuning
    except ImportError as error:
        raise InputError(f"{error}; tuning needs: pip install 'foreseen[tune]'") from error
    tables = canonical.load_data(data, skip_bad_rows)
    document = tuning.tune(tables, model.value, trials, seed, out)
    if as_json:
        print_json(document)
        return
    print_search(document)


def backtest(
    data: Data,
    out: Out,
    model: Annotated[ModelName, typer.Option(help="What to walk with.")] = ModelName.ENSEMBLE,
    policy: Annotated[
        list[PolicyName] | None,
        typer.Option("--policy", help="How it keeps up; may be repeated. All, if none is named."),
    ] = None,
    start: Annotated[
        float, typer.Option("--from", min=0.01, max=0.99, help="Share of the ratings known first.")
    ] = 0.5,
    delay: Annotated[
        int, typer.Option(min=0, help="Seconds a rating must be old to be known.")
    ] = 0,
    ages: Annotated[
        bool,
        typer.Option("--staleness", help="Measure models of different ages too: six trainings."),
    ] = False,
    seed: Seed = 0,
    settings: SettingsFile = None,
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Walk through time: predict every rating before it is learned from.

    A walk that was interrupted goes on where it was.

    Example: `foreseen backtest ml-latest-small --model ensemble --policy adaptive --out walk`
    """
    from foreseen.data import canonical
    from foreseen.drift.backtest import Walk
    from foreseen.drift.backtest import backtest as walk_through
    from foreseen.drift.report import summarise_walk, write_walk
    from foreseen.drift.staleness import staleness

    tables = canonical.load_data(data, skip_bad_rows)
    names = [name.value for name in policy or list(PolicyName)]
    chosen = read_settings(settings, model.value)
    walk = Walk(tables, model.value, chosen, names, start, delay, seed)
    document = summarise_walk(walk, *walk_through(walk, out))
    if ages:
        document["staleness"] = staleness(tables, model.value, chosen, seed)
    write_walk(document, out)
    if as_json:
        print_json(document)
        return
    print_walk(document)
