"""The sequence network as an ONNX graph: from histories to the scores of candidate movies.

The graph repeats `events.make_batch` in operators that ONNX has. Whole numbers become buckets by
tables, because a logarithm that differs in the last bit would put a duration in another bucket.
"""

import json
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from foreseen.errors import InputError
from foreseen.files import write_atomically, write_text
from foreseen.models.base import Model
from foreseen.models.sequence.events import (
    FUTURE,
    POSITION_BUCKETS,
    TIME_BUCKETS,
    Batch,
    count_bucket,
    distance_bucket,
    time_bucket,
)
from foreseen.models.sequence.model import SequenceModel

FORMAT: Final = "foreseen sequence network 1"
_OPSET: Final = 17
_LONGEST: Final = 2**31 - 1
_COUNTS: Final = 8192
"""Number of earlier ratings from which on it has the last bucket."""


class Value(NamedTuple):
    """An input or the output of the graph."""

    name: str
    type: str
    shape: tuple[str, ...]
    meaning: str


INPUTS: Final = (
    Value("items", "int64", ("users", "ratings"), "rows of the rated movies in `movies`, oldest "
          "first; -1 after the last one"),
    Value("ratings", "float32", ("users", "ratings"), "their ratings, on the scale of the data"),
    Value("times", "int64", ("users", "ratings"), "their seconds since 1970, ascending; "
          "ratings of one second are in the order of the ids"),
    Value("moment", "int64", ("users",), "second of the next rating; -1 if it is not known"),
    Value("candidates", "int64", ("users", "candidates"), "rows of the movies to score"),
)  # fmt: skip
OUTPUT: Final = Value(
    "scores", "float32", ("users", "candidates", "2"),
    "log probabilities over all movies: to be the next one, to be one of the next thirty days",
)  # fmt: skip


class SequenceGraph(nn.Module):
    """A sequence model for the movies of one catalogue, as a function of tensors alone."""

    edges: Tensor
    inputs: Tensor
    outputs: Tensor
    bias: Tensor
    durations: Tensor
    counts: Tensor
    distances: Tensor

    def __init__(self, model: Model, sequence: SequenceModel) -> None:
        """Make the graph.

        Args:
            model: The model; its log has the movies.
            sequence: Its sequence model.
        """
        super().__init__()
        self.network = sequence.network
        self.length = sequence.settings.length
        movies = sequence.movies_of(model.log.catalogue)
        edges = model.encoding.scale.from_stars(sequence.edges)
        tables = {
            "edges": torch.from_numpy(edges.astype(np.float32)),
            "inputs": movies.inputs,
            "outputs": movies.outputs,
            "bias": movies.bias,
            "durations": _least_durations(),
            "counts": count_bucket(torch.arange(_COUNTS)),
            "distances": distance_bucket(torch.arange(self.length)),
        }
        for name, table in tables.items():
            self.register_buffer(name, table.detach())

    def forward(
        self, items: Tensor, ratings: Tensor, times: Tensor, moment: Tensor, candidates: Tensor
    ) -> Tensor:
        """Return log probabilities of B x K candidates, of shape B x K x 2.

        Args:
            items: Rows of the rated movies, -1 after the last one, of shape B x T.
            ratings: Their ratings, of shape B x T.
            times: Their seconds, of shape B x T.
            moment: Second of the next rating, -1 where it is not known, of shape B.
            candidates: Rows of movies, of shape B x K.
        """
        size = (items >= 0).sum(dim=1, keepdim=True)
        offset = torch.arange(items.shape[1])[: self.length].unsqueeze(0)
        # The latest ratings, in the order of the history.
        place = (size - self.length).clamp_min(0) + offset
        last = (size - 1).clamp_min(0)
        inside = place < size
        row = torch.minimum(place, last)
        batch = self._batch(row, inside, last, (items, ratings, times), moment)
        state = self.network.last_states(batch, self.inputs)
        queries = torch.stack([state, self.network.horizon(state)], dim=1)
        logits = queries @ self.outputs.t() + self.bias
        unread = self.bias.expand_as(logits)
        known = torch.where((size > 0).unsqueeze(2), logits, unread)
        found = torch.log_softmax(known, dim=2).transpose(1, 2)
        return found.gather(1, candidates.unsqueeze(2).expand(-1, -1, 2))

    def _batch(
        self,
        row: Tensor,
        inside: Tensor,
        last: Tensor,
        history: tuple[Tensor, Tensor, Tensor],
        moment: Tensor,
    ) -> Batch:
        """Return the windows, see `make_batch`; B x W places of the histories are in `row`."""
        items, ratings, times = history
        time = times.gather(1, row)
        before = times.gather(1, (row - 1).clamp_min(0))
        after = times.gather(1, torch.minimum(row + 1, last))
        following = moment.unsqueeze(1)
        until = torch.where(row < last, after - time, (following - time).clamp_min(0))
        until_unknown = (row >= last) & (following < 0)
        elapsed = (time - time[:, :1]).clamp_max(_LONGEST)
        between = (elapsed.unsqueeze(2) - elapsed.unsqueeze(1)).clamp_min(0)
        offset = torch.arange(self.length)[: items.shape[1]]
        distance = offset.unsqueeze(1) - offset.unsqueeze(0)
        near = self.distances[distance.clamp_min(0)]
        pair = self._duration(between) * POSITION_BUCKETS + near
        width = row.shape[1]
        latest = inside.sum(dim=1).sub(1).clamp_min(0)
        return Batch(
            items.gather(1, row).clamp_min(0),
            (ratings.gather(1, row).unsqueeze(2) > self.edges).sum(dim=2),
            torch.where(row > 0, self._duration(time - before), TIME_BUCKETS),
            torch.where(until_unknown, TIME_BUCKETS, self._duration(until)),
            self.counts[row.clamp_max(_COUNTS - 1)],
            torch.where(distance < 0, FUTURE, pair),
            torch.arange(row.shape[0]) * width + latest,
            np.empty(0, dtype=np.int64),
        )

    def _duration(self, seconds: Tensor) -> Tensor:
        """Return the buckets of durations that are not negative, by their tables."""
        near = (torch.log(seconds.float() + 1) * (2 / np.log(2))).to(torch.int64)
        near = near.clamp(0, TIME_BUCKETS - 1)
        near = near - (seconds < self.durations[near]).to(torch.int64)
        return near + (seconds >= self.durations[near + 1]).to(torch.int64)


