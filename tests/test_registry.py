"""Versions: immutable, one current, nothing lost whoever writes and whenever they are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import polars as pl
import pytest

from foreseen.data.canonical import Tables
from foreseen.errors import InputError, ModelFolderError
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.registry import audit_log as journal
from foreseen.registry import versions as registry
from tests.conftest import ratings_of

P = ParamSpec("P")
R = TypeVar("R")


@pytest.fixture(scope="module")
def bias(small: Tables) -> Model:
    return train(small, "bias")


@pytest.fixture
def folder(bias: Model, tmp_path: Path) -> Path:
    registry.save_model(bias, tmp_path / "m")
    return tmp_path / "m"


def add(folder: Path, model: Model, why: str = "a try") -> int:
    with registry.changing(folder):
        return registry.add_version(folder, model, 1, why)


def test_a_version_answers_only_once_promoted_and_rollback_brings_the_old_one_back(
    folder: Path, bias: Model
) -> None:
    number = add(folder, bias)
    assert number == 2
    assert registry.read_version(folder).number == 1
    with registry.changing(folder):
        registry.promote(folder, 2, "better")
    assert registry.read_version(folder).number == 2
    with registry.changing(folder):
        assert registry.rollback(folder, "worse after all") == 1
        with pytest.raises(InputError, match="first that was current"):
            registry.rollback(folder, "again")
    assert [line["what"] for line in journal.read(folder)] == ["promote", "rollback"]
    assert [version.why for version in registry.versions(folder)] == ["trained", "a try"]


def test_promoting_what_is_not_there_or_is_current_is_refused(folder: Path) -> None:
    with registry.changing(folder):
        with pytest.raises(InputError, match="no version 7"):
            registry.promote(folder, 7, "")
        with pytest.raises(InputError, match="already"):
            registry.promote(folder, 1, "")


def test_a_damaged_version_is_not_promoted_and_the_current_one_goes_on(
    folder: Path, bias: Model
) -> None:
    add(folder, bias)
    weights = folder / "versions" / "0002" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with registry.changing(folder), pytest.raises(ModelFolderError, match="not what was saved"):
        registry.promote(folder, 2, "")
    assert registry.load_model(folder).name == "bias"


def test_all_versions_know_the_same_ratings(folder: Path, bias: Model) -> None:
    add(folder, bias)
    with registry.changing(folder):
        known = registry.load_model(folder).observe(ratings_of((9001, 318, 5.0, 2_000_000_000)))
        registry.save_knowledge(known, folder)
    for number in (1, 2):
        assert len(registry.load_model(folder, number).history(9001).movies) == 1


def test_a_folder_of_an_older_edition_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="older edition"):
        registry.load_model(tmp_path)


OBSERVE = """
import sys
from pathlib import Path
from foreseen.registry import audit_log as journal
from foreseen.registry import versions as registry
from foreseen.data.canonical import ratings_frame
folder, user = Path(sys.argv[1]), int(sys.argv[2])
for n in range(5):
    with registry.changing(folder):
        model = registry.load_model(folder)
        new = ratings_frame([(user, 1 + n, 3.0, 2_000_000_000 + n)])
        registry.save_knowledge(model.observe(new), folder)
