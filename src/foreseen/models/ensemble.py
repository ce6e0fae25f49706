"""The best of all: Bayesian factors and point-in-time features, combined by a small network.

The factor model says what a user's whole history foretells; the features say what is known of the
movie, the moment and the mood. A network with both before it learns how far the rating lies from
what the factors say. It must not see answers the factors have already seen, so it learns from
factors fitted without the user in question (stacking by cross-validation: Wolpert, 1992), who is
then folded in as any newcomer is. Several networks that differ by their seed are averaged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.features.encode import FEATURES, Encoded
from foreseen.features.moments import Examples
from foreseen.features.timeline import Queries, Timeline
from foreseen.models.base import Settings, answer_unknown
from foreseen.models.factors import Factors, FactorSettings, fit_factors, refresh_factors
from foreseen.models.fold_in import FOLD_FEATURES, Folded, fold_in
from foreseen.models.training import (
    Inputs,
    LoopSettings,
    Trained,
    evaluate_network,
    load_arrays,
    network_arrays,
    train_network,
)

_EXTREME: Final = 5.0
_STEPS: Final = 50
_LEAST_STEP: Final = 200
ATTRIBUTES = len(FEATURES) + len(FOLD_FEATURES) + 2
"""Numbers the networks read beside the genres."""


class EnsembleSettings(Settings):
    """Settings of the ensemble.

    Attributes:
        factors: Those of the factor model.
        folds: Parts the users are split into; each is folded in by factors fitted to the others.
        networks: How many networks are averaged.
        hidden: Units of their two layers.
        dropout: Share of the inputs and of the hidden units left out in training.
        loop: How they are trained.
    """

    factors: FactorSettings = FactorSettings()
    folds: int = 4
    networks: int = 3
    hidden: tuple[int, int] = (64, 64)
    dropout: tuple[float, float] = (0.1, 0.3)
    loop: LoopSettings = LoopSettings(epochs=12, batch=1024, learning_rate=3e-3, weight_decay=0.02)


class StackingNetwork(nn.Module):
    """Rating = factors' rating + network(features, genres)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, settings: EnsembleSettings, genres: int) -> None:
        super().__init__()
        first, second = settings.hidden
        self.dropout = nn.Dropout(settings.dropout[0])
        self.hidden_dropout = nn.Dropout(settings.dropout[1])
        self.hidden1 = nn.Linear(ATTRIBUTES + genres, first)
        self.hidden2 = nn.Linear(first, second)
        self.rating = nn.Linear(second, 1)
        self.register_buffer("mean", torch.zeros(ATTRIBUTES))
        self.register_buffer("scale", torch.ones(ATTRIBUTES))
        nn.init.zeros_(self.rating.weight)
        nn.init.zeros_(self.rating.bias)

    def forward(self, attributes: Tensor, genres: Tensor, foretold: Tensor) -> Tensor:
        """Return ratings of shape B.

        Args:
            attributes: Point-in-time and fold-in features, of shape B x A, as they come.
            genres: Indicators of shape B x G.
            foretold: What the factors say, of shape B.
        """
        level = ((attributes - self.mean) / self.scale).clamp(-_EXTREME, _EXTREME)
        inputs = self.dropout(torch.cat([level, genres], dim=1))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden1(inputs)))
        hidden = self.hidden_dropout(nn.functional.gelu(self.hidden2(hidden)))
        correction: Tensor = self.rating(hidden).squeeze(1)
        return foretold + correction


@dataclass(frozen=True)
class Version:
    """Factors that know all ratings before a moment, which is that of the log's `place`-th."""

    moment: int
    place: int
    factors: Factors


