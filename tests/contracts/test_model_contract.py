"""The contract suite, for every model of the package."""

from typing import Any, ClassVar

import pytest

from foreseen.data.canonical import Tables
from foreseen.models.installed import model_names
from foreseen.testing import ModelContract


class _BuiltIn(ModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def tables(cls, small: Tables) -> Tables:  # pyright: ignore[reportIncompatibleMethodOverride]
        return small


class TestBias(_BuiltIn):
    name = "bias"


class TestBaseline(_BuiltIn):
    name = "baseline"


class TestHybrid(_BuiltIn):
    name = "hybrid"


class TestHistory(_BuiltIn):
    name = "history"
    settings: ClassVar[dict[str, Any]] = {
        "loop": {"epochs": 3, "batch": 600, "learning_rate": 2e-3, "one_cycle": True}
    }


class TestEnsemble(_BuiltIn):
    name = "ensemble"
    settings: ClassVar[dict[str, Any]] = {
        "factors": [
            {"rank": 6, "directions": 4, "sweeps": 16, "burn_in": 8, "samples": 4},
            {"rank": 4, "directions": 0, "sweeps": 16, "burn_in": 8, "samples": 4},
        ],
        "folds": 2,
    }


def test_every_model_of_the_package_has_a_contract_test() -> None:
    tested = {contract.name for contract in _BuiltIn.__subclasses__()}
    assert tested >= {name for name in model_names() if name != "popularity"}
