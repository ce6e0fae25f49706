"""The contract suite for models, to be run by the tests of any package that adds one.

Requires pytest. A package tests its model by a subclass that names it:

    from foreseen.testing import ModelContract

    class TestMyModel(ModelContract):
        name = "my-model"
"""

from foreseen.testing.data import make_tables, ratings_frame, small_tables
from foreseen.testing.model_contract import ModelContract

__all__ = ["ModelContract", "make_tables", "ratings_frame", "small_tables"]
