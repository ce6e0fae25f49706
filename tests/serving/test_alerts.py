"""Alerts about drift: requests to a real receiver, and gauges."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from foreseen.drift.policies import Action
from foreseen.errors import InputError
from foreseen.registry import drift_log
from foreseen.registry.drift_log import DriftFinding, DriftLog, MeasuredWindow
from foreseen.serving.alerts import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    DriftAlerts,
    DriftGauges,
    Webhook,
    signature,
)
from foreseen.serving.hosts import check_url
from foreseen.serving.webhook_options import find_key

KEY = "a key for the tests of the webhook"


def finding(number: int, *, serious: bool = True) -> DriftFinding:
    """Return an open finding."""
    return DriftFinding(
        id=number, state="open", serious=serious, what="ratings", which="all", since=1, earliest=1,
        latest=2, found=3, sentence="Users rate lower.", explains=(), recorded=4,
        action=Action.RETRAINING, done="kept version 1", done_until=5,
    )  # fmt: skip


class Receiver(ThreadingHTTPServer):
    """A receiver that refuses the first requests."""

    def __init__(self, refused: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refused = refused
        self.received: list[tuple[dict[str, str], bytes]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.02)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.received.append((dict(self.headers.items()), body))
        is_refused = len(receiver.received) <= receiver.refused
        self.send_response(503 if is_refused else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(2) as server:
        yield server
        server.shutdown()


def test_a_new_serious_finding_is_sent_once_signed_and_again_after_a_failure(
    folder: Path, tmp_path: Path, receiver: Receiver
) -> None:
    drift_log.write(folder, DriftLog(findings=(finding(1),)))
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    webhook = Webhook(url, KEY, tmp_path, waits=(0.01, 0.01))
    workers = [DriftAlerts(folder, webhook, every=0.02) for _ in range(2)]
    log = DriftLog(findings=(finding(1), finding(2), finding(3, serious=False)))
    drift_log.write(folder, log)
    receiver.wait(3)
    time.sleep(0.2)
    for worker in workers:
        worker.close()
    assert len(receiver.received) == 3
    for headers, body in receiver.received:
        assert headers[SIGNATURE_HEADER] == signature(KEY, headers[TIMESTAMP_HEADER], body)
        assert abs(int(headers[TIMESTAMP_HEADER]) - time.time()) < 60
        document = json.loads(body)
        assert (document["event"], document["finding"]["id"]) == ("drift", 2)
        assert document["finding"]["sentence"] == "Users rate lower."


def test_an_unreachable_receiver_is_given_up_and_later_findings_are_sent(
    folder: Path, tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.refused = 3
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    alerts = DriftAlerts(folder, Webhook(url, KEY, tmp_path, waits=(0.01, 0.01)), every=0.02)
    with closing(alerts):
        drift_log.write(folder, DriftLog(findings=(finding(1),)))
        receiver.wait(3)
        drift_log.write(folder, DriftLog(findings=(finding(1), finding(2))))
        receiver.wait(4)
    ids = [json.loads(body)["finding"]["id"] for _, body in receiver.received]
    assert ids == [1, 1, 1, 2]
    assert "the webhook did not take finding 1: status 503" in caplog.text


def test_the_gauges_show_findings_and_the_error_of_new_ratings(folder: Path) -> None:
    registry = CollectorRegistry()
    gauges = DriftGauges(registry)
    gauges.set(folder)
    labels = {"state": "open", "serious": "true"}
    assert registry.get_sample_value("foreseen_drift_findings", labels) == 0
    window = MeasuredWindow(
        version=1, begins=1, ends=9, ratings=50, users=5, rmse=0.9, expected=0.8, estimated=0.85
    )
    drift_log.write(folder, DriftLog(findings=(finding(1),), windows=(window,)))
    gauges.set(folder)
    assert registry.get_sample_value("foreseen_drift_findings", labels) == 1
    assert registry.get_sample_value("foreseen_recent_rmse") == 0.9
    assert registry.get_sample_value("foreseen_recent_rmse_expected") == 0.85


def test_the_gauges_are_among_the_metrics(client: TestClient) -> None:
    text = TestClient(client.app, client=("127.0.0.1", 1)).get("/metrics").text
    assert 'foreseen_drift_findings{serious="true",state="open"} 0.0' in text
    assert "foreseen_recent_rmse NaN" in text


@pytest.mark.parametrize(
    "url",
    ["", "nowhere", "ftp://a/", "http://example.org/", "https://a:b@example.org/", "https://a:x/"],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="--webhook"):
        check_url(url, "--webhook")


def test_addresses_by_https_and_of_this_machine_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url in ("https://alerts.example.org/x?y=1", "http://127.0.0.1:9000/", "http://localhost/"):
        assert check_url(url, "--webhook") == url
    with pytest.raises(InputError, match="FORESEEN_WEBHOOK_SECRET"):
        find_key()
    monkeypatch.setenv("FORESEEN_WEBHOOK_SECRET", KEY)
    assert find_key() == KEY
