"""Settings of the sequence model, and the rule that derives them from the size of a log."""

from typing import Final

from foreseen.models.predictor import Settings

LEAST_RATINGS: Final = 20_000
"""Size of a log below which no sequence model is fitted."""
_SMALL: Final = 250_000
_MANY_MOVIES: Final = 6_000
_LARGE_CATALOGUE: Final = 20_000


class SequenceSettings(Settings):
    """Settings of the network and of its training.

    Attributes:
        width: Size of the vectors.
        layers: Number of attention layers.
        heads: Attention heads per layer.
        hidden: Width of the gated feed-forward, relative to `width`.
        length: Maximum number of ratings that are read; longer histories are cut into windows.
        dropout: Dropout rate of the inputs and within the residual branches.
        moment_unknown: Share of the examples whose time of the next rating is hidden.
        epochs: Passes over the log.
        tokens: Ratings per step.
        learning_rate: Of AdamW, for embeddings and vectors.
        muon_rate: Of Muon, for the matrices of the layers.
        weight_decay: Of both.
        warmup: Share of the steps over which the learning rates rise.
        horizon_weight: Weight of the second loss, over all movies of the next thirty days.
        negatives: Movies drawn at random that stand for the whole catalogue in the loss; 0 for
            the whole catalogue.
        negatives_until: Share of the steps, from the first, that use them; the others use the
            whole catalogue.
        negatives_alone: Whether the second loss is over the drawn movies too in these steps, so
            that a step reads few movies of a large catalogue.
    """

    width: int = 64
    layers: int = 2
    heads: int = 2
    hidden: int = 2
    length: int = 200
    dropout: float = 0.4
    moment_unknown: float = 0.3
    epochs: int = 10
    tokens: int = 1024
    learning_rate: float = 6e-3
    muon_rate: float = 0.01
    weight_decay: float = 0.05
    warmup: float = 0.1
    horizon_weight: float = 0.1
    negatives: int = 0
    negatives_until: float = 0.7
    negatives_alone: bool = False


def settings_for(ratings: int, movies: int) -> SequenceSettings | None:
    """Return the settings for a log of a size; None if it is too small for a sequence model.

    Args:
        ratings: Number of ratings of the log.
        movies: Number of movies of its catalogue.
    """
    if ratings < LEAST_RATINGS:
        return None
    small, many = ratings < _SMALL, movies > _MANY_MOVIES
    large = movies > _LARGE_CATALOGUE
    negatives = 2048 if large else 1024 if many else 0 if small else 512
    until = 1.0 if large else 0.8 if many else 0.7
    if small:
        return SequenceSettings(
            epochs=6 if many else 10,
            negatives=negatives,
            negatives_until=until,
            negatives_alone=large,
        )
    return SequenceSettings(
        width=128,
        heads=4,
        dropout=0.2,
        epochs=6,
        tokens=2048,
        negatives=negatives,
        negatives_until=until,
        negatives_alone=large,
    )
