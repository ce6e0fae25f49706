"""Commands on one model: train it, ask it, tell it more."""

from pathlib import Path
from typing import Annotated

import typer

from foreseen.cli.options import (
    AsJson,
    Data,
    Folder,
    ModelName,
    Out,
    RankBy,
    Seed,
    SettingsFile,
    SkipBadRows,
    read_settings,
)
from foreseen.cli.output import print_json, print_table


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
    from foreseen.data import canonical
    from foreseen.models.train import train as fit
    from foreseen.registry.versions import save_model

    tables = canonical.load_data(data, skip_bad_rows)
    if until is not None:
        tables = canonical.tables_before(tables, until)
    fitted = fit(tables, model.value, read_settings(settings, model.value), seed)
    save_model(fitted, out, tables.links)
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


def recommend(
    folder: Folder,
    user: Annotated[
        list[int] | None, typer.Option("--user", help="Whose ranking; may be repeated.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Rank for every known user.")] = False,
    k: Annotated[int, typer.Option("--k", min=1, help="How many movies.")] = 10,
    by: Annotated[RankBy, typer.Option(help="What to rank by.")] = RankBy.RATING,
    at: Annotated[int | None, typer.Option(help="Answer as of this timestamp.")] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="How much alike movies stand in each other's way.")
    ] = 0.0,
    out: Annotated[Path | None, typer.Option(help="With --all: the Parquet file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank the movies a user has not watched.

    Examples: `foreseen recommend model --user 1 --user 15`;
    `foreseen recommend model --all --out rankings.parquet`
    """
    from foreseen.ranking import recommend as ranking
    from foreseen.registry.versions import load_model

    if everybody == bool(user):
        raise typer.BadParameter("give --user ID, or --all with --out FILE.parquet")
    if everybody and out is None:
        raise typer.BadParameter("--all needs --out FILE.parquet")
    fitted = load_model(folder)
    if out is not None and everybody:
        count = ranking.recommend_all(fitted, out, k, by.value, at, diversity)
        report = {"users": count, "file": str(out)}
        if as_json:
            print_json(report)
        else:
            print_table(None, ["users", "file"], [[str(count), str(out)]])
        return
    rankings = ranking.recommend(fitted, user or [], k, by.value, at, diversity)
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


def predict(
    folder: Folder,
    pairs: Annotated[Path, typer.Option(help="A CSV file: userId,movieId[,timestamp].")],
    out: Annotated[Path, typer.Option(help="The same with prediction,low,high.")],
    as_json: AsJson = False,
) -> None:
    """Predict the rating of every (user, movie) pair of a file, in its order.

    Example: `foreseen predict model --pairs pairs.csv --out predictions.csv`
    """
    from foreseen.data.sources.pairs import read_pairs, write_predictions
    from foreseen.registry.versions import load_model

    fitted = load_model(folder)
    asked = read_pairs(pairs)
    write_predictions(fitted.predict(asked), out)
    if as_json:
        print_json({"pairs": asked.height, "file": str(out)})
    else:
        print_table(None, ["pairs answered", "file"], [[f"{asked.height:,}", str(out)]])


def observe(
    folder: Folder,
    ratings: Annotated[Path, typer.Option(help="A CSV file: userId,movieId,rating,timestamp.")],
    skip_bad_rows: SkipBadRows = None,
    as_json: AsJson = False,
) -> None:
    """Let a trained model know new ratings; its weights stay as they are.

    Example: `foreseen observe model --ratings new.csv`
    """
    from foreseen.data.canonical import load_ratings
    from foreseen.registry.versions import changing, load_model, save_knowledge

    new = load_ratings(ratings, skip_bad_rows)
    with changing(folder):
        fitted = load_model(folder)
        known = fitted.observe(new)
        save_knowledge(known, folder)
    report = {
        "observed": new.height,
        "new_users": len(known.log.users) - len(fitted.log.users),
        "new_movies": len(known.log.catalogue) - len(fitted.log.catalogue),
        "ratings": known.log.ratings.height,
    }
    if as_json:
        print_json(report)
        return
    header = ["ratings observed", "of new users", "of new movies", "ratings known now"]
    print_table(None, header, [[f"{value:,}" for value in report.values()]])
