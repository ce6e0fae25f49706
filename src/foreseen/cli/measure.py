"""Commands that measure models: evaluate, tune, backtest."""

import json
from enum import StrEnum
from typing import Annotated, Final

import typer

from foreseen.cli.cluster_option import Cluster
from foreseen.cli.options import (
    MODEL_METAVAR,
    AsJson,
    Columns,
    Data,
    Device,
    DeviceName,
    MaxBadRows,
    Out,
    PolicyName,
    ProtocolName,
    Scale,
    Seed,
    SettingsFile,
    SkipBadRows,
    parse_model,
    parse_scale,
    read_settings,
    whole_number,
)
from foreseen.cli.output import print_backtest, print_evaluation, print_json, print_search
from foreseen.cli.outputs import check_file, check_folder, command_line
from foreseen.errors import InputError
from foreseen.models.installed import DEFAULT_MODEL, model_names


class TieOrder(StrEnum):
    """Orders of a user's ratings of the same second."""

    ID = "id"
    FILE = "file"


_DEFAULT_TIES: Final = {
    ProtocolName.LEAVE_LAST_OUT: TieOrder.ID,
    ProtocolName.TIME_TO_SPLIT: TieOrder.FILE,
    ProtocolName.ESASREC_60D: TieOrder.FILE,
}
"""The order of ties of the protocols that depend on it."""