"""


def test_two_processes_observing_at_once_lose_nothing(folder: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", OBSERVE, str(folder), str(user)])
        for user in (9001, 9002)
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    model = registry.load_model(folder)
    assert [len(model.history(user).movies) for user in (9001, 9002)] == [5, 5]


@pytest.mark.skipif(os.name == "nt", reason="no kill -9 on Windows")
def test_a_kill_at_any_moment_leaves_a_working_current_version(folder: Path) -> None:
    code = OBSERVE.replace("range(5)", "range(10_000)") + "\n"
    code = code.replace(
        "registry.save_knowledge(model.observe(new), folder)",
        "model = model.observe(new); registry.save_knowledge(model, folder); "
        "registry.promote(folder, registry.add_version(folder, model, 1, 'n'), 'n')",
    )
    for pause in (0.0, 0.05, 0.11, 0.23):
        process = subprocess.Popen([sys.executable, "-c", code, str(folder), "9001"])
        deadline = time.monotonic() + 60
        before = registry.read_version(folder).number
        while registry.read_version(folder).number == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        current = registry.read_version(folder)
        assert current.number > before
        pairs = pl.DataFrame({"userId": [9001], "movieId": [318]})
        assert registry.load_model(folder).predict(pairs)["prediction"].is_finite().all()
        json.loads((folder / "current").read_text())


LINKS = pl.DataFrame({"movieId": [318], "imdbId": ["0111161"], "tmdbId": [278]})


def told(folder: Path) -> tuple[int, int, bool]:
    """Which version answers, how many ratings it knows, whether there are links."""
    model, links = registry.load_model(folder), registry.read_links(folder)
    return registry.read_version(folder).number, model.log.ratings.height, links is not None


def test_at_each_step_of_replacing_models_either_the_old_or_the_new_can_be_read(
    bias: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, steps = tmp_path / "here" / "m", tmp_path / "steps"
    registry.save_model(bias, folder, LINKS)
    with registry.changing(folder):
        registry.promote(folder, registry.add_version(folder, bias, 1, "a try"), "")
    known = bias.log.ratings.height
    old, new = (2, known, True), (1, known + 1, False)
    larger = bias.observe(ratings_of((9001, 318, 5.0, 2_000_000_000)))

    copying = False

    def leaving_a_copy(step: Callable[P, R]) -> Callable[P, R]:
        def call(*given: P.args, **named: P.kwargs) -> R:
            nonlocal copying
            if not copying:
                copying = True
                # What a kill would leave just now.
                shutil.copytree(folder, steps / f"{len(list(steps.iterdir())):03d}")
                copying = False
            return step(*given, **named)

        return call

    steps.mkdir()
    with monkeypatch.context() as patched:
        for name in ("mkdir", "rename", "replace", "rmdir", "unlink"):
            patched.setattr(os, name, leaving_a_copy(getattr(os, name)))
        registry.save_model(larger, folder)
    copied = sorted(steps.iterdir())
    found = [told(copy) for copy in copied]
    turn = found.index(new)
    assert 5 < turn < len(found) - 3
    assert found == [old] * turn + [new] * (len(found) - turn)
    assert told(folder) == new
    assert len(list(folder.iterdir())) == 2
    for copy in (copied[turn - 1], copied[turn], copied[-1]):
        registry.save_model(bias, copy, LINKS)
        assert told(copy) == (1, known, True)
        assert len(list(copy.iterdir())) == 2


def test_models_that_replaced_others_are_observed_promoted_and_rolled_back(
    folder: Path, bias: Model
) -> None:
    registry.save_model(bias, folder)
    before = registry.stamp(folder)
    assert add(folder, bias) == 2
    with registry.changing(folder):
        registry.save_knowledge(bias.observe(ratings_of((9001, 318, 5.0, 2_000_000_000))), folder)
        registry.promote(folder, 2, "")
    assert registry.stamp(folder) != before
    assert told(folder) == (2, bias.log.ratings.height + 1, False)
    with registry.changing(folder):
        assert registry.rollback(folder, "") == 1
    assert [version.number for version in registry.versions(folder)] == [1, 2]


def test_a_current_that_names_a_folder_elsewhere_is_refused(folder: Path) -> None:
    (folder / "current").write_text('{"version": 1, "home": "../m"}')
    with pytest.raises(ModelFolderError, match="damaged"):
        registry.load_model(folder)


def test_of_two_ratings_of_a_pair_the_later_one_counts(bias: Model) -> None:
    later = ratings_of((9001, 318, 5.0, 2_000_000_900))
    older = ratings_of((9001, 318, 2.0, 2_000_000_100))
    for first, second in ((later, older), (older, later)):
        assert bias.observe(first).observe(second).history(9001).ratings.tolist() == [5.0]


def test_a_torn_journal_line_hides_no_other(folder: Path) -> None:
    with registry.changing(folder):
        journal.write(folder, "one", "", {})
        with (folder / "journal.jsonl").open("a") as torn:
            torn.write('{"what": "to')
        journal.write(folder, "two", "", {})
    assert [line["what"] for line in journal.read(folder)] == ["one", "two"]


def test_a_version_has_the_rows_of_the_movies_it_is_kept_with(bias: Model, folder: Path) -> None:
    """Movies that came later stand behind the others, whatever their ids."""
    from foreseen.registry.champion import train_challenger

    end = bias.log.end
    pairs = [(user, movie) for user in (9001, 9002) for movie in (318, 7, 1_000_003, 999_999)]
    rows = [(user, movie, 4.0, end + n) for n, (user, movie) in enumerate(pairs)]
    known = bias.observe(ratings_of(*rows))
    challenger = train_challenger(known, known.log.ratings.height - 2, 0)
    with registry.changing(folder):
        registry.save_knowledge(known, folder)
        number = registry.add_version(folder, challenger, 1, "a try")
    asked = known.log.ratings.tail(400).drop("rating")
    assert registry.load_model(folder, number).predict(asked).equals(challenger.predict(asked))
