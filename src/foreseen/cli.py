"""The command line: parses, calls, prints. What it does is elsewhere."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from foreseen.console import print_json, print_summaries, print_table, print_walk
from foreseen.errors import ForeseenError, InputError

if TYPE_CHECKING:
    from foreseen.models import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predict the rating a user would give every movie they have not watched.",
    rich_markup_mode=None,
)
data_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Where data comes from and what it is like."
)
app.add_typer(data_app, name="data")

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="A built-in or downloadable name, a folder or a zip.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A trained model's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[Path, typer.Option("--out", help="Where to write.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance.")]
SkipBadRows = Annotated[
    Path | None,
    typer.Option("--skip-bad-rows", help="Leave bad rows out, and list them in this CSV file."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="A YAML or JSON file with a section per model, as params.yaml."
    ),
]


class ModelName(StrEnum):
    """The models that can be trained."""

    BIAS = "bias"
    BASELINE = "baseline"
    HYBRID = "hybrid"
    HISTORY = "history"
    ENSEMBLE = "ensemble"


class RankBy(StrEnum):
    """What a ranking is by."""

    RATING = "rating"
    LIKELY = "likely"
    BLEND = "blend"


class PolicyName(StrEnum):
    """How a model keeps up with time."""

    FROZEN = "frozen"
    SLIDING = "sliding"
    FULL = "full"
    INCREMENTAL = "incremental"
    ADAPTIVE = "adaptive"


class ProtocolName(StrEnum):
    """How quality is measured."""

    STREAM = "stream"
    FOLDIN = "foldin"
    RANDOM = "random"
    LEAVE_LAST_OUT = "leave-last-out"
    CALENDAR_RANKING = "calendar-ranking"


def main() -> None:
    """Run the command line; a user's mistake ends with one clear line and status 2."""
    try:
        app()
    except InputError as error:
        sys.exit(_fail(error, 2))
    except (ForeseenError, OSError) as error:
        sys.exit(_fail(error, 1))


def _fail(error: Exception, status: int) -> int:
    print(f"foreseen: {error}", file=sys.stderr)  # noqa: T201
    return status


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """List the data sets that can be named.

    Example: `foreseen data list`
    """
    from foreseen.sources import BUILT_IN
    from foreseen.sources.download import DOWNLOADS, cache_folder

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


@data_app.command("get")
def data_get(
    data: Data, out: Out, skip_bad_rows: SkipBadRows = None, as_json: AsJson = False
) -> None:
    """Read a data set, check it, and write it as canonical Parquet.

    Example: `foreseen data get ml-latest-small --out data`
    """
    from foreseen.canonical import load_data, write_tables

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


@data_app.command("describe")
def data_describe(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The HTML page.")] = Path("description.html"),
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a data set is like, as an HTML page.

    Example: `foreseen data describe ml-latest-small --out description.html`
    """
    from foreseen.canonical import load_data
    from foreseen.describe import facts, write_description

    tables = load_data(data, skip_bad_rows)
    write_description(tables, out)
    known = facts(tables)
    if as_json:
        print_json({**known, "page": str(out)})
        return
    hidden = {"sha256"}
    rows = [[name.replace("_", " "), _plain(v)] for name, v in known.items() if name not in hidden]
    print_table(f"{tables.manifest.source}, drawn in {out}", ["what", "value"], rows)


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@app.command()
def train(
    data: Data,
    out: Out,
    model: Annotated[ModelName, typer.Option(help="What to train.")] = ModelName.ENSEMBLE,
    seed: Seed = 0,
    until: Annotated[
        int | None, typer.Option(help="Learn only from ratings before this timestamp.")
    ] = None,
    settings: SettingsFile = None,
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Fit a model to a data set and save it in a folder.

    Example: `foreseen train ml-latest-small --model ensemble --out model`
    """
    from foreseen import canonical, models
    from foreseen.models.checkpoint import save_model

    tables = canonical.load_data(data, skip_bad_rows)
    if until is not None:
        tables = canonical.until(tables, until)
    fitted = models.train(tables, model.value, _read_settings(settings, model.value), seed)
    save_model(fitted, out)
    report = {"model": fitted.name, "folder": str(out), "ratings": tables.ratings.height}
    if as_json:
        print_json({**report, **fitted.report})
        return
    print_table(
        None,
        ["model", "folder", "ratings", "RMSE on the latest tenth, held out"],
        [
            [
                fitted.name,
                str(out),
                f"{tables.ratings.height:,}",
                f"{fitted.report['validation_rmse']:.4f}",
            ]
        ],
    )


def _read_settings(file: Path | None, name: str) -> "Settings":
    from foreseen.models import parse_settings

    if file is None:
        return parse_settings(name)
    import yaml

    try:
        document: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is no sound YAML: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} should hold a section per model, as in '{name}:'")
    section: object = cast("dict[str, object]", document).get(name) or {}
    if not isinstance(section, dict):
        raise InputError(f"{file}: '{name}' should be a section of settings")
    return parse_settings(name, cast("dict[str, object]", section))