def evaluate(
    data: Data,
    out: Out,
    protocol: Annotated[
        ProtocolName, typer.Option(help="Evaluation protocol.")
    ] = ProtocolName.STREAM,
    ties: Annotated[
        TieOrder | None,
        typer.Option(
            help="Order of a user's ratings of the same second: by movie id, or as in the file; "
            "for --protocol leave-last-out (default: id), time-to-split and esasrec-60d (default: "
            "file)."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="INTEGER",
            parser=whole_number(2),
            help="Number of folds, for --protocol random. Default: 5.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            parser=parse_model,
            metavar=MODEL_METAVAR,
            help="Model to evaluate; may be repeated. Default: all.",
        ),
    ] = None,
    seed: Seed = 0,
    settings: SettingsFile = None,
    device: Device = DeviceName.CPU,
    cluster: Cluster = None,
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate models on held-out ratings.

    The output folder gets metrics.json, a report, and every prediction and ranking as
    predictions.parquet and rankings.parquet.

    An interrupted evaluation resumes at the model it had reached.

    Example: `foreseen evaluate ml-latest-small --protocol foldin --model ensemble --out report`
    """
    from foreseen.cluster.connection import cluster_tasks
    from foreseen.compute.device import find_device, training_on
    from foreseen.data import canonical
    from foreseen.data.profile import data_line
    from foreseen.evaluation.cross_validation import FOLDS
    from foreseen.evaluation.protocols import GLOBAL_MEAN, evaluator_of
    from foreseen.evaluation.report import summarise_all, write_report
    from foreseen.evaluation.resume import finish, measure
    from foreseen.evaluation.scored_tables import write_tables
    from foreseen.evaluation.segment_errors import segment_errors
    from foreseen.progress import progress_bar
    from foreseen.reports.page import Provenance

    check_folder(out)
    check_file(skip_bad_rows)
    find_device(device)
    if ties is not None and protocol not in _DEFAULT_TIES:
        allowed = ", ".join(_DEFAULT_TIES)
        raise InputError(f"--ties is for --protocol {allowed}, not {protocol.value}")
    if folds is not None and protocol != ProtocolName.RANDOM:
        raise InputError(f"--folds is for --protocol random, not {protocol.value}")
    chosen = {name: read_settings(settings, name) for name in model or model_names()}
    tables = canonical.load_data(
        data,
        skip_bad_rows,
        parse_scale(scale),
        max_bad_rows,
        columns=columns,
        keep_order=(ties or _DEFAULT_TIES.get(protocol)) == TieOrder.FILE,
    )
    if protocol in {ProtocolName.STREAM, ProtocolName.RANDOM, ProtocolName.U1_U5}:
        tables.encoding.scale.check_has_ratings("evaluate rankings with --protocol foldin")
    evaluator = evaluator_of(protocol.value, tables, data, folds or FOLDS)
    results = evaluator(GLOBAL_MEAN, None, seed)
    key = protocol.value if folds is None else f"{protocol.value} {folds}"
    with (
        cluster_tasks(cluster),
        training_on(device),
        progress_bar("evaluating", len(chosen)) as advance,
    ):
        for name, parsed in chosen.items():
            results += measure(tables, key, evaluator, name, parsed, seed, out)
            advance(1)
    summaries = summarise_all(results, tables.encoding.scale)
    write_tables(results, tables.encoding, out)
    write_report(
        protocol.value,
        tables.manifest.source,
        summaries,
        out,
        segment_errors(results, tables),
        Provenance(data_line(tables.manifest), command_line()),
    )
    finish(out)
    if as_json:
        print_json(json.loads((out / "metrics.json").read_text(encoding="utf-8")))
        return
    has_ratings = tables.encoding.scale.has_ratings
    print_evaluation(protocol.value, tables.manifest.source, summaries, has_ratings)


def tune(
    data: Data,
    out: Out,
    model: Annotated[
        str, typer.Option(parser=parse_model, metavar=MODEL_METAVAR, help="Model to tune.")
    ] = DEFAULT_MODEL,
    trials: Annotated[
        int,
        typer.Option(
            metavar="INTEGER",
            parser=whole_number(1),
            help="Number of trials; the first uses the defaults.",
        ),
    ] = 20,
    seed: Seed = 0,
    cluster: Cluster = None,
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Search for the best settings of a model on validation data.

    The output folder gets best.yaml, for --settings, search.json, and a report.

    The last fifth of the ratings is not used. An interrupted search resumes after its last trial.

    Example: `foreseen tune ml-latest-small --model hybrid --trials 30 --out tuned`
    """
    from foreseen.cluster.connection import cluster_tasks
    from foreseen.data import canonical

    try:
        from foreseen.evaluation import tuning
    except ImportError as error:
        raise InputError(f"{error}; tuning needs: pip install 'foreseen[tune]'") from error
    check_folder(out)
    check_file(skip_bad_rows)
    with cluster_tasks(cluster):
        tables = canonical.load_data(
            data, skip_bad_rows, parse_scale(scale), max_bad_rows, columns=columns
        )
        tables.encoding.scale.check_has_ratings("tune a model on data with ratings")
        document = tuning.tune(tables, model, trials, seed, out, command_line())
    if as_json:
        print_json(document)
        return
    print_search(document)


def backtest(
    data: Data,
    out: Out,
    model: Annotated[
        str, typer.Option(parser=parse_model, metavar=MODEL_METAVAR, help="Model to backtest.")
    ] = DEFAULT_MODEL,
    policy: Annotated[
        list[PolicyName] | None,
        typer.Option("--policy", help="Update policy; may be repeated. Default: all."),
    ] = None,
    start: Annotated[
        float,
        typer.Option("--from", min=0.01, max=0.99, help="Share of the ratings known at the start."),
    ] = 0.5,
    windows: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number(1, 1000),
            help="Number of windows; policies act between.",
        ),
    ] = 10,
    delay: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            parser=whole_number(0),
            help="Seconds between a rating and its use by the model.",
        ),
    ] = 0,
    measure_staleness: Annotated[
        bool,
        typer.Option("--staleness", help="Also compare models of different ages (six trainings)."),
    ] = False,
    seed: Seed = 0,
    settings: SettingsFile = None,
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Backtest update policies: predict each rating before the model learns from it.

    An interrupted backtest resumes at the window it had reached.

    Example: `foreseen backtest ml-latest-small --model ensemble --policy adaptive --out backtest`
    """
    from foreseen.data import canonical
    from foreseen.data.profile import data_line
    from foreseen.drift.backtest import BacktestConfig
    from foreseen.drift.backtest import backtest as run_backtest
    from foreseen.drift.report import summarise_backtest, write_backtest
    from foreseen.drift.segments import backtest_segments
    from foreseen.drift.staleness import staleness
    from foreseen.reports.page import Provenance

    check_folder(out)
    check_file(skip_bad_rows)
    parsed = read_settings(settings, model)
    tables = canonical.load_data(
        data, skip_bad_rows, parse_scale(scale), max_bad_rows, columns=columns
    )
    tables.encoding.scale.check_has_ratings(
        "evaluate rankings with: foreseen evaluate --protocol foldin"
    )
    policies = [name.value for name in policy or list(PolicyName)]
    config = BacktestConfig(tables, model, parsed, policies, start, delay, seed, windows)
    predictions, finished = run_backtest(config, out)
    document = summarise_backtest(config, predictions, finished)
    if measure_staleness:
        document["staleness"] = staleness(tables, model, parsed, seed)
    provenance = Provenance(data_line(tables.manifest), command_line())
    write_backtest(document, out, backtest_segments(config, predictions), provenance)
    if as_json:
        print_json(document)
        return
    print_backtest(document)
