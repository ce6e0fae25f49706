"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from foreseen.errors import InputError

if TYPE_CHECKING:
    from foreseen.models.predictor import Settings

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


def read_settings(file: Path | None, name: str) -> "Settings":
    """Return a model's settings from its section of a file, or the defaults without one.

    Raises:
        InputError: If the file or its section is not sound.
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
        raise InputError(f"{file} is no sound YAML: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} should hold a section per model, as in '{name}:'")
    section: object = cast("dict[str, object]", document).get(name) or {}
    if not isinstance(section, dict):
        raise InputError(f"{file}: '{name}' should be a section of settings")
    return parse_settings(name, cast("dict[str, object]", section))


class ServiceName(StrEnum):
    """Where people rate elsewhere."""

    LETTERBOXD = "letterboxd"
    IMDB = "imdb"
    TRAKT = "trakt"
    MOVIELENS = "movielens"
