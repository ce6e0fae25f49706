"""Commands for one model: train, recommend, predict, observe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foreseen.cli.cluster_option import Cluster
from foreseen.cli.options import (
    MODEL_METAVAR,
    AsJson,
    Columns,
    Data,
    Device,
    DeviceName,
    Folder,
    MaxBadRows,
    Out,
    RankBy,
    RatingsFile,
    Scale,
    Seed,
    SettingsFile,
    SkipBadRows,
    parse_id,
    parse_model,
    parse_path,
    parse_scale,
    parse_timestamp,
    read_settings,
    whole_number,
)
from foreseen.cli.output import after_change, print_json, print_table
from foreseen.cli.outputs import check_file, check_folder, print_written, write_output
from foreseen.models.installed import DEFAULT_MODEL

if TYPE_CHECKING:
    from foreseen.data.rating_scale import RatingScale
    from foreseen.ranking.results import Ranking, Recommendation


def train(
    data: Data,
    out: Out,
    model: Annotated[
        str, typer.Option(parser=parse_model, metavar=MODEL_METAVAR, help="Model to train.")
    ] = DEFAULT_MODEL,
    seed: Seed = 0,
    until: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            parser=parse_timestamp,
            help="Train only on ratings before this timestamp.",
        ),
    ] = None,
    settings: SettingsFile = None,
    device: Device = DeviceName.CPU,
    cluster: Cluster = None,
    columns: Columns = None,
    scale: Scale = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on a data set and save it in a folder.

    Example: `foreseen train ml-latest-small --model ensemble --out model`
    """
    from foreseen.cluster.connection import cluster_tasks
    from foreseen.compute.device import find_device, training_on
    from foreseen.data import canonical
    from foreseen.models.train import train as fit
    from foreseen.registry.versions import check_destination, save_model

    check_destination(out)
    check_folder(out.absolute().parent)
    check_file(skip_bad_rows)
    find_device(device)
    parsed = read_settings(settings, model)
    with cluster_tasks(cluster), training_on(device):
        tables = canonical.load_data(
            data, skip_bad_rows, parse_scale(scale), max_bad_rows, columns=columns
        )
        if until is not None:
            tables = canonical.tables_before(tables, until)
        fitted = fit(tables, model, parsed, seed)
    save_model(fitted, out, tables.links)
    count = tables.ratings.height
    with after_change():
        if as_json:
            report = {"model": fitted.name, "folder": str(out), "ratings": count}
            print_json({**report, **fitted.report})
            return
        header, row = ["model", "folder", "ratings"], [fitted.name, str(out), f"{count:,}"]
        if tables.encoding.scale.has_ratings:
            header.append("RMSE on the latest tenth, held out")
            row.append(f"{fitted.report['validation_rmse']:.4f}")
        print_table(None, header, [row])


