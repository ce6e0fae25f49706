"""Attempts that rate limits count."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import event

from foreseen.serving.store import Store


def test_an_attempt_counts_until_its_time_is_over(store: Store) -> None:
    assert [store.count_attempt("a", now, 2, 10) for now in (100, 104)] == [0, 0]
    assert store.count_attempt("a", 106, 2, 10) == 4
    assert store.attempt_wait("a", 106, 2, 10) == 4
    assert store.count_attempt("a", 110, 2, 10) == 0
    assert store.count_attempt("a", 111, 2, 10) == 3
    assert store.attempt_wait("b", 111, 2, 10) == 0
    store.delete_attempts("a")
    assert store.count_attempt("a", 111, 2, 10) == 0


def test_attempts_of_a_clock_that_was_set_back_do_not_count(store: Store) -> None:
    year = 365 * 86_400
    assert [store.count_attempt("a", year, 2, 10) for _ in range(3)] == [0, 0, 10]
    assert [store.count_attempt("a", 100, 2, 10) for _ in range(3)] == [0, 0, 10]


def test_the_latest_attempt_of_a_key_is_deleted_and_no_other(store: Store) -> None:
    for now in (100, 100, 105):
        store.count_attempt("a", now, 3, 10)
    store.count_attempt("b", 105, 1, 10)
    store.delete_latest_attempt("a")
    assert store.count_attempt("a", 105, 3, 10) == 0
    store.delete_latest_attempt("a")
    store.delete_latest_attempt("a")
    assert [store.count_attempt("a", 106, 3, 10) for _ in range(3)] == [0, 0, 4]
    assert store.count_attempt("b", 106, 1, 10) == 9
    store.delete_latest_attempt("none")


def test_no_more_than_the_limit_of_concurrent_attempts_are_counted(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(store.count_attempt, "a", 100, 10, 60) for _ in range(40)]
    assert [wait.result() for wait in waits].count(0) == 10


def test_a_refused_attempt_writes_nothing(store: Store) -> None:
    store.count_attempt("a", 100, 1, 60)
    statements: list[str] = []

    def record(_c: object, _u: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(store._engine, "before_cursor_execute", record)  # pyright: ignore[reportPrivateUsage]
    assert store.count_attempt("a", 101, 1, 60) == 59
    assert [statement.split()[0] for statement in statements] == ["SELECT"]
