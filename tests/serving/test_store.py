"""The store, on SQLite and on a real PostgreSQL alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.rate_limit import Limiter
from foreseen.serving.store import Rated, Shown, Store, tables


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


def test_tries_are_counted_for_all_who_share_the_database(store: Store, url: str) -> None:
    other = Store(url)
    one = Limiter(store, "secret", "sign in", 3, 60)
    another = Limiter(other, "secret", "sign in", 3, 60)
    assert [limiter.take("ann") for limiter in (one, another, one)] == [0, 0, 0]
    assert 0 < another.take("ann") <= 60
    assert another.take("bob") == 0
    assert Limiter(store, "secret", "sign up", 3, 60).take("ann") == 0
    one.forget("ann")
    assert another.take("ann") == 0
    other.close()


def test_a_try_counts_until_its_time_is_over(store: Store) -> None:
    assert [store.count_try("a", now, 2, 10) for now in (100, 104)] == [0, 0]
    assert store.count_try("a", 106, 2, 10) == 4
    assert store.count_try("a", 110, 2, 10) == 0
    assert store.count_try("a", 111, 2, 10) == 3


def test_a_rating_is_kept_changed_and_taken_back(store: Store) -> None:
    user = store.add_guest(1).id
    assert store.rate(user, [Rated(318, 4.5, 10), Rated(1, 3.0, 11)]) == 2
    assert store.rate(user, [Rated(318, 5.0, 12)]) == 1
    assert store.ratings(user) == [Rated(1, 3.0, 11), Rated(318, 5.0, 12)]
    assert store.unrate(user, 1)
    assert not store.unrate(user, 1)
    assert store.ratings(user) == [Rated(318, 5.0, 12)]


def test_giving_the_same_ratings_twice_changes_nothing(store: Store) -> None:
    user = store.add_guest(1).id
    many = [Rated(movie, 3.5, movie) for movie in range(1, 2501)]
    assert store.rate(user, many) == 2500
    assert store.rate(user, [Rated(r.movie, r.rating, r.rated + 99) for r in many]) == 0
    assert store.ratings(user) == many


def test_the_database_opened_again_has_all_of_it(store: Store, url: str) -> None:
    user = store.add_guest(1).id
    store.sign_up(user, "ann", "digest", "admin")
    store.rate(user, [Rated(318, 4.5, 10)])
    again = Store(url)
    found = again.credentials("ann")
    assert found is not None
    assert (found[0].id, found[0].role, found[1]) == (user, "admin", "digest")
    assert again.ratings(user) == [Rated(318, 4.5, 10)]
    again.close()


def test_a_name_is_given_once_and_what_opened_the_guest_opens_it_no_more(store: Store) -> None:
    first, second = store.add_guest(1).id, store.add_guest(2).id
    store.open_session("planted", first, 100)
    store.add_token("planted", first, "x", 1)
    store.sign_up(first, "ann", "x", "viewer")
    assert store.session_user("planted", 1) is None
    assert store.token_user("planted") is None
    with pytest.raises(InputError, match="taken"):
        store.sign_up(second, "ann", "y", "viewer")
    store.sign_up(second, "ben", "y", "viewer")
    with pytest.raises(InputError, match="already"):
        store.sign_up(second, "cat", "y", "viewer")
    assert store.named_users() == 2


def test_who_is_deleted_leaves_nothing(store: Store) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    for one in (user, other):
        store.rate(one, [Rated(318, 4.5, 10)])
        store.open_session(f"digest {one}", one, 100)
        store.dismiss(one, 1, 5)
        store.add_shown(one, Shown(1, "rating", 1, (1, 2)))
        store.add_import(one, 1, "imdb", dict.fromkeys(
            ("matched", "changed", "ambiguous", "missing"), 1))  # fmt: skip
        store.add_token(f"token {one}", one, "script", 1)
    store.delete_user(user)
    assert [rated for owner, rated in store.all_ratings() if owner == user] == []
    assert store.session_user(f"digest {user}", 0) is None
    assert store.token_user(f"token {user}") is None
    assert store.dismissed(user) == store.shown(user) == store.imports(user) == []
    assert len(list(store.all_ratings())) == 1
    assert store.session_user(f"digest {other}", 0) is not None


def test_sessions_expire_and_empty_guests_are_forgotten(store: Store) -> None:
    idle, rater = store.add_guest(1).id, store.add_guest(1).id
    new = store.add_guest(5000).id
    store.rate(rater, [Rated(318, 4.5, 10)])
    store.open_session("one", idle, 50)
    assert store.session_user("one", 49) is not None
    assert store.session_user("one", 50) is None
    store.renew_session("one", 60)
    assert store.session_user("one", 50) is not None
    store.forget_expired(5001)
    assert store.user(idle) is None
    assert store.user(new) is not None
    assert store.user(rater) is not None


def test_everybodys_ratings_come_in_the_order_they_were_given(store: Store) -> None:
    one, two = store.add_guest(1).id, store.add_guest(1).id
    store.rate(one, [Rated(318, 4.5, 30), Rated(1, 2.0, 10)])
    store.rate(two, [Rated(318, 1.0, 20)])
    assert [rated.rated for _, rated in store.all_ratings()] == [10, 20, 30]


def test_the_same_ranking_shown_again_is_kept_once(store: Store) -> None:
    user = store.add_guest(1).id
    for at in (1, 2):
        store.add_shown(user, Shown(at, "rating", 1, (5, 6)))
    store.add_shown(user, Shown(3, "rating", 1, (6, 5)))
    assert [shown.at for shown in store.shown(user)] == [1, 3]


def test_the_migrations_end_in_the_tables_of_the_code(store: Store, url: str) -> None:  # noqa: ARG001
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()
    assert found == []


def test_an_unsound_url_and_an_unreachable_database_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no database URL"):
        Store("nonsense")
    with pytest.raises(ForeseenError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}/none/such/ratings.db")