def recommend(
    folder: Folder,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="ID", parser=parse_id, help="User id; may be repeated."),
    ] = None,
    all_users: Annotated[bool, typer.Option("--all", help="Rank for all users.")] = False,
    k: Annotated[
        int,
        typer.Option("--k", metavar="INTEGER", parser=whole_number(1), help="Number of movies."),
    ] = 10,
    by: Annotated[
        RankBy | None,
        typer.Option(help="Ranking criterion; by default rating or, without ratings, likely."),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", parser=parse_timestamp, help="Rank as of this timestamp."),
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="Diversity weight (MMR); 0 ranks by score alone.")
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=parse_path,
            help="Output file: .csv, .parquet or .json; - for standard output, as CSV.",
        ),
    ] = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Rank the movies that a user has not watched.

    Examples: `foreseen recommend model --user 1 --user 15`;
    `foreseen recommend model --all --out rankings.parquet`
    """
    from foreseen.cluster.connection import cluster_tasks
    from foreseen.data.output import TABLE_FORMATS
    from foreseen.ranking import recommend as ranking
    from foreseen.ranking.output import write_rankings
    from foreseen.registry.versions import load_model

    if all_users == bool(user):
        raise typer.BadParameter("give --user ID, or --all with --out FILE.parquet")
    if all_users and out is None:
        raise typer.BadParameter("--all needs --out FILE.parquet")
    if cluster is not None and not all_users:
        raise typer.BadParameter("--cluster is for --all")
    model = load_model(folder)
    check_file(out, TABLE_FORMATS)
    options = (k, None if by is None else by.value, at, diversity)
    extension = ".json" if as_json else ".csv"
    if out is not None and all_users:
        with cluster_tasks(cluster):
            count = write_output(
                out, extension, lambda file: ranking.recommend_all(model, file, *options)
            )
        print_written("users", count, out, as_json)
        return
    rankings = ranking.recommend(model, user or [], *options)
    if out is not None:
        write_output(out, extension, lambda file: write_rankings(rankings, file))
        print_written("users", len(rankings), out, as_json)
    elif as_json:
        print_json([entry.as_json() for entry in rankings])
    else:
        for entry in rankings:
            _print_ranking(entry, model.encoding.scale)


def _print_ranking(ranking: "Ranking", scale: "RatingScale") -> None:
    note = "" if ranking.known else " (no ratings: ranked as a new user)"
    scores = ["stars" if scale.is_stars else "rating", "interval"]
    print_table(
        f"user {ranking.user}{note}",
        ["", "movie", "genres", *(scores if scale.has_ratings else ["likely"]), "why"],
        [
            [
                str(place),
                f"{movie.title} ({movie.year})" if movie.year else movie.title,
                ", ".join(movie.genres),
                *_scores(movie),
                movie.why,
            ]
            for place, movie in enumerate(ranking.recommendations, start=1)
        ],
    )


def _scores(movie: "Recommendation") -> list[str]:
    if movie.prediction is None:
        return [f"{movie.likely:.1%}"]
    return [f"{movie.prediction:.2f}", f"{movie.low:.1f} to {movie.high:.1f}"]


def predict(
    folder: Folder,
    pairs: Annotated[
        Path,
        typer.Option(
            metavar="FILE", parser=parse_path, help="CSV file with userId,movieId[,timestamp]."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            parser=parse_path,
            help="Output file: the pairs with prediction,low,high; .csv, .parquet or .json; - for "
            "standard output, as CSV.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Predict the rating of every (user, movie) pair of a file, in the order of the file.

    Example: `foreseen predict model --pairs pairs.csv --out predictions.csv`
    """
    from foreseen.data.output import TABLE_FORMATS
    from foreseen.data.sources.pairs import read_pairs, write_predictions
    from foreseen.registry.layout import rating_scale
    from foreseen.registry.versions import load_model

    rating_scale(folder).check_has_ratings("rank by likely with: foreseen recommend")
    model = load_model(folder)
    check_file(out, TABLE_FORMATS)
    queries = read_pairs(pairs)
    predictions = model.predict(queries)
    extension = ".json" if as_json else ".csv"
    write_output(out, extension, lambda file: write_predictions(predictions, file))
    print_written("pairs", queries.height, out, as_json)


def observe(
    folder: Folder,
    ratings: RatingsFile,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = None,
    max_bad_rows: MaxBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Add ratings to a trained model without retraining.

    Example: `foreseen observe model --ratings new.csv`
    """
    from foreseen.data.canonical import load_ratings
    from foreseen.registry.layout import rating_scale
    from foreseen.registry.versions import load_model, save_log, write_lock

    check_file(skip_bad_rows)
    new = load_ratings(ratings, skip_bad_rows, rating_scale(folder), max_bad_rows, columns=columns)
    with write_lock(folder):
        model = load_model(folder)
        updated = model.observe(new)
        save_log(updated, folder)
    report = {
        "observed": new.height,
        "new_users": len(updated.log.users) - len(model.log.users),
        "new_movies": len(updated.log.catalogue) - len(model.log.catalogue),
        "ratings": updated.log.ratings.height,
    }
    with after_change():
        if as_json:
            print_json(report)
            return
        header = ["ratings added", "new users", "new movies", "ratings in total"]
        print_table(None, header, [[f"{value:,}" for value in report.values()]])
