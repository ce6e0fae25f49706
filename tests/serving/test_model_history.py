"""What the page of the model shows over time."""

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.findings import FOUND

from foreseen.drift.policies import Action
from foreseen.messages import Message, Series, parts_of
from foreseen.registry import audit_log, drift_log
from foreseen.registry.drift_log import DriftFinding, DriftLog, Effect, MeasuredWindow
from foreseen.registry.versions import write_lock
from foreseen.serving.languages import language
from foreseen.serving.model_history import model_history
from foreseen.serving.snapshot import ModelSnapshot

DAY = 86_400


def window(ends: int, rmse: float, estimated: float) -> MeasuredWindow:
    return MeasuredWindow(
        version=1, begins=ends - DAY, ends=ends, ratings=50, users=5, rmse=rmse,
        expected=estimated, estimated=estimated,
    )  # fmt: skip


def finding(now: int) -> DriftFinding:
    return DriftFinding(
        id=1, state="open", serious=True, what="user", which="all", since=now - 9 * DAY,
        earliest=now - 10 * DAY, latest=now - 8 * DAY, found=now - 5 * DAY,
        sentence="Ratings of all users went down", explains=(), recorded=now,
        action=Action.RETRAINING, done="kept version 1", done_until=now,
        effect=Effect(expected=0.9, found=1.1, after=0.95, ratings=40),
    )  # fmt: skip


def test_ratings_are_counted_by_period(snapshot: ModelSnapshot, trained: Path) -> None:
    history = model_history(snapshot, trained, language("en"))
    assert sum(bar.ratings for bar in history.ratings) == snapshot.model.log.ratings.height
    assert max(bar.share for bar in history.ratings) == 1
    assert len(history.ratings) <= 60
    assert history.trained is None
    assert (history.points, history.spans) == ((), ())


def test_errors_and_findings_are_placed_in_time(snapshot: ModelSnapshot, folder: Path) -> None:
    now = snapshot.now
    windows = (window(now - DAY, 0.9, 0.95), window(now, 1.1, 0.96))
    log = DriftLog(findings=(finding(now),), windows=windows)
    with write_lock(folder):
        drift_log.write(folder, log)
    history = model_history(snapshot, folder, language("en"))
    assert [point.x for point in history.points] == [25, 75]
    first, last = history.points
    # A larger error is higher.
    assert last.realised < first.realised
    assert history.lowest < 0.9
    assert history.highest > 1.1
    (span,) = history.spans
    assert 0 < span.earliest < span.latest < span.found <= 100


def test_the_end_of_the_training_is_marked(snapshot: ModelSnapshot, folder: Path) -> None:
    times = snapshot.model.log.timestamp
    half = int(times[len(times) // 2])
    older = replace(snapshot, version=snapshot.version.model_copy(update={"until": half}))
    trained = model_history(older, folder, language("en")).trained
    assert trained is not None
    assert 0 < trained < 100


def test_a_damaged_file_is_named(snapshot: ModelSnapshot, folder: Path) -> None:
    (folder / drift_log.FILE).write_text("{")
    history = model_history(snapshot, folder, language("en"))
    assert "drift.json is damaged" in history.fault
    assert "drift.json ist beschädigt" in language("de").translate(history.fault)
    assert history.ratings


def test_the_page_shows_the_pictures(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Updates measure the error" in client.get("/model").text
    now = int(client.get("/api/v1/model").json()["knowsUntil"])
    log = DriftLog(findings=(finding(now),), windows=(window(now, 0.9, 0.95),))

    def read(_: Path) -> DriftLog:
        return log

    monkeypatch.setattr(drift_log, "read", read)
    text = client.get("/model").text
    assert "RMSE 0.900, expected 0.950" in text
    assert "Ratings of all users went down" in text
    assert "1.100 before, 0.950 since, on 40 ratings" in text


def test_a_change_without_a_name_is_shown(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = DriftLog().with_unnamed([replace(FOUND, named=None)])

    def read(_: Path) -> DriftLog:
        return log

    monkeypatch.setattr(drift_log, "read", read)
    english = client.get("/model", headers={"Accept-Language": "en"}).text
    assert "not named for certain yet: 50 ratings, 8.0 standard errors" in english
    assert "No change of the ratings was found" not in english
    german = client.get("/model", headers={"Accept-Language": "de"}).text
    assert "noch nicht sicher benannt: 50 Bewertungen, 8,0 Standardfehler" in german


def test_sentences_are_in_the_language_of_the_page(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(client.get("/api/v1/model").json()["knowsUntil"])
    reason = Message("retrained: %(reasons)s", reasons=Series((FOUND.message,)))
    made = {
        "sentence": str(FOUND), "sentence_parts": parts_of(FOUND.message),
        "done": str(reason), "done_parts": parts_of(reason),
    }  # fmt: skip
    older = finding(now)
    log = DriftLog(findings=(older, older.model_copy(update={"id": 2, **made})))
    entry: dict[str, object] = {"at": now, "what": "update", "why": str(reason), "findings": [made]}

    def read(_: Path) -> DriftLog:
        return log

    def entries(_: Path) -> list[dict[str, object]]:
        return [entry, entry | {"why_parts": parts_of(reason)}]

    monkeypatch.setattr(drift_log, "read", read)
    monkeypatch.setattr(audit_log, "read", entries)
    german = client.get("/model", headers={"Accept-Language": "de"}).text
    sentence = (
        "ewertungsniveau: alle niedriger seit dem 01.01.1970: vorher 0,00 Sterne, danach -0,50"
    )
    # In the findings and their actions, in the entry with parts, and in the findings of both.
    assert german.count(sentence) == 5
    assert german.count(f"<span>Neu trainiert: B{sentence}") == 2
    assert '<span lang="en">Ratings of all users went down</span>' in german
    assert f'<span lang="en">R{str(reason)[1:]}</span>' in german
    english = client.get("/model", headers={"Accept-Language": "en"}).text
    assert "Rating level: all down since 1 Jan 1970: 0.00 stars before, -0.50 stars" in english
