"""Arguments and options that several commands share."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from foreseen.errors import InputError
from foreseen.models.installed import model_names

if TYPE_CHECKING:
    from foreseen.models.predictor import Settings

_MAX_INT64: Final = 2**63 - 1
_MAX_SEED: Final = 2**31 - 1
"""The least of the limits of NumPy, PyTorch and Optuna, with room for seeds derived from it."""


_MAX_SHOWN: Final = 80
"""Characters of an argument that a message repeats."""


def whole_number(low: int, high: int = _MAX_INT64) -> Callable[[str | int], int]:
    """Return a parser of whole numbers between two limits, both included."""

    def parse(value: str | int) -> int:
        text = str(value)  # Typer parses defaults too.
        # int() also accepts underscores, digits of other scripts and thousands of digits.
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
            raise typer.BadParameter(
                f"should be a valid integer, {low} to {high}. Received: {_shown(text)}"
            )
        number = int(text)
        if not low <= number <= high:
            raise typer.BadParameter(f"should be {low} to {high}. Received: {text}")
        return number

    return parse


def parse_timestamp(text: str) -> int:
    """Return a second since 1970 within the range of ratings.

    Raises:
        typer.BadParameter: If the argument is none.
    """
    from foreseen.data.schema import TIMESTAMP_LIMIT

    return whole_number(0, TIMESTAMP_LIMIT)(text)


def parse_path(text: str | Path) -> Path:
    """Return the path of an argument; an empty one would be the current folder.

    Raises:
        typer.BadParameter: If the argument is empty.
    """
    return Path(parse_name(str(text)))


def parse_name(text: str) -> str:
    """Return an argument that is not empty.

    Raises:
        typer.BadParameter: If it is.
    """
    if not text.strip():
        raise typer.BadParameter("should not be empty")
    return text


def parse_model(name: str) -> str:
    """Return the name of a model.

    Raises:
        typer.BadParameter: If there is no model of that name.
    """
    if name not in model_names():
        raise typer.BadParameter(f"{_shown(name)} is not one of {', '.join(model_names())}.")
    return name


def _shown(text: str) -> str:
    return f"'{text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + '...'}'"


MODEL_METAVAR: Final = "|".join(model_names())

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        parser=parse_name,
        help="Name of a data set, or path of a folder or zip.",
    ),
]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", parser=parse_path, help="Folder of a trained model.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", parser=parse_path, help="Output folder.")
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="INTEGER", parser=whole_number(0, _MAX_SEED), help="Random seed."
    ),
]
SkipBadRows = Annotated[
    Path | None,
    typer.Option(
        "--skip-bad-rows",
        metavar="FILE",
        parser=parse_path,
        help="Skip rows that are not valid; list them in this CSV.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        parser=parse_path,
        help="YAML or JSON file with a section per model, such as params.yaml.",
    ),
]
RatingsFile = Annotated[
    Path,
    typer.Option(
        "--ratings",
        metavar="FILE",
        parser=parse_path,
        help="CSV file with userId,movieId,rating,timestamp.",
    ),
]


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
    # A date or a number can be invalid YAML too, and nesting too deep.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{file} should have a section per model, such as '{name}:'")
    section: object = cast("dict[object, object]", document).get(name) or {}
    if not isinstance(section, dict) or not all(
        isinstance(key, str) for key in cast("dict[object, object]", section)
    ):
        raise InputError(f"{file}: '{name}' should be a mapping of settings")
    return parse_settings(name, cast("dict[str, object]", section))
