"""Foreseen predicts the rating a user would give each movie, robust to concept drift.

The main functions:

    import foreseen

    model = foreseen.train("ml-latest-small", "hybrid", seed=0)
    foreseen.save_model(model, "model")
    model = foreseen.load_model("model")
    for ranking in foreseen.recommend(model, users=[1, 15], k=5):
        print(ranking)
    predictions = model.predict(pairs)    # a table of userId, movieId[, timestamp]
    model = model.observe(ratings)        # a table of userId, movieId, rating, timestamp

A table is a Polars, pandas or PyArrow table, a dict of columns, a NumPy array or a list of rows.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from foreseen.data.canonical import Tables, load_data, load_ratings
    from foreseen.errors import (
        DataError,
        DownloadError,
        ForeseenError,
        InputError,
        ModelFolderError,
    )
    from foreseen.features.queries import History
    from foreseen.models.base import Model
    from foreseen.models.predictions import Predictions, Scores
    from foreseen.models.train import train
    from foreseen.ranking.recommend import recommend, recommend_all
    from foreseen.ranking.results import Ranking, Recommendation
    from foreseen.registry.versions import load_model, save_model

# Names are imported on first use: importing PyTorch takes seconds that `--help` should not.
_EXPORTS: Final = {
    "DataError": "foreseen.errors",
    "DownloadError": "foreseen.errors",
    "ForeseenError": "foreseen.errors",
    "History": "foreseen.features.queries",
    "InputError": "foreseen.errors",
    "Model": "foreseen.models.base",
    "ModelFolderError": "foreseen.errors",
    "Predictions": "foreseen.models.predictions",
    "Ranking": "foreseen.ranking.results",
    "Recommendation": "foreseen.ranking.results",
    "Scores": "foreseen.models.predictions",
    "Tables": "foreseen.data.canonical",
    "load_data": "foreseen.data.canonical",
    "load_model": "foreseen.registry.versions",
    "load_ratings": "foreseen.data.canonical",
    "recommend": "foreseen.ranking.recommend",
    "recommend_all": "foreseen.ranking.recommend",
    "save_model": "foreseen.registry.versions",
    "train": "foreseen.models.train",
}

__all__ = [
    "DataError",
    "DownloadError",
    "ForeseenError",
    "History",
    "InputError",
    "Model",
    "ModelFolderError",
    "Predictions",
    "Ranking",
    "Recommendation",
    "Scores",
    "Tables",
    "load_data",
    "load_model",
    "load_ratings",
    "recommend",
    "recommend_all",
    "save_model",
    "train",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("foreseen")
    if name not in _EXPORTS:
        raise AttributeError(f"module 'foreseen' has no attribute '{name}'")
    return getattr(import_module(_EXPORTS[name]), name)
