"""Foreseen predicts the rating a user would give each movie, and stays good as taste changes.

What most need:

    import foreseen

    tables = foreseen.load_data("ml-latest-small")
    model = foreseen.train(tables, "hybrid", seed=0)
    foreseen.save_model(model, "model")
    model = foreseen.load_model("model")
    for ranking in foreseen.recommend(model, users=[1, 15], k=5):
        print(ranking)
    answers = model.predict(pairs)    # a frame of userId, movieId[, timestamp]
    model = model.observe(ratings)    # a frame of userId, movieId, rating, timestamp
"""

from importlib import import_module
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
    from foreseen.models import Model, Scores, train
    from foreseen.ranking.recommend import Ranking, Recommendation, recommend, recommend_all
    from foreseen.registry.versions import load_model, save_model

# Importing PyTorch takes seconds that `foreseen --help` should not: names are looked up when used.
_HOMES: Final = {
    "foreseen.data.canonical": ("Tables", "load_data", "load_ratings"),
    "foreseen.errors": (
        "DataError",
        "DownloadError",
        "ForeseenError",
        "InputError",
        "ModelFolderError",
    ),
    "foreseen.features.interaction_log": ("History",),
    "foreseen.models": ("Model", "Scores", "train"),
    "foreseen.ranking.recommend": ("Ranking", "Recommendation", "recommend", "recommend_all"),
    "foreseen.registry.versions": ("load_model", "save_model"),
}

__all__ = [
    "DataError",
    "DownloadError",
    "ForeseenError",
    "History",
    "InputError",
    "Model",
    "ModelFolderError",
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
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'foreseen' has no attribute '{name}'")
