"""Reasons as sentences."""

from collections import Counter
from typing import Any

import pytest

from foreseen.features.queries import History
from foreseen.ranking.explain import Influence
from foreseen.serving.cards import card
from foreseen.serving.languages import language
from foreseen.serving.reasons import Reasons
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating


@pytest.fixture
def cards(snapshot: ModelSnapshot) -> list[dict[str, Any]]:
    order = sorted(range(len(snapshot.ids)), key=lambda row: -snapshot.views[row])
    return [card(snapshot, row) for row in order[:30]]


def test_a_rating_is_named_at_most_twice_down_the_page(
    snapshot: ModelSnapshot, cards: list[dict[str, Any]]
) -> None:
    reasons = Reasons(snapshot, History.empty(), language("en"))
    moved_by = (Influence(50, 4.5, 0.3), Influence(318, 5.0, 0.2))
    sentences = [reasons.of(shown, moved_by) for shown in cards]
    assert sentences[0] == "Your 4.5 for The Usual Suspects raises it by 0.3."
    counts = Counter(sentences)
    assert counts[sentences[0]] == 2
    assert sum("Shawshank" in sentence for sentence in sentences) == 2


def test_small_effects_are_left_out(snapshot: ModelSnapshot, cards: list[dict[str, Any]]) -> None:
    reasons = Reasons(snapshot, History.empty(), language("en"))
    sentence = reasons.of(cards[0], (Influence(50, 4.5, 0.05), Influence(318, 1.0, -0.6)))
    assert sentence == f"{cards[0]['views']} ratings, {cards[0]['mean']:.1f} on average."


def test_few_ratings_are_said_aloud(snapshot: ModelSnapshot) -> None:
    row = int(min(range(len(snapshot.ids)), key=lambda row: snapshot.views[row] or 1e9))
    shown = card(snapshot, row)
    people = "1 person" if shown["views"] == 1 else f"{shown['views']} people"
    reasons = Reasons(snapshot, History.empty(), language("en"))
    assert reasons.of(shown, ()) == f"Only {people} rated it, {shown['mean']:.1f} on average."
    assert reasons.of(shown | {"prediction": shown["mean"] + 1.5}, ()) == (
        f"Only {people} rated it, so this is a guess."
    )
    assert reasons.of(shown, (Influence(50, 4.5, 0.3),)).endswith(
        f"Only {people} rated it, so this is a guess."
    )


def test_a_genre_that_the_user_rates_above_their_usual_is_a_reason(
    snapshot: ModelSnapshot,
) -> None:
    lists = snapshot.model.log.catalogue.genre_lists
    by_views = sorted(range(len(snapshot.ids)), key=lambda row: -snapshot.views[row])
    horror = [row for row in by_views if "Horror" in lists[row]][:8]
    romance = [row for row in by_views if "Romance" in lists[row] and row not in horror][:8]
    ratings = [StoredRating(int(snapshot.ids[row]), 5.0, 10 + row) for row in horror]
    ratings += [StoredRating(int(snapshot.ids[row]), 1.0, 10 + row) for row in romance]
    reasons = Reasons(snapshot, snapshot.history(ratings), language("en"))
    other = next(row for row in by_views if lists[row] == ("Horror",) and row not in horror)
    assert reasons.of(card(snapshot, other), ()).startswith("You rate Horror ")
