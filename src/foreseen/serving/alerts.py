"""Alerts about drift: a request to a webhook, and gauges for Prometheus.

A webhook gets one request for each serious finding that an update records while the server runs,
whoever made the update. Threads of their own send it, so that requests never wait for it.
"""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from foreseen.errors import ModelFolderError
from foreseen.registry import drift_log
from foreseen.registry.drift_log import DriftFinding, DriftLog

SIGNATURE_HEADER: Final = "X-Foreseen-Signature"
TIMESTAMP_HEADER: Final = "X-Foreseen-Timestamp"
_LOG: Final = logging.getLogger("foreseen.serving")
_POLL_SECONDS: Final = 2.0
_TIMEOUT_SECONDS: Final = 5.0
_WAITS: Final = (1.0, 5.0, 25.0)
"""Seconds between attempts."""


@dataclass(frozen=True)
class Webhook:
    """Where alerts are sent.

    Attributes:
        url: The address.
        key: Signs the requests.
        claims: A folder that the workers share; a file in it marks a finding as sent.
        waits: Seconds between attempts.
    """

    url: str
    key: str = field(repr=False)
    claims: Path
    waits: tuple[float, ...] = _WAITS


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request: HMAC-SHA256 of the timestamp, a dot and the body."""
    digest = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


class DriftAlerts:
    """Watches the findings of a folder of models, and sends new serious ones to a webhook."""

    def __init__(self, folder: Path, webhook: Webhook, every: float = _POLL_SECONDS) -> None:
        """Start to watch; findings that exist already are not sent.

        Args:
            folder: The folder of models.
            webhook: Where to send.
            every: Seconds between checks.
        """
        self._folder = folder
        self._webhook = webhook
        self._every = every
        self._seen = {finding.id for finding in _read(folder).findings}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="drift alerts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; an attempt in progress is given up with the process."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                for finding in self._claimed():
                    self._send(finding)
            except Exception:
                _LOG.exception("an alert about drift failed")

    def _claimed(self) -> Iterator[DriftFinding]:
        """Yield the new serious findings that no other worker sends."""
        for finding in _read(self._folder).findings:
            if finding.id in self._seen:
                continue
            self._seen.add(finding.id)
            if not finding.needs_attention:
                continue
            # A model that is trained again in the same folder has the same ids.
            name = f"alert-{finding.id}-{finding.recorded}"
            try:
                (self._webhook.claims / name).open("x").close()
            except FileExistsError:
                continue
            yield finding

    def _send(self, finding: DriftFinding) -> None:
        content = {"event": "drift", "finding": finding.model_dump(mode="json")}
        body = json.dumps(content, ensure_ascii=False).encode()
        for wait in (*self._webhook.waits, None):
            fault = self._post(body)
            if not fault:
                return
            _LOG.warning("the webhook did not take finding %d: %s", finding.id, fault)
            if wait is not None and self._stopped.wait(wait):
                return

    def _post(self, body: bytes) -> str:
        """Send a request, and return why it failed; empty if it did not."""
        # Imported here because few servers have a webhook.
        import httpx

        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature(self._webhook.key, timestamp, body),
        }
        try:
            # A redirect would send the finding to an address that nobody named.
            response = httpx.post(
                self._webhook.url, content=body, headers=headers, timeout=_TIMEOUT_SECONDS
            )
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return "" if response.is_success else f"status {response.status_code}"


class DriftGauges:
    """Gauges of the findings and of the error of new ratings."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Add the gauges to a registry."""

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(
                f"foreseen_{name}", text, labels, registry=registry, multiprocess_mode="mostrecent"
            )

        self._findings = gauge("drift_findings", "Drift findings by state.", ("state", "serious"))
        self._rmse = gauge("recent_rmse", "RMSE on the ratings between the last two updates.")
        self._expected = gauge("recent_rmse_expected", "The RMSE that was expected of them.")

    def set(self, folder: Path) -> None:
        """Set the gauges from a folder of models; without any measured error, to not a number."""
        log = _read(folder)
        for state in ("open", "acknowledged", "closed"):
            for serious in (True, False):
                count = sum(
                    finding.state == state and finding.serious == serious
                    for finding in log.findings
                )
                self._findings.labels(state, str(serious).lower()).set(count)
        window = log.windows[-1] if log.windows else None
        self._rmse.set(window.rmse if window else float("nan"))
        self._expected.set(window.estimated if window else float("nan"))


def _read(folder: Path) -> DriftLog:
    """Return the findings of a folder; none while it cannot be read, which is logged elsewhere."""
    try:
        return drift_log.read(folder)
    except ModelFolderError:
        return DriftLog()
