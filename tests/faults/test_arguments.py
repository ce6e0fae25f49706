"""Every command with wrong arguments: one line that names the fault, and an exit code of its kind.

`ROWS` names the kind of every argument and option; a command or an option without an entry fails.
`FAULTS` has the wrong values of each kind, `SOUND` a right one.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from tests.cli.conftest import Result, run_command

from foreseen.cli import app
from foreseen.data.canonical import Tables

READING: Final = {"columns": "columns", "skip_bad_rows": "list", "max_bad_rows": "share"}
ROWS: Final[Mapping[str, Mapping[str, str]]] = {
    "data list": {},
    "data get": {"data": "data", "out": "folder", **READING, "scale": "scale"},
    "data describe": {"data": "data", "out": "page", **READING, "scale": "scale"},
    "train": {
        "data": "data", "out": "model output", "model": "name", "seed": "whole number",
        "until": "whole number", "settings": "settings", "device": "device", **READING,
        "scale": "scale", "cluster": "cluster",
    },
    "recommend": {
        "folder": "model", "user": "id", "k": "whole number", "by": "name",
        "at": "whole number", "diversity": "share", "out": "table", "cluster": "cluster",
    },
    "predict": {"folder": "model", "pairs": "rows", "out": "table"},
    "observe": {"folder": "model", "ratings": "rows", **READING},
    "export": {"folder": "model", "out": "network", "_to": "name"},
    "update": {"folder": "model", "ratings": "rows", "device": "device", **READING},
    "drift": {"folder": "model", "acknowledge": "finding"},
    "models": {"folder": "model"},
    "promote": {"folder": "model", "number": "version"},
    "rollback": {"folder": "model"},
    "evaluate": {
        "data": "data", "out": "folder", "protocol": "name", "ties": "name",
        "folds": "whole number", "model": "name", "seed": "whole number",
        "settings": "settings", "device": "device", "cluster": "cluster", **READING,
        "scale": "scale",
    },
    "tune": {
        "data": "data", "out": "folder", "model": "name", "trials": "whole number",
        "seed": "whole number", "cluster": "cluster", **READING, "scale": "scale",
    },
    "backtest": {
        "data": "data", "out": "folder", "model": "name", "policy": "name", "start": "share",
        "windows": "whole number", "delay": "whole number", "seed": "whole number",
        "settings": "settings",
        **READING, "scale": "scale",
    },
    "reports": {"folder": "folder"},
    "import": {
        "file": "export", "service": "name", "movies": "data", "into": "model",
        "user": "id", "out": "table", "choose": "choice of a movie",
        "columns": "columns of films", "scale": "scale of films",
    },
    "serve": {
        "folder": "served model", "db": "text", "host": "text", "port": "whole number",
        "admin": "text", "allowed_host": "text", "workers": "whole number",
        "posters": "folder of files", "webhook": "secure URL", "tmdb_url": "secure URL",
        "cluster": "cluster",
    },
    "mcp": {"folder": "model", "db": "text", "user": "text"},
    "backup": {"folder": "model", "out": "archive", "db": "text"},
    "restore": {"file": "backup", "folder": "restored", "db": "text"},
}  # fmt: skip
WHOLE_NUMBERS: Final = (
    "", "one", "1.5", "-1", "1_0", "nan", "1e3", "١٥", str(10**30), "9" * 5000,
)  # fmt: skip
ABSENT_DEVICE: Final = "mps" if sys.platform != "darwin" else "cuda"
INPUTS: Final = ("", "nowhere", "{empty}", "{binary}", "{bare}")
OUTPUTS: Final = ("", "{data}", "{binary}/below.csv", "/proc/nowhere.csv")
FAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "data": (*INPUTS, "{other}", "{broken}"),
    "model": (*INPUTS, "{other}", "{damaged}"),
    "served model": (*INPUTS, "{other}"),
    "rows": (*INPUTS, "{json}", "{nested}"),
    "export": (*INPUTS, "{json}", "{nested}"),
    "backup": INPUTS,
    "settings": ("", "nowhere", "{bare}", "{binary}", "{json}", "{deep}", "{date}"),
    "name": ("", "nope", "../bias"),
    "device": ("", "nope", ABSENT_DEVICE),
    "cluster": ("", "nowhere", "host:", "host:0", "host:65536", "https://host:6379"),
    "whole number": WHOLE_NUMBERS,
    "version": (*WHOLE_NUMBERS, "0", "7"),
    "finding": (*WHOLE_NUMBERS, "0", "7"),
    "share": ("", "one", "nan", "inf", "-0.5", "2", "1e400"),
    "id": ("", "a\0b", "9" * 5000),
    "columns": ("", "user", "user=", "stars=x", "user=nope"),
    "scale": ("", "5", "5:1", "a:b", "nan:1", "1:10:0"),
    "columns of films": ("", "title", "title=", "stars=x"),
    "scale of films": ("", "5", "5:1"),
    "choice of a movie": ("", "one", "1:2:3", "1:", "-1:1", f"1:{10**30}", "٢:1"),
    "folder": ("", "{binary}", "{binary}/below", "/proc/nowhere"),
    "model output": ("", "{binary}", "{binary}/below", "{other}", "/proc/nowhere"),
    "restored": ("", "{binary}", "{binary}/below", "{other}", "/proc/nowhere"),
    "folder of files": ("", "nowhere", "{binary}"),
    "table": (*OUTPUTS, "table.txt", "table", "/dev/full"),
    "network": (*OUTPUTS[:-1], "-", "network.txt", "/proc/nowhere.onnx"),
    "page": (*OUTPUTS[:-1], "page.csv", "/proc/nowhere.html"),
    "list": OUTPUTS,
    "archive": OUTPUTS,
    "secure URL": (
        "",
        "nowhere",
        "http://example.org/",
        "https://a:b@example.org/",
        "http://[",
        "https://a:x",
    ),
    "text": (),
}
MACHINE: Final = ("/dev/", "/proc/")
"""Prefixes of the values that are right, but fail for a reason of the machine."""
SOUND: Final = {
    "data": "{data}", "model": "{model}", "served model": "{model}",
    "model output": "{new}/model", "folder": "{new}/folder",
    "page": "{new}/page.html", "network": "{new}/network.onnx", "table": "{new}/table.csv",
    "archive": "{new}/backup.zip",
    "version": "1", "export": "{export}", "backup": "{backup}", "restored": "{new}/model",
}  # fmt: skip
FURTHER: Final[Mapping[str, tuple[str, ...]]] = {
    "train": ("--model", "bias"),
    "recommend": ("--user", "1"),
    "predict": ("--pairs", "{pairs}"),
    "observe": ("--ratings", "{ratings}"),
    "update": ("--ratings", "{ratings}"),
    "evaluate": ("--model", "bias"),
    "tune": ("--model", "bias", "--trials", "1"),
    "backtest": ("--model", "bias", "--policy", "frozen"),
    "import": ("--from", "letterboxd"),
}
"""Sound values of options, before the wrong one."""


@dataclass(frozen=True)
class Command:
    """A command of the application and its parameters, flags left out."""

    name: str
    parameters: tuple[Any, ...]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[Command]:  # noqa: ANN401
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            values = (p for p in command.params if not getattr(p, "is_flag", False))
            yield Command(" ".join((*path, name)), tuple(values))


COMMANDS: Final = {command.name: command for command in commands(typer.main.get_command(app))}
CASES: Final = [
    pytest.param(name, parameter, fault, id=f"{name} {parameter} {fault[:20] or 'empty'}")
    for name, parameters in ROWS.items()
    for parameter, kind in parameters.items()
    for fault in FAULTS[kind]
]


@pytest.fixture(scope="module")
def places(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Sound and unsound files, by name; the test fails if a command changes one of them."""
    root = tmp_path_factory.mktemp("arguments")
    contents: dict[str, bytes] = {
        "empty": b"",
        "binary": bytes(range(256)) * 4,
        "json": b'[{"a": [1, null]}]',
        "nested": b"[" * 3000,
        "deep": b"[" * 400,
        "date": b"bias:\n  ridge: 2020-13-45\n",
        "pairs": b"userId,movieId\n1,31\n",
        "ratings": b"userId,movieId,rating,timestamp\n1,31,4.0,1476640646\n",
        "export": b"Date,Name,Year,Letterboxd URI,Rating\n2015-03-07,Alien,1979,x,4.5\n",
        "other/notes.txt": b"kept",
        "broken/ratings.csv": bytes(range(256)),
        "damaged/current": b"\xff\xfe\x00",
    }
    for name, content in contents.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    for name in ("bare", "new", "data"):
        (root / name).mkdir()
    small.ratings.write_csv(root / "data" / "ratings.csv")
    trained = run_command("train", root / "data", "--model", "bias", "--out", root / "model")
    assert trained.exit_code == 0, trained.stderr
    assert run_command("backup", root / "model", "--out", root / "backup").exit_code == 0
    before = _contents(root)
    yield {entry.name: entry for entry in root.iterdir()}
    assert _contents(root).items() >= before.items()


