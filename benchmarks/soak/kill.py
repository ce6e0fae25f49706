"""Kills, full disks, read-only disks and concurrent writers: what survives them.

Every try starts a process that repeats a writer (see `writers.py`), brings about the fault at a
random moment, and checks what is on the disk: the state before or after the step, all steps that
were reported as complete, and nothing left over after the next step.

    python benchmarks/soak/kill.py [--tries 100] [--into docs/reliability.md]

The disk is a small tmpfs if this process may mount one, else the size of files is limited, and
folders are made read-only.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final, cast

sys.path.append(str(Path(__file__).parents[1]))
from tables import markdown, put_table
from writers import AFTER, NAMES, LostError, Writer, find_writer, leftovers

_WRITERS: Final = Path(__file__).with_name("writers.py")
_PARALLEL: Final = 2
_REMOUNTS: Final = 50
_DISK_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class Process:
    """A process that repeats a writer."""

    child: "subprocess.Popen[str]"

    @classmethod
    def start(cls, name: str, folder: Path, number: int, limit: int | None = None) -> "Process":
        """Start a process; with a limit, it cannot write larger files.

        Raises:
            LostError: If it fails before its first step.
        """
        child = subprocess.Popen(
            [sys.executable, str(_WRITERS), name, str(folder), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=None if limit is None else partial(_limit_files, limit),  # noqa: PLW1509
        )
        return cls(child)

    def wait_until_ready(self) -> None:
        """Return when the first step begins."""
        line = self._stdout.readline()
        if line.startswith("failed"):
            return
        if line != "ready\n":
            raise LostError(f"not ready: {line}{self.child.communicate()[1][-2000:]}")

    def wait(self, seconds: float) -> None:
        """Return after some seconds, or when the process has ended."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def kill(self) -> int:
        """Kill the process; return the number of the last step that it reported.

        Raises:
            LostError: If it has failed with a traceback.
        """
        self.child.kill()
        output, errors = self.child.communicate()
        if "Traceback" in errors or "panicked" in errors:
            raise LostError(errors[-2000:])
        done = [line for line in output.split("\n")[:-1] if line.isdigit()]
        return int(done[-1]) if done else -1

    @property
    def _stdout(self) -> IO[str]:
        assert self.child.stdout is not None
        return self.child.stdout


def _limit_files(size: int) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@dataclass(frozen=True)
class Try:
    """One try of a fault: the writer, the folder that it writes to, and random numbers."""

    name: str
    folder: Path
    chance: random.Random

    @property
    def writer(self) -> Writer:
        """The writer."""
        return find_writer(self.name)

    def check(self, done: Mapping[int, int]) -> None:
        """Check the folder, then that one more step succeeds and leaves nothing over."""
        self.writer.check(self.folder, done)
        self.writer.start(self.folder, 0)(AFTER)
        if found := leftovers(self.folder):
            raise LostError(f"left over: {found}")


def kill_one(attempt: Try) -> None:
    """Kill a writer."""
    process = Process.start(attempt.name, attempt.folder, 0)
    process.wait_until_ready()
    process.wait(attempt.chance.uniform(0, attempt.writer.seconds))
    attempt.check({0: process.kill()})


def kill_two(attempt: Try) -> None:
    """Kill two processes with the same writer and the same folder."""
    processes = [Process.start(attempt.name, attempt.folder, number) for number in range(2)]
    for process in processes:
        process.wait_until_ready()
    for process in processes:
        process.wait(attempt.chance.uniform(0, attempt.writer.seconds))
    attempt.check({number: process.kill() for number, process in enumerate(processes)})


def fill_disk(attempt: Try) -> None:
    """Let the disk become full."""
    size = sum(file.stat().st_size for file in attempt.folder.rglob("*") if file.is_file())
    free = attempt.chance.randint(0, size)
    if _may_mount():
        with mounted(attempt.folder):
            filler = attempt.folder / "filler"
            with filler.open("wb") as stream:
                stream.write(bytes(shutil.disk_usage(attempt.folder).free - free))
            process = Process.start(attempt.name, attempt.folder, 0)
            process.wait_until_ready()
            process.wait(attempt.writer.seconds)
            done = process.kill()
            filler.unlink()
            attempt.check({0: done})
        return
    process = Process.start(attempt.name, attempt.folder, 0, free)
    process.wait_until_ready()
    process.wait(attempt.writer.seconds)
    attempt.check({0: process.kill()})


