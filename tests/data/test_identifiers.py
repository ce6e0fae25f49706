"""The map between ids and rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.identifiers import UNKNOWN, IdMap

IDS = st.lists(st.integers(0, 2**53), max_size=20)


@given(IDS, IDS)
def test_ids_map_to_rows_and_back(ids: list[int], queried: list[int]) -> None:
    id_map = IdMap.of(ids)
    assert id_map.ids.tolist() == sorted(set(ids))
    rows = id_map.rows(queried)
    assert rows.dtype == np.int32
    for one, row in zip(queried, rows, strict=True):
        assert (row == UNKNOWN) == (one not in ids)
        assert row == UNKNOWN or id_map.ids[row] == one


@given(IDS, IDS)
def test_an_extended_map_keeps_rows_and_the_original(ids: list[int], more: list[int]) -> None:
    id_map = IdMap.of(ids)
    extended = id_map.extended(more)
    assert extended.ids[: len(id_map)].tolist() == id_map.ids.tolist()
    assert len(extended) == len({*ids, *more})
    assert set(extended.rows([*ids, *more]).tolist()) == set(range(len(extended)))
    assert id_map.ids.tolist() == sorted(set(ids))
    assert extended.extended(ids) is extended


def test_rows_have_the_shape_of_the_ids() -> None:
    assert IdMap.of([4, 2]).rows([[4, 7], [2, 2]]).tolist() == [[1, UNKNOWN], [0, 0]]
    assert IdMap.of([]).rows([[1, 2]]).tolist() == [[UNKNOWN, UNKNOWN]]
