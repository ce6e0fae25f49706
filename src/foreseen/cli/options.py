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
    from foreseen.data.rating_scale import RatingScale
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


def parse_id(text: str) -> str:
    """Return a user id.

    Raises:
        typer.BadParameter: If it is empty, too long or has control characters.
    """
    from foreseen.data.sources.fields import parse_id as parse

    try:
        return parse("a user id", text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def parse_columns(text: str) -> dict[str, str]:
    """Return the columns that an argument such as `user=uid,item=film` names.

    Raises:
        typer.BadParameter: If it names none.
    """
    from foreseen.data.sources import columns

    try:
        return columns.parse_columns(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


def parse_scale(text: str | None) -> "RatingScale | None":
    """Return the scale of an option.

    Raises:
        typer.BadParameter: If it is none.
    """
    from foreseen.data.rating_scale import RatingScale

    try:
        return None if text is None else RatingScale.parse(text)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="'--scale'") from error


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
        help="Name of a data set; path of a file, folder or zip; sqlite:///FILE#TABLE; or - for "
        "standard input.",
    ),
]
Columns = Annotated[
    dict[str, str] | None,
    typer.Option(
        "--columns",
        metavar="KEY=NAME,...",
        parser=parse_columns,
        help="Columns of the ratings, by name or by position from 1: "
        "user=uid,item=film,rating=score,time=when.",
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
MaxBadRows = Annotated[
    float | None,
    typer.Option(
        "--max-bad-rows",
        metavar="SHARE",
        min=0,
        max=1,
        help="Largest share of rows that may be skipped; by default 0.01.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="LOW:HIGH[:STEP]",
        help="Scale of the ratings, such as 1:10; by default it is recognised.",
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
        help="Ratings: a file, or any DATA; - for standard input.",
    ),
]


class DeviceName(StrEnum):
    """Devices that networks are trained on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


Device = Annotated[
    DeviceName,
    typer.Option(
        "--device",
        help="Device that trains the sequence network; auto is the first of cuda, mps and cpu.",
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
    TIME_TO_SPLIT = "time-to-split"
    ESASREC_60D = "esasrec-60d"
    U1_U5 = "u1-u5"


class ServiceName(StrEnum):
    """Services with a supported export format."""

    LETTERBOXD = "letterboxd"
    IMDB = "imdb"
    TRAKT = "trakt"
    MOVIELENS = "movielens"
    SIMKL = "simkl"
    TMDB = "tmdb"
    MOVARY = "movary"
    JELLYFIN = "jellyfin"
    CSV = "csv"


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
