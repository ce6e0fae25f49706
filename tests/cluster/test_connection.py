"""Clusters that there are not, and commands without Ray."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import run_command

from foreseen.cluster.connection import check_address
from foreseen.data.canonical import Tables
from foreseen.errors import InputError
from foreseen.models.train import train
from foreseen.registry.versions import save_model

# Ray is imported for all of Python as if it were not installed.
WITHOUT_RAY = """
import sys
sys.modules["ray"] = None
from foreseen.cli import main
for words in {commands!r}:
    sys.argv = ["foreseen", *words]
    try:
        main()
        code = 0
    except SystemExit as done:
        code = done.code or 0
    print("exit code", code, flush=True)
"""


@pytest.fixture(scope="module")
def model(tiny: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model` and `data`."""
    folder = tmp_path_factory.mktemp("model")
    save_model(train(tiny, "bias"), folder / "model")
    (folder / "data").mkdir()
    tiny.ratings.write_csv(folder / "data" / "ratings.csv")
    return folder


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nothing listens at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "address",
    ["local", "auto", "10.0.0.1:6379", "head.example:6379", "[::1]:6379", "ray://h:10001"],
)
def test_addresses_of_ray_are_accepted(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("address", ["", "head", "head:", ":6379", "h:0", "h:70000", "http://h:1"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"should be HOST:PORT, auto or local"):
        check_address(address)


def test_a_cluster_that_does_not_answer_is_one_line(model: Path, closed_port: int) -> None:
    pytest.importorskip("ray")
    address = f"127.0.0.1:{closed_port}"
    out = model / "rankings.parquet"
    for words in (
        ("recommend", model / "model", "--all", "--out", out),
        ("train", model / "data", "--out", model / "new"),
    ):
        result = run_command(*words, "--cluster", address)
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"foreseen: there is no cluster at {address} (Connection refused)")
    assert not out.exists()
    assert not (model / "new").exists()


def test_a_cluster_is_for_all_users(model: Path) -> None:
    result = run_command("recommend", model / "model", "--user", 1, "--cluster", "local")
    assert result.exit_code == 2
    assert "--cluster is for --all" in result.stderr


def test_commands_work_without_ray_and_name_the_extra_that_a_cluster_needs(model: Path) -> None:
    out = model / "without.parquet"
    recommend = ["recommend", str(model / "model"), "--all", "--out", str(out)]
    helps = [[name, "--help"] for name in ("train", "recommend", "evaluate", "tune", "backtest")]
    commands = [recommend, [*recommend, "--cluster", "local"], ["--help"], *helps]
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_RAY.format(commands=commands)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FORESEEN_DEBUG": ""},
    )
    codes = [line for line in result.stdout.splitlines() if line.startswith("exit code")]
    assert codes == ["exit code 0", "exit code 2", *["exit code 0"] * (1 + len(helps))]
    assert result.stderr == "foreseen: a cluster needs Ray: pip install 'foreseen[cluster]'\n"
    assert out.exists()
