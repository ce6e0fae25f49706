"""Updates: ratings are added at once, a challenger is promoted only if it is better."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of
from tests.findings import FOUND
from tests.registry.conftest import shifted

from foreseen.data.canonical import Tables
from foreseen.data.encoding import USER_LIMIT
from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import RATINGS_SCHEMA
from foreseen.drift.finding import Finding
from foreseen.features.interaction_log import InteractionLog
from foreseen.messages import Message, Series, with_parts
from foreseen.models.base import Model
from foreseen.models.train import train
from foreseen.registry import audit_log, drift_log, versions
from foreseen.registry.update import update, update_accounts


def parts(tables: Tables, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    count = int(share * tables.ratings.height)
    return tables.ratings[:count], tables.ratings[count:]


def trained_on(tables: Tables, share: float) -> Model:
    past, _ = parts(tables, share)
    return train(tables_of(past, tables.movies), "bias")


@pytest.fixture(scope="module")
def champion(tables: Tables) -> Model:
    return trained_on(tables, 0.4)


@pytest.fixture(scope="module")
def recent_champion(tables: Tables) -> Model:
    return trained_on(tables, 0.6)


def test_a_few_new_ratings_are_added_and_need_no_challenger(folder: Path, tables: Tables) -> None:
    new = ratings_of((9001, 1, 4.0, tables.manifest.last + 1))
    done = update(folder, new)
    assert (done.observed, done.ratings) == (1, tables.ratings.height + 1)
    assert done.challenger is None
    assert done.decision == "no challenger is needed"
    assert versions.load_model(folder).log.ratings.tail(1).equals(new)
    entry = audit_log.read(folder)[-1]
    assert (entry["what"], entry["why"]) == ("update", done.decision)
    assert with_parts(entry["why"], entry["why_parts"]) is not entry["why"]
    assert update(folder, new).ratings == done.ratings


def test_a_log_of_twice_the_size_needs_a_challenger_compared_on_a_holdout(
    champion: Model, tables: Tables, tmp_path: Path
) -> None:
    versions.save_model(champion, tmp_path / "m")
    _, later = parts(tables, 0.4)
    done = update(tmp_path / "m", later)
    assert any("trained on" in reason for reason in done.reasons)
    assert done.challenger == 2
    challenger = versions.read_version(tmp_path / "m", 2)
    assert challenger.why.startswith("retrained: ")
    reason = with_parts(challenger.why, challenger.why_parts)
    assert isinstance(reason, Message)
    assert reason.values == {"reasons": Series(done.reasons)}
    assert challenger.comparison == done.comparison
    assert challenger.trained_on + done.comparison["ratings"] == tables.ratings.height
    assert challenger.until <= done.comparison["begins"]
    # The ratings are random, so nothing predicts them better.
    assert not done.comparison["better"]
    assert done.decision.startswith("kept version 1, 2 is not significantly better: RMSE ")
    assert versions.read_version(tmp_path / "m").number == 1
    assert update(tmp_path / "m", later[-5:]).challenger is None


def test_a_better_challenger_is_promoted(champion: Model, tables: Tables, tmp_path: Path) -> None:
    versions.save_model(shifted(champion, 1.0), tmp_path / "m")
    _, later = parts(tables, 0.4)
    done = update(tmp_path / "m", later)
    assert done.comparison["rmse_high"] < 0
    assert done.decision.startswith("promoted version 2: RMSE ")
    assert (done.version, versions.read_version(tmp_path / "m").number) == (2, 2)
    assert [entry["what"] for entry in audit_log.read(tmp_path / "m")] == ["promote", "update"]


def test_concept_drift_since_the_last_version_is_a_reason_to_retrain(
    recent_champion: Model, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = int(recent_champion.report["until"])
    earlier, later = drift_found_at(until - 1), drift_found_at(until)

    def detect(log: InteractionLog, scale: RatingScale) -> list[Finding]:
        del log, scale
        return [earlier, later]

    monkeypatch.setattr("foreseen.registry.update.detect", detect)
    versions.save_model(recent_champion, tmp_path / "m")
    done = update(tmp_path / "m", parts(tables, 0.6)[1])
    assert done.findings == (later,)
    assert done.reasons == (str(later),)
    assert done.challenger == 2
    assert versions.read_version(tmp_path / "m", 2).why == f"retrained: {later}"


def test_a_change_without_a_name_is_reported_but_no_reason_to_retrain(
    recent_champion: Model, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnamed = replace(drift_found_at(int(recent_champion.report["until"])), named=None)
    detected = [unnamed]

    def detect(log: InteractionLog, scale: RatingScale) -> list[Finding]:
        del log, scale
        return detected

    monkeypatch.setattr("foreseen.registry.update.detect", detect)
    versions.save_model(recent_champion, tmp_path / "m")
    later = parts(tables, 0.6)[1]
    done = update(tmp_path / "m", later[:-5])
    assert done.findings == (unnamed,)
    assert done.reasons == ()
    log = drift_log.read(tmp_path / "m")
    assert log.findings == ()
    assert [change.sentence for change in log.unnamed] == [str(unnamed)]
    # The next ratings show that it was part of another change.
    detected.clear()
    update(tmp_path / "m", later[-5:])
    assert drift_log.read(tmp_path / "m").unnamed == ()


def drift_found_at(second: int) -> Finding:
    return replace(
        FOUND,
        kind="scale",
        label="half stars",
        unit="share",
        since=second,
        earliest=second,
        latest=second,
        found=second,
        named=second,
        after=0.5,
        ratings=100,
        evidence=100,
        deviations=9.0,
    )


def test_without_a_reason_to_retrain_the_challenger_is_fine_tuned_before_the_holdout(
    recent_champion: Model, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[int] = []

    def finetuned(model: Model, until: int) -> Model:
        moments.append(until)
        return shifted(model, 1.0)

    monkeypatch.setattr(Model, "finetuned", finetuned)
    versions.save_model(recent_champion, tmp_path / "m")
    done = update(tmp_path / "m", parts(tables, 0.6)[1])
    assert done.reasons == ()
    assert done.challenger == 2
    assert moments == [done.comparison["begins"]]
    assert versions.read_version(tmp_path / "m", 2).why == "fine-tuned on new ratings"


def test_a_model_without_incremental_training_stays(
    recent_champion: Model, tables: Tables, tmp_path: Path
) -> None:
    versions.save_model(recent_champion, tmp_path / "m")
    done = update(tmp_path / "m", parts(tables, 0.6)[1])
    assert done.challenger is None
    assert done.decision == "kept version 1: there is nothing to fine-tune"


def test_a_holdout_of_one_user_is_too_small(champion: Model, tmp_path: Path) -> None:
    versions.save_model(champion, tmp_path / "m")
    end = champion.log.end
    rows = ((900_001, 10_000 + n, 3.0, end + n) for n in range(champion.log.ratings.height))
    done = update(tmp_path / "m", ratings_of(*rows))
    assert done.reasons
    assert done.challenger is None
    assert "ratings of 1 users, a comparison needs 200 of 10" in done.decision


def test_ratings_that_an_account_has_deleted_are_deleted(folder: Path, tables: Tables) -> None:
    end, user = tables.manifest.last, USER_LIMIT + 5
    update_accounts(folder, ratings_of((user, 2, 5.0, end + 1), (user, 1, 2.0, end + 2)))
    update_accounts(folder, ratings_of((user, 1, 2.0, end + 2)))
    model = versions.load_model(folder)
    assert model.history(user).movies.tolist() == [1]
    assert model.log.ratings.height == tables.ratings.height + 1


def test_a_new_rating_scale_is_a_reason_to_retrain(tmp_path: Path) -> None:
    """Users rate in whole stars, then in half stars too."""
    ratings = in_sessions(users=80, sessions=8, length=20)
    change = int(0.75 * ratings.height)
    halves = np.arange(ratings.height) % 2 / 2 * (np.arange(ratings.height) >= change)
    ratings = ratings.with_columns(rating=pl.col("rating") - halves)
    tables = tables_of(ratings)
    versions.save_model(train(tables_of(ratings[:change], tables.movies), "bias"), tmp_path / "m")
    done = update(tmp_path / "m", ratings[change:])
    found = [finding for finding in done.findings if finding.label == "half stars"]
    assert found
    assert found[0].before == pytest.approx(0, abs=0.01)
    assert found[0].after > 0.2
    assert any("half stars" in reason for reason in done.reasons)
    assert done.challenger == 2


def in_sessions(users: int, sessions: int, length: int) -> pl.DataFrame:
    """Return whole stars; all users have their sessions one after the other, a day apart."""
    generator = np.random.default_rng(0)
    movies = np.array([generator.permutation(400)[: sessions * length] for _ in range(users)])
    order = [
        (user, int(movies[user, session * length + n]), session * users + user, n)
        for session in range(sessions)
        for user in range(users)
        for n in range(length)
    ]
    return pl.DataFrame(
        {
            "userId": [1 + user for user, _, _, _ in order],
            "movieId": [1 + movie for _, movie, _, _ in order],
            "rating": generator.integers(2, 6, len(order)).astype(np.float64),
            "timestamp": [1_000_000_000 + 86_400 * day + 10 * n for _, _, day, n in order],
        }
    ).cast(RATINGS_SCHEMA)