def _least_durations() -> Tensor:
    """Return the least number of seconds of each bucket, and one that is never reached."""
    low = torch.zeros(TIME_BUCKETS, dtype=torch.int64)
    high = torch.full((TIME_BUCKETS,), 2**40)
    bucket = torch.arange(TIME_BUCKETS)
    while bool((low < high).any()):
        middle = (low + high) // 2
        reached = time_bucket(middle) >= bucket
        low, high = torch.where(reached, low, middle + 1), torch.where(reached, middle, high)
    return torch.cat([low, torch.tensor([2**62])])


def export_sequence(model: Model, file: Path) -> dict[str, Any]:
    """Write the sequence network of a model as ONNX, with a JSON file beside it.

    Returns:
        What the JSON file has: the format, the inputs and outputs, and the ids of the movies.

    Raises:
        InputError: If the model has no sequence network, or onnx is not installed.
    """
    if model.sequence is None:
        raise InputError(
            f"the model '{model.name}' has no sequence network to export; train one with: "
            "foreseen train DATA --model ensemble, on 20,000 ratings or more"
        )
    if find_spec("onnx") is None:
        raise InputError("onnx is not installed; to export: pip install 'foreseen[onnx]'")
    graph = SequenceGraph(model, model.sequence).eval()
    document = _document(model, graph)
    write_atomically(file, lambda path: _write(graph, document, path))
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in document.items()]
    write_text(description_of(file), "{\n" + ",\n".join(lines) + "\n}\n")
    return document


def description_of(file: Path) -> Path:
    """Return the JSON file beside an ONNX file."""
    return file.with_suffix(".json")


def _document(model: Model, graph: SequenceGraph) -> dict[str, Any]:
    scale, log = model.encoding.scale, model.log
    return {
        "format": FORMAT,
        "inputs": [value._asdict() for value in INPUTS],
        "outputs": [OUTPUT._asdict()],
        "length": graph.length,
        "scale": [scale.low, scale.high],
        "movies": [model.encoding.movies.identifier(code) for code in log.catalogue.movies.ids],
    }


def _write(graph: SequenceGraph, document: dict[str, Any], file: Path) -> None:
    """Write the graph, with every field of the document as a property of the model."""
    import onnx

    # Sizes that no graph needs to repeat: two users, three ratings, two candidates.
    items = torch.tensor([[0, 0, 0], [0, -1, -1]])
    pairs = torch.zeros(2, 2, dtype=torch.int64)
    example = (items, torch.ones(2, 3), items.clamp_min(0), torch.tensor([-1, 5]), pairs)
    axes = {
        value.name: {n: name for n, name in enumerate(value.shape) if not name.isdigit()}
        for value in (*INPUTS, OUTPUT)
    }
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter of `dynamo=True` takes ten times as long and needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph, example, file, dynamo=False, opset_version=_OPSET, dynamic_axes=axes,
            input_names=[value.name for value in INPUTS], output_names=[OUTPUT.name],
        )  # fmt: skip
    proto = onnx.load_model(file)
    onnx.helper.set_model_props(proto, {name: json.dumps(v) for name, v in document.items()})
    proto.producer_name, proto.producer_version = "foreseen", version("foreseen")
    onnx.checker.check_model(proto)
    file.write_bytes(proto.SerializeToString())