def _contents(root: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.fixture
def call(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run a command with sound required values, all but those given, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    named = {name: str(path) for name, path in places.items()}

    def run(command: Command, wrong: Mapping[str, str]) -> Result:
        words: list[str] = []
        for parameter in command.parameters:
            kind = ROWS[command.name][parameter.name]
            if parameter.name in wrong:
                value = wrong[parameter.name].format(**named)
            elif parameter.required and kind in SOUND:
                value = SOUND[kind].format(**named)
            else:
                continue
            words += (
                [value]
                if parameter.param_type_name == "argument"
                else [f"{parameter.opts[0]}={value}"]
            )
        further = [word.format(**named) for word in FURTHER.get(command.name, ())]
        return run_command(*command.name.split(), *further, *words)

    return run


def check(result: Result, code: int) -> None:
    assert result.exit_code == code, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    if lines[0].startswith("Usage:"):
        assert [line[:5] for line in lines[1:]] == ["Try '", "", "Error"], result
    else:
        assert len(lines) == 1, result
        assert lines[0].startswith("foreseen: ")
    assert "Traceback" not in result.stderr
    assert "this is a bug" not in result.stderr
    assert len(result.stderr) < 3000


def test_every_argument_and_option_has_a_row() -> None:
    declared = {
        name: {parameter.name for parameter in command.parameters}
        for name, command in COMMANDS.items()
    }
    assert declared == {name: set(row) for name, row in ROWS.items()}


@pytest.mark.parametrize(("name", "parameter", "fault"), CASES)
def test_a_wrong_value_ends_a_command_with_one_line(
    name: str, parameter: str, fault: str, call: Callable[..., Result]
) -> None:
    is_machine = fault.startswith(MACHINE)
    if is_machine and sys.platform != "linux":
        pytest.skip("the path needs Linux")
    check(call(COMMANDS[name], {parameter: fault}), 1 if is_machine else 2)


@pytest.mark.parametrize("name", ROWS)
def test_a_missing_argument_or_an_unknown_option_is_a_usage_error(name: str) -> None:
    unknown = run_command(*name.split(), "--no-such-option")
    check(unknown, 2)
    if any(parameter.required for parameter in COMMANDS[name].parameters):
        check(run_command(*name.split()), 2)
