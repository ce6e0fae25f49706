"""The data of a user that a response depends on."""

from dataclasses import replace

from foreseen.ranking.request import RankingRequest
from foreseen.serving.dependencies import UserState
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating


def state_of(snapshot: ModelSnapshot, ratings: list[StoredRating], hidden: list[int]) -> UserState:
    return UserState(ratings, snapshot.history(ratings), hidden)


def test_a_tag_is_equal_for_equal_data(snapshot: ModelSnapshot) -> None:
    tags = {
        state_of(snapshot, [StoredRating(1, 4.0, 10)], [5]).tag(snapshot, RankingRequest(10))
        for _ in range(2)
    }
    assert len(tags) == 1


def test_a_tag_changes_with_the_ratings_the_dismissals_the_request_and_the_model(
    snapshot: ModelSnapshot,
) -> None:
    rated = [StoredRating(1, 4.0, 10)]
    state, request = state_of(snapshot, rated, []), RankingRequest(10)
    tags = [
        state.tag(snapshot, request),
        state_of(snapshot, [], []).tag(snapshot, request),
        state_of(snapshot, [StoredRating(1, 4.5, 10)], []).tag(snapshot, request),
        state_of(snapshot, rated, [5]).tag(snapshot, request),
        state.tag(snapshot, RankingRequest(11)),
        state.tag(replace(snapshot, revision=(1, 2)), request),
    ]
    assert len(set(tags)) == len(tags)