@dataclass(frozen=True)
class EnsemblePredictor:
    """The factors and the networks over them.

    Attributes:
        settings: What it was fitted with.
        factors: Fitted to all users.
        networks: To be averaged.
        until: First second after the ratings the factors were fitted to.
        size: Number of those ratings.
        trained: What came of training; None once saved and loaded.
        versions: The factors refreshed by later ratings, oldest first.
    """

    settings: EnsembleSettings
    factors: Factors
    networks: tuple[StackingNetwork, ...]
    until: int
    size: int
    trained: Trained | None = None
    versions: tuple[Version, ...] = ()

    def observed(self, timeline: Timeline) -> "EnsemblePredictor":
        """Let the factors follow what a timeline knows beyond what they were fitted to.

        They are refreshed whenever the log has grown by a fiftieth; a question is answered by the
        latest version that knew nothing after its moment.
        """
        step = max(_LEAST_STEP, self.size // _STEPS)
        times = timeline.timestamp
        start = int(np.searchsorted(times, self.until))
        factors, versions = self.factors.extended(len(timeline.catalogue)), list[Version]()
        for number, place in enumerate(range(start + step, len(times), step)):
            moment = int(times[place])
            old = self.versions[number] if number < len(self.versions) else None
            if old is not None and (old.moment, old.place) == (moment, place):
                factors = old.factors.extended(len(timeline.catalogue))
            else:
                past = slice(0, int(np.searchsorted(times, moment)))
                user, movie, rating = (
                    timeline.user[past], timeline.movie[past], timeline.rating[past]
                )  # fmt: skip
                factors = refresh_factors(factors, user, movie, rating, number)
            versions.append(Version(moment, place, factors))
        return replace(self, versions=tuple(versions))

    def estimate(
        self, timeline: Timeline, queries: Queries, encoded: Encoded
    ) -> NDArray[np.float64]:
        """Return expected ratings of shape N."""
        inputs = _inputs(timeline, queries, encoded, self._fold_in(timeline, queries))
        answers = sum(
            (evaluate_network(network, inputs) for network in self.networks),
            start=np.zeros(len(queries)),
        ) / len(self.networks)
        return answer_unknown(answers, np.ones(len(queries), dtype=np.bool_), encoded)

    def _fold_in(self, timeline: Timeline, queries: Queries) -> Folded:
        moments = np.array([version.moment for version in self.versions], dtype=np.int64)
        chosen = np.searchsorted(moments, queries.before, side="right")
        rating = np.empty(len(queries))
        values = np.empty((len(queries), len(FOLD_FEATURES)), dtype=np.float32)
        for number, factors in enumerate((self.factors, *(v.factors for v in self.versions))):
            rows = np.flatnonzero(chosen == number)
            if len(rows):
                folded = fold_in(factors, timeline, queries.part(rows))
                rating[rows], values[rows] = folded.rating, folded.values
        return Folded(rating, values)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the weights, by name."""
        arrays: dict[str, NDArray[np.generic]] = {"learned": np.array([self.until, self.size])}
        arrays |= {f"factors.{name}": values for name, values in vars(self.factors).items()}
        for number, network in enumerate(self.networks):
            weights = network_arrays(network)
            arrays |= {f"network{number}.{name}": values for name, values in weights.items()}
        return arrays

    @classmethod
    def from_arrays(
        cls, settings: EnsembleSettings, arrays: Mapping[str, NDArray[np.generic]]
    ) -> "EnsemblePredictor":
        """Return the predictor its weights were taken from."""

        def within(prefix: str) -> dict[str, NDArray[np.generic]]:
            part = f"{prefix}."
            return {n.removeprefix(part): a for n, a in arrays.items() if n.startswith(part)}

        weights = within("factors")
        movies = weights.pop("movies").astype(np.float32)
        priors = weights.pop("movie_priors").astype(np.float32)
        rest = {name: values.astype(np.float64) for name, values in weights.items()}
        networks: list[StackingNetwork] = []
        for number in range(settings.networks):
            own = within(f"network{number}")
            genres = own["hidden1.weight"].shape[1] - ATTRIBUTES
            networks.append(StackingNetwork(settings, genres))
            load_arrays(networks[-1], own)
        until, size = (int(value) for value in arrays["learned"].astype(np.int64))
        factors = Factors(movies=movies, movie_priors=priors, **rest)
        return cls(settings, factors, tuple(networks), until, size)


def fit_ensemble(
    settings: EnsembleSettings,
    timeline: Timeline,
    learn: Examples,
    later: Examples | None,
    seed: int,
) -> EnsemblePredictor:
    """Fit factors and networks; later examples, if given, decide when the networks stop."""
    past = timeline.timestamp <= learn.given[-1]
    held_out = _fold_in_held_out(settings, timeline, learn, past, seed)
    inputs = _inputs(timeline, learn.queries, learn.encoded, held_out)
    factors = _factors(settings, timeline, past, seed, "factors")
    stop = None
    if later is not None:
        folded = fold_in(factors, timeline, later.queries)
        stop = (_inputs(timeline, later.queries, later.encoded, folded), later.rating)
    networks: list[StackingNetwork] = []
    trained: list[Trained] = []
    for number in range(settings.networks):
        torch.manual_seed(seed + number)
        network = StackingNetwork(settings, len(timeline.catalogue.genre_names))
        attributes = inputs["attributes"]
        network.mean.copy_(attributes.mean(dim=0))
        network.scale.copy_(attributes.std(dim=0).clamp(min=1e-3))
        what = f"network {number + 1} of {settings.networks}"
        trained.append(
            train_network(network, inputs, learn.rating, settings.loop, seed + number, what, stop)
        )
        networks.append(network)
    until, size = int(learn.given[-1]) + 1, int(past.sum())
    return EnsemblePredictor(settings, factors, tuple(networks), until, size, _typical(trained))


def _typical(trained: Sequence[Trained]) -> Trained:
    return sorted(trained, key=lambda run: run.epochs)[len(trained) // 2]


def _factors(
    settings: EnsembleSettings,
    timeline: Timeline,
    rows: NDArray[np.bool_],
    seed: int,
    what: str,
) -> Factors:
    return fit_factors(
        settings.factors,
        timeline.catalogue,
        timeline.user[rows],
        timeline.movie[rows],
        timeline.rating[rows],
        seed,
        what,
    )


def _fold_in_held_out(
    settings: EnsembleSettings,
    timeline: Timeline,
    learn: Examples,
    past: NDArray[np.bool_],
    seed: int,
) -> Folded:
    """Answer the examples by factors that have seen none of their users."""
    generator = np.random.default_rng(seed)
    fold = generator.permutation(len(timeline.users)) % settings.folds
    rating = np.empty(len(learn))
    values = np.empty((len(learn), len(FOLD_FEATURES)), dtype=np.float32)
    for number in range(settings.folds):
        others = past & (fold[timeline.user] != number)
        if not others.any():
            others = past
        what = f"factors without part {number + 1} of {settings.folds}"
        factors = _factors(settings, timeline, others, seed + number + 1, what)
        asked = np.flatnonzero(fold[learn.queries.user] == number)
        folded = fold_in(factors, timeline, learn.queries.part(asked))
        rating[asked], values[asked] = folded.rating, folded.values
    return Folded(rating, values)


def _inputs(timeline: Timeline, queries: Queries, encoded: Encoded, folded: Folded) -> Inputs:
    surplus = folded.rating - encoded.expected
    attributes = np.column_stack([encoded.values, folded.values, surplus, folded.rating])
    return {
        "attributes": torch.from_numpy(attributes.astype(np.float32)),
        "genres": torch.from_numpy(timeline.catalogue.genres[queries.movie]),
        "foretold": torch.from_numpy(folded.rating.astype(np.float32)),
    }