def make_read_only(attempt: Try) -> None:
    """Make the disk, or the folders, read-only while a writer writes."""
    with mounted(attempt.folder) if _may_mount() else nullcontext():
        process = Process.start(attempt.name, attempt.folder, 0)
        process.wait_until_ready()
        process.wait(attempt.chance.uniform(0, attempt.writer.seconds))
        if not set_read_only(attempt.folder):
            # The process keeps a file open for writing: another one starts on the read-only disk.
            done = process.kill()
            set_read_only(attempt.folder)
            process = Process.start(attempt.name, attempt.folder, 1)
            process.wait_until_ready()
            process.wait(attempt.writer.seconds)
            process.kill()
        else:
            process.wait(attempt.writer.seconds)
            done = process.kill()
        set_writable(attempt.folder)
        attempt.check({0: done})


@contextmanager
def mounted(folder: Path) -> Generator[None]:
    """Move the content of a folder to a small disk that is mounted there."""
    aside = folder.with_name(folder.name + "-aside")
    folder.rename(aside)
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", folder)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
    finally:
        _run("umount", "--lazy", folder)


def set_read_only(folder: Path) -> bool:
    """Make a mounted disk, or the folders below a folder, read-only; return whether that is so."""
    if not _may_mount():
        for path in _folders(folder):
            path.chmod(0o555)
        return True
    for _ in range(_REMOUNTS):
        command = ["mount", "-o", "remount,ro", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.002)
    return False


def set_writable(folder: Path) -> None:
    """Undo `set_read_only`."""
    if _may_mount():
        _run("mount", "-o", "remount,rw", folder)
        return
    for path in _folders(folder):
        path.chmod(0o755)


def _folders(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if path.is_dir())]


def _may_mount() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and sys.platform == "linux"


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


FAULTS: Final[Mapping[str, Callable[[Try], None]]] = {
    "kill -9": kill_one,
    "two at once, then kill -9": kill_two,
    "disk full": fill_disk,
    "disk becomes read-only": make_read_only,
}


def run_tries(
    fault: str, name: str, tries: int, seed: int, prepared: Path
) -> tuple[int, list[str]]:
    """Return the number of tries that survived, and what was lost in the others."""

    def run(number: int) -> str:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            folder = Path(place) / "try"
            shutil.copytree(prepared, folder)
            chance = random.Random(f"{seed} {fault} {name} {number}")  # noqa: S311
            try:
                FAULTS[fault](Try(name, folder, chance))
            except Exception as error:
                return f"{type(error).__name__}: {error}"
        return ""

    with ThreadPoolExecutor(_PARALLEL) as pool:
        lost = [reason for reason in pool.map(run, range(tries)) if reason]
    return tries - len(lost), lost


def main() -> None:
    """Run all tries and print the table; the exit code is 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tries", type=int, default=100, help="of each writer and fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--writer", action="append", choices=NAMES, help="may be repeated")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="may be repeated")
    parser.add_argument("--into", type=Path, help="document to write the table into")
    given = parser.parse_args()
    # Disks are unmounted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = cast("list[str] | None", given.writer) or list(NAMES)
    rows: list[Sequence[str]] = []
    total = 0
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            (Path(place) / name).mkdir()
            find_writer(name).prepare(Path(place) / name)
        for fault in cast("list[str] | None", given.fault) or list(FAULTS):
            for name in names:
                prepared = Path(place) / name
                survived, lost = run_tries(fault, name, given.tries, given.seed, prepared)
                total += len(lost)
                rows.append((f"{fault}: {name}", str(given.tries), str(survived), str(len(lost))))
                print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
                for reason in lost:
                    print(f"  {reason}", file=sys.stderr, flush=True)
    put_table("faults", markdown(("fault", "tries", "survived", "lost"), rows), given.into)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