@app.command()
def recommend(
    folder: Folder,
    user: Annotated[
        list[int] | None, typer.Option("--user", help="Whose ranking; may be repeated.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Rank for every known user.")] = False,
    k: Annotated[int, typer.Option("--k", min=1, help="How many movies.")] = 10,
    by: Annotated[RankBy, typer.Option(help="What to rank by.")] = RankBy.RATING,
    at: Annotated[int | None, typer.Option(help="Answer as of this timestamp.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --all: the Parquet file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank the movies a user has not watched.

    Examples: `foreseen recommend model --user 1 --user 15`;
    `foreseen recommend model --all --out rankings.parquet`
    """
    from foreseen import ranking
    from foreseen.models.checkpoint import load_model

    if everybody == bool(user):
        raise typer.BadParameter("give --user ID, or --all with --out FILE.parquet")
    if everybody and out is None:
        raise typer.BadParameter("--all needs --out FILE.parquet")
    fitted = load_model(folder)
    if out is not None and everybody:
        count = ranking.recommend_all(fitted, out, k, by.value, at)
        report = {"users": count, "file": str(out)}
        if as_json:
            print_json(report)
        else:
            print_table(None, ["users", "file"], [[str(count), str(out)]])
        return
    rankings = ranking.recommend(fitted, user or [], k, by.value, at)
    if as_json:
        print_json([entry.as_json() for entry in rankings])
        return
    for entry in rankings:
        newcomer = "" if entry.known else " (not known: ranked as for a newcomer)"
        print_table(
            f"user {entry.user}{newcomer}",
            ["", "movie", "genres", "stars", "interval", "why"],
            [
                [
                    str(place),
                    f"{movie.title} ({movie.year})" if movie.year else movie.title,
                    ", ".join(movie.genres),
                    f"{movie.prediction:.2f}",
                    f"{movie.low:.1f} to {movie.high:.1f}",
                    movie.why,
                ]
                for place, movie in enumerate(entry.recommendations, start=1)
            ],
        )


@app.command()
def predict(
    folder: Folder,
    pairs: Annotated[Path, typer.Option(help="A CSV file: userId,movieId[,timestamp].")],
    out: Annotated[Path, typer.Option(help="The same with prediction,low,high.")],
    as_json: AsJson = False,
) -> None:
    """Predict the rating of every (user, movie) pair of a file, in its order.

    Example: `foreseen predict model --pairs pairs.csv --out predictions.csv`
    """
    from foreseen.models.checkpoint import load_model
    from foreseen.sources.pairs import read_pairs, write_predictions

    fitted = load_model(folder)
    asked = read_pairs(pairs)
    write_predictions(fitted.predict(asked), out)
    if as_json:
        print_json({"pairs": asked.height, "file": str(out)})
    else:
        print_table(None, ["pairs answered", "file"], [[f"{asked.height:,}", str(out)]])


@app.command()
def observe(
    folder: Folder,
    ratings: Annotated[Path, typer.Option(help="A CSV file: userId,movieId,rating,timestamp.")],
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Let a trained model know new ratings; its weights stay as they are.

    Example: `foreseen observe model --ratings new.csv`
    """
    from foreseen.canonical import load_ratings
    from foreseen.models.checkpoint import load_model, save_knowledge

    fitted = load_model(folder)
    new = load_ratings(ratings, skip_bad_rows)
    known = fitted.observe(new)
    save_knowledge(known, folder)
    report = {
        "observed": new.height,
        "new_users": len(known.timeline.users) - len(fitted.timeline.users),
        "new_movies": len(known.timeline.catalogue) - len(fitted.timeline.catalogue),
        "ratings": known.timeline.ratings.height,
    }
    if as_json:
        print_json(report)
        return
    header = ["ratings observed", "of new users", "of new movies", "ratings known now"]
    print_table(None, header, [[f"{value:,}" for value in report.values()]])


@app.command()
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

    Example: `foreseen evaluate ml-latest-small --protocol foldin --model ensemble --out report`
    """
    from foreseen import canonical
    from foreseen.evaluation.protocols import GLOBAL_MEAN, PROTOCOLS
    from foreseen.evaluation.report import summarise, write_report
    from foreseen.progress import progress_bar

    tables = canonical.load_data(data, skip_bad_rows)
    names = [name.value for name in model or list(ModelName)]
    measure = PROTOCOLS[protocol.value]
    summaries: list[dict[str, Any]] = []
    with progress_bar("evaluating", len(names) + 1) as advance:
        for name in (GLOBAL_MEAN, *names):
            chosen = None if name == GLOBAL_MEAN else _read_settings(settings, name)
            summaries += [summarise(a) for a in measure(tables, name, chosen, seed)]
            advance(1)
    write_report(protocol.value, tables.manifest.source, summaries, out)
    if as_json:
        print_json(json.loads((out / "metrics.json").read_text(encoding="utf-8")))
        return
    print_summaries(protocol.value, tables.manifest.source, summaries)


@app.command()
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
    seed: Seed = 0,
    settings: SettingsFile = None,
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Walk through time: predict every rating before it is learned from.

    A walk that was interrupted goes on where it was.

    Example: `foreseen backtest ml-latest-small --model ensemble --policy adaptive --out walk`
    """
    from foreseen import canonical
    from foreseen.drift.backtest import Walk
    from foreseen.drift.backtest import backtest as walk_through
    from foreseen.drift.report import summarise_walk, write_walk

    tables = canonical.load_data(data, skip_bad_rows)
    names = [name.value for name in policy or list(PolicyName)]
    chosen = _read_settings(settings, model.value)
    walk = Walk(tables, model.value, chosen, names, start, delay, seed)
    document = summarise_walk(walk, *walk_through(walk, out))
    write_walk(document, out)
    if as_json:
        print_json(document)
        return
    print_walk(document)
