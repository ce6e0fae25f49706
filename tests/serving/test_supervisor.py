"""Workers that die, hang, cannot start or are busy: real processes with a small application."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import uvicorn
from tests.serving.small_worker import SmallWorker
from uvicorn.supervisors.multiprocess import Process

from foreseen.errors import InputError
from foreseen.serving import supervisor
from foreseen.serving.server import listen
from foreseen.serving.supervisor import Supervisor
from foreseen.serving.unavailable import respond_unavailable
from foreseen.serving.worker import WorkerConfig

Check = Callable[[str, threading.Event], None]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends signals to itself")


@contextmanager
def in_thread(function: Callable[[], None]) -> Generator[None]:
    """Call a function in a thread while the block runs, then end the block by a signal."""
    future: Future[None] = Future()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    future.result()


def serve(folder: Path, check: Check | None = None, workers: int = 1) -> None:
    """Serve with some workers in the main thread; call a check in another one.

    The check is called with the address and an event that is set when a worker is ready.
    """
    ready = threading.Event()
    config = WorkerConfig(folder, "", "", False, (), False, (), folder)
    small = SmallWorker(**{name: getattr(config, name) for name in vars(config)})
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with listen("127.0.0.1", 0) as listening:
        options = uvicorn.Config(
            small.create_app, factory=True, workers=workers, log_level="critical", loop="asyncio"
        )
        running = Supervisor(small, options, unavailable, listening)
        address = "{}:{}".format(*listening.getsockname())
        try:
            with in_thread(partial(check, address, ready)) if check else nullcontext():
                running.run(ready.set)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def unavailable() -> uvicorn.Config:
    return uvicorn.Config(
        respond_unavailable, lifespan="off", log_level="critical", timeout_graceful_shutdown=1
    )


def get(address: str, path: str = "/") -> tuple[int, int]:
    """Return a status and, if it is that of success, the id of the process that responded."""
    with closing(HTTPConnection(address, timeout=20)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, int(response.read()) if response.status == 200 else 0


def wait_for(address: str, status: int) -> int:
    """Wait for a status; return the id of the process that responded."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError, HTTPException):
            found, process = get(address)
            if found == status:
                return process
        time.sleep(0.05)
    pytest.fail(f"no response with status {status}")


def test_workers_that_die_are_retried_at_growing_intervals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken").touch()

    def check(address: str, _: threading.Event) -> None:
        wait_for(address, 503)
        deadline = time.monotonic() + 60
        while len(caplog.messages) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert get(address)[0] == 503
        (tmp_path / "broken").unlink()
        process = wait_for(address, 200)
        os.kill(process, signal.SIGKILL)
        wait_for(address, 503)
        assert wait_for(address, 200) != process

    serve(tmp_path, check)
    waits = [message.rpartition(" in ")[2] for message in caplog.messages[:2]]
    assert waits == ["0.5 s", "1 s"]


def test_the_first_worker_starts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    start = Process.start

    def recorded(worker: Process) -> None:
        started.append(time.monotonic())
        start(worker)

    monkeypatch.setattr(Process, "start", recorded)

    def check(address: str, ready: threading.Event) -> None:
        assert ready.wait(30)
        became_ready = time.monotonic()
        deadline = time.monotonic() + 30
        while len(started) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # The thread of the check is not woken at once.
        assert started[1] >= became_ready - 0.05
        first = wait_for(address, 200)
        while get(address) == (200, first):
            assert time.monotonic() < deadline

    serve(tmp_path, check, workers=2)
    assert len(started) == 2


def test_a_worker_that_hangs_is_replaced_and_a_busy_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_HUNG_SECONDS", 10.0)

    def check(address: str, ready: threading.Event) -> None:
        ready.wait(30)
        process = wait_for(address, 200)
        monkeypatch.setattr(supervisor, "_HUNG_SECONDS", 1.0)
        assert get(address, "/busy") == (200, process)
        os.kill(process, signal.SIGSTOP)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{process}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        monkeypatch.setattr(supervisor, "_HUNG_SECONDS", 10.0)
        wait_for(address, 200)

    serve(tmp_path, check)


def test_requests_in_progress_are_completed_at_the_end(tmp_path: Path) -> None:
    def check(address: str, ready: threading.Event) -> None:
        ready.wait(30)
        process = wait_for(address, 200)
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert get(address, "/busy") == (200, process)

    serve(tmp_path, check)


def test_a_mistake_ends_the_service_only_before_it_has_served(tmp_path: Path) -> None:
    (tmp_path / "mistake").touch()
    with pytest.raises(InputError, match="holds no model"):
        serve(tmp_path)
    (tmp_path / "mistake").unlink()

    def check(address: str, _: threading.Event) -> None:
        process = wait_for(address, 200)
        (tmp_path / "mistake").touch()
        os.kill(process, signal.SIGKILL)
        wait_for(address, 503)
        time.sleep(0.5)
        (tmp_path / "mistake").unlink()
        wait_for(address, 200)

    serve(tmp_path, check)
