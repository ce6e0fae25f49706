"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from foreseen.errors import InputError
from foreseen.models.installed import model_names

if TYPE_CHECKING:
    from foreseen.models.predictor import Settings

Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="Name of a data set, or path of a folder or zip."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trained model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[Path, typer.Option("--out", help="Output folder.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
SkipBadRows = Annotated[
    Path | None,
    typer.Option("--skip-bad-rows", help="Skip rows that are not valid; list them in this CSV."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="YAML or JSON file with a section per model, such as params.yaml."
    ),
]
RatingsFile = Annotated[
    Path, typer.Option("--ratings", help="CSV file with userId,movieId,rating,timestamp.")
]

MODEL_METAVAR: Final = "|".join(model_names())


def parse_model(name: str) -> str:
    """Return the name of a model.

    Raises:
        typer.BadParameter: If there is no model of that name.
    """
    if name not in model_names():
        raise typer.BadParameter(f"'{name}' is not one of {', '.join(model_names())}.")
    return name


class RankBy(StrEnum):
    """Ranking criteria."""

    RATING = "rating"
    LIKELY = "likely"
    BLEND = "blend"


class PolicyName(StrEnum):
    """Update policies."""

    FROZEN = "frozen"
    SLIDING = "sliding"
    FULL = "full"
    INCREMENTAL = "incremental"
    ADAPTIVE = "adaptive"


class ProtocolName(StrEnum):
    """Evaluation protocols."""

    STREAM = "stream"
    FOLDIN = "foldin"
    RANDOM = "random"
    LEAVE_LAST_OUT = "leave-last-out"
    CALENDAR_RANKING = "calendar-ranking"


class ServiceName(StrEnum):
    """Services with a supported export format."""

    LETTERBOXD = "letterboxd"
    IMDB = "imdb"
    TRAKT = "trakt"
    MOVIELENS = "movielens"


def read_settings(file: Path | None, name: str) -> "Settings":
    """Return the settings of a model from its section of a file; without a file, the defaults.

    Raises:
        InputError: If the file cannot be read, or its section is not valid.
    """
    from foreseen.models.spec import parse_settings

    if file is None:
        return parse_settings(name)
    import yaml

    try:
        document: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} should have a section per model, such as '{name}:'")
    section: object = cast("dict[str, object]", document).get(name) or {}
    if not isinstance(section, dict):
        raise InputError(f"{file}: '{name}' should be a mapping of settings")
    return parse_settings(name, cast("dict[str, object]", section))
