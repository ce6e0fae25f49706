"""The network: attention over a history with a bias for elapsed time and for distance.

Causal self-attention over histories (SASRec: Kang and McAuley, 2018), with a bias that depends on
the time between two events and on their distance (HSTU: Zhai et al., 2024), pre-norm layers and a
gated feed-forward (SwiGLU: Shazeer, 2020; eSASRec: Tikhonovich et al., 2025).
"""

from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foreseen.models.sequence.events import (
    COUNT_BUCKETS,
    POSITION_BUCKETS,
    TIME_BUCKETS,
    Batch,
)
from foreseen.models.sequence.settings import SequenceSettings

_INITIAL: Final = 0.05
_WARM_START: Final = 0.1
"""Scale of the co-occurrence vectors that the movie vectors start from."""
_NEVER: Final = -1e9


class SequenceNetwork(nn.Module):
    """Movie vectors, attention layers, and a bias per movie.

    A movie's vector is that of its id, zero for a movie without ratings in training, plus a linear
    function of its attributes, one for the input and one for the output.
    """

    known: Tensor

    def __init__(
        self, settings: SequenceSettings, movies: int, attributes: int, levels: int
    ) -> None:
        """Make the layers.

        Args:
            settings: The settings.
            movies: Number of movies.
            attributes: Number of attributes of a movie.
            levels: Number of rating levels.
        """
        super().__init__()
        width = settings.width
        self.settings = settings
        self.identity = nn.Embedding(movies, width)
        self.register_buffer("known", torch.zeros(movies, 1))
        self.content = nn.Linear(attributes, width, bias=False)
        self.out_content = nn.Linear(attributes, width, bias=False)
        self.level = nn.Embedding(levels, width)
        self.since = nn.Embedding(TIME_BUCKETS + 1, width)
        self.until = nn.Embedding(TIME_BUCKETS + 1, width)
        self.count = nn.Embedding(COUNT_BUCKETS, width)
        self.layers = nn.ModuleList(AttentionLayer(settings) for _ in range(settings.layers))
        self.input_norm = nn.LayerNorm(width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(movies))
        self.horizon = nn.Linear(width, width)

    def initialise(
        self, seed: int, frequency: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        """Set the weights that training starts from.

        Args:
            seed: Random seed.
            frequency: Number of ratings of each movie, of shape C.
            vectors: Vectors of the movies by co-occurrence, of shape C x D.
        """
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for table in (self.level, self.since, self.until, self.count):
                nn.init.normal_(table.weight, std=_INITIAL, generator=random)
            for part in (self.content, self.out_content):
                nn.init.normal_(part.weight, std=_INITIAL / 2, generator=random)
            width = self.settings.width
            nn.init.normal_(self.horizon.weight, std=width**-0.5, generator=random)
            nn.init.zeros_(self.horizon.bias)
            for layer in self.layers:
                cast("AttentionLayer", layer).initialise(random)
            self.identity.weight.copy_(torch.from_numpy(vectors) * _WARM_START)
            self.known.copy_(torch.from_numpy((frequency > 0).astype(np.float32))[:, None])
            self.bias.copy_(torch.from_numpy(np.log(frequency + 0.5).astype(np.float32)))
            self.bias -= self.bias.mean()

    def movie_vectors(
        self, attributes: Tensor, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of movies as input and as output, each of shape C x D.

        Args:
            attributes: Of the movies of the catalogue, see `movie_attributes`.
            rows: Rows of the C movies; None for the whole catalogue.
        """
        weight, known = self.identity.weight, self.known
        if rows is not None:
            weight, known = weight.index_select(0, rows), known[rows]
            attributes = attributes[rows]
        identity = weight * known
        return identity + self.content(attributes), identity + self.out_content(attributes)

    def forward(self, batch: Batch, movies: Tensor, random: torch.Generator | None) -> Tensor:
        """Return the states of the valid events of a batch, of shape V x D.

        Args:
            batch: The windows.
            movies: The vectors of the movies as input, of shape C x D.
            random: For dropout; None for none.
        """
        state = self._embedded(batch, movies, random)
        for layer in self.layers:
            state = layer(state, batch.pair, random)
        return self.norm(state.reshape(-1, state.shape[2])[batch.valid])

    def last_states(self, batch: Batch, movies: Tensor) -> Tensor:
        """Return the states of one valid event per window, of shape B x D, without dropout.

        The last layer computes nothing of the other events, and takes a fraction of the time.
        """
        state = self._embedded(batch, movies, None)
        for layer in self.layers[:-1]:
            state = layer(state, batch.pair, None)
        return self.norm(self.layers[-1](state, batch.pair, None, batch.valid)[:, 0])

    def _embedded(self, batch: Batch, movies: Tensor, random: torch.Generator | None) -> Tensor:
        inputs = (
            functional.embedding(batch.movie, movies)
            + self.level(batch.level)
            + self.since(batch.since)
            + self.count(batch.count)
            + self.until(batch.until)
        )
        return drop(self.input_norm(inputs), self.settings.dropout, random)


class AttentionLayer(nn.Module):
    """Self-attention and a gated feed-forward, each normalised first and added to its input."""

    def __init__(self, settings: SequenceSettings) -> None:
        super().__init__()
        width, inner = settings.width, settings.hidden * settings.width
        self.settings = settings
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        self.time_bias = nn.Parameter(torch.zeros(settings.heads, TIME_BUCKETS))
        self.distance_bias = nn.Parameter(torch.zeros(settings.heads, POSITION_BUCKETS))

    def initialise(self, random: torch.Generator) -> None:
        """Draw the weights; those that add to the input are smaller the more layers there are."""
        width, inner = self.down.weight.shape
        depth = (2 * self.settings.layers) ** -0.5
        nn.init.normal_(self.query_key_value.weight, std=width**-0.5, generator=random)
        nn.init.normal_(self.up.weight, std=width**-0.5, generator=random)
        nn.init.normal_(self.output.weight, std=width**-0.5 * depth, generator=random)
        nn.init.normal_(self.down.weight, std=inner**-0.5 * depth, generator=random)

    def forward(
        self,
        inputs: Tensor,
        pair: Tensor,
        random: torch.Generator | None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Return the outputs, of the shape of the inputs, B x T x D.

        Args:
            inputs: The inputs.
            pair: See `Batch`.
            random: For dropout; None for none.
            wanted: Places of B x T, one per window, whose outputs alone are computed, of shape
                B x 1 x D; None for all.
        """
        size, length, width = inputs.shape
        heads, rate = self.settings.heads, self.settings.dropout
        each = width // heads
        parts = self.query_key_value(self.norm1(inputs)).view(size, length, 3, heads, each)
        query, key, value = (
            part.reshape(heads * size, length, each)
            for part in parts.permute(2, 3, 0, 1, 4).unbind(0)
        )
        if wanted is not None:
            query = query.view(heads, size * length, each)[:, wanted].view(heads * size, 1, each)
            pair = pair.reshape(size * length, length)[wanted].unsqueeze(1)
            inputs = inputs.reshape(size * length, width)[wanted].unsqueeze(1)
        table = (self.time_bias[:, :, None] + self.distance_bias[:, None, :]).reshape(heads, -1)
        table = torch.cat([table, table.new_full((heads, 1), _NEVER)], dim=1)
        bias = cast("Tensor", _Lookup.apply(table, pair)).reshape(heads * size, -1, length)
        attend = attention if inputs.device.type == "cpu" else fused_attention
        read = attend(query, key, value, bias).view(heads, size, -1, each)
        read = read.permute(1, 2, 0, 3).reshape(size, -1, width)
        state = inputs + drop(self.output(read), rate, random)
        gate, linear = self.up(self.norm2(state)).chunk(2, dim=2)
        return state + drop(self.down(functional.silu(gate) * linear), rate, random)


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Return what N heads read, of shape N x T x D, with a bias of shape N x T x T."""
    scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=query.shape[2] ** -0.5)
    return torch.bmm(torch.softmax(scores, dim=2), value)


def fused_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Return the same by one kernel that stores no matrix of scores, where a device has it."""
    parts = (part.unsqueeze(0) for part in (query, key, value))
    mask = bias.to(query.dtype).unsqueeze(0)
    return functional.scaled_dot_product_attention(*parts, attn_mask=mask).squeeze(0)


class _Lookup(torch.autograd.Function):
    """Columns of a small table by index; on a CPU the gradient is summed by counting, fast."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(index)
        ctx.size = table.shape[1]
        # Several times as fast as indexing.
        return table.index_select(1, index.reshape(-1)).view(len(table), *index.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (index,) = ctx.saved_tensors
        flat = index.reshape(-1)
        if flat.device.type != "cpu":
            sums = gradients[0].new_zeros(len(gradients[0]), ctx.size, dtype=torch.float32)
            return sums.index_add_(1, flat, gradients[0].flatten(1).float()), None
        rows = [torch.bincount(flat, g.reshape(-1), minlength=ctx.size) for g in gradients[0]]
        return torch.stack(rows).to(gradients[0].dtype), None


def drop(inputs: Tensor, rate: float, random: torch.Generator | None) -> Tensor:
    """Apply dropout (Srivastava et al., 2014) with a generator; the rate is rounded to 1 / 256.

    On a CPU each mask entry is one random byte, which is several times as fast as drawing from a
    Bernoulli distribution.
    """
    cut = round(rate * 256)
    if random is None or not cut:
        return inputs
    if inputs.device.type != "cpu":
        uniform = torch.rand(inputs.shape, generator=random, device=inputs.device)
        return inputs * ((uniform >= cut / 256) * (256 / (256 - cut)))
    words = torch.empty(-(-inputs.numel() // 7), dtype=torch.int64).random_(generator=random)
    # The last byte of a word is never full: random_ draws 63 bits.
    drawn = words.view(torch.uint8).view(-1, 8)[:, :7].reshape(-1)[: inputs.numel()]
    mask = (drawn.view(inputs.shape) >= cut).to(inputs.dtype).mul_(256 / (256 - cut))
    return inputs * mask
