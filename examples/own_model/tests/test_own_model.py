"""The contract suite for the model of this package."""

from foreseen.testing import ModelContract


class TestPopularity(ModelContract):
    name = "popularity"
