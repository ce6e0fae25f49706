"""Draw the network of each model: traced by torch.fx, with measured shapes, in layers."""

import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from foreseen.features.encoder import FEATURES
from foreseen.models.baseline import BaselineNetwork, BaselineSettings
from foreseen.models.ensemble.model import ATTRIBUTES, EnsembleSettings, StackingNetwork
from foreseen.models.history.model import HistoryNetwork, HistorySettings
from foreseen.models.hybrid import HybridNetwork, HybridSettings

EXAMPLES = 7
"""B, a number that no layer has units of, so that it identifies the batch dimension."""
_GENRES = 19
_RATING_LEVELS = 10
_COLOURS = {"placeholder": "#d7e8f7", "call_module": "#f9e2c7", "output": "#d9efd5"}


def networks() -> dict[str, tuple[nn.Module, dict[str, Tensor]]]:
    """Return the network of each model that has one, and inputs to trace it with."""
    rows = torch.zeros(EXAMPLES, dtype=torch.int64)
    stars = torch.zeros(EXAMPLES)
    genres = torch.zeros(EXAMPLES, _GENRES)
    features = torch.zeros(EXAMPLES, len(FEATURES))
    return {
        "baseline": (BaselineNetwork(BaselineSettings(), 2, 2), {"user": rows, "movie": rows}),
        "hybrid": (
            HybridNetwork(HybridSettings(), 2, 2, _GENRES),
            {
                "user": rows,
                "movie": rows,
                "genres": genres,
                "features": features,
                "expected": stars,
            },
        ),
        "history": (
            HistoryNetwork(HistorySettings(), 2, 2, _GENRES, _RATING_LEVELS),
            {
                "attended": stars,
                "log_variance": stars,
                "features": features,
                "genres": genres,
                "frequencies": torch.full((EXAMPLES, _RATING_LEVELS), 1 / _RATING_LEVELS),
                "expected": stars,
            },
        ),
        "ensemble": (
            StackingNetwork(EnsembleSettings(), _GENRES),
            {
                "attributes": torch.zeros(EXAMPLES, ATTRIBUTES),
                "genres": genres,
                "factor_rating": stars,
            },
        ),
    }


def trace(network: nn.Module, inputs: dict[str, Tensor]) -> fx.GraphModule:
    """Return the graph of a network in evaluation mode, its nodes annotated with shapes.

    Raises:
        ValueError: If the inputs are not those of the network, by name and in order.
    """
    traced = fx.symbolic_trace(network.eval())
    names = [node.name for node in traced.graph.nodes if node.op == "placeholder"]
    if names != list(inputs):
        raise ValueError(f"the inputs should be {', '.join(names)}. Received: {', '.join(inputs)}")
    ShapeProp(traced).propagate(*inputs.values())
    return traced


def draw(name: str, network: nn.Module, inputs: dict[str, Tensor], file: Path) -> None:
    """Draw the graph of a network, inputs at the top, arrows downwards."""
    traced = trace(network, inputs)
    nodes = [node for node in traced.graph.nodes if node.op != "get_attr"]
    depth: dict[fx.Node, int] = {}
    for node in nodes:
        above = [depth[parent] for parent in node.all_input_nodes if parent in depth]
        depth[node] = max(above, default=-1) + 1
    for node in reversed(nodes):
        if node.op == "placeholder":
            below = [depth[user] for user in node.users if user in depth]
            depth[node] = min(below, default=1) - 1
    layers = [[n for n in nodes if depth[n] == level] for level in range(max(depth.values()) + 1)]
    width = max(len(layer) for layer in layers)
    figure = Figure(figsize=(2.6 * width, 0.85 * len(layers) + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    places: dict[fx.Node, tuple[float, float]] = {}
    for level, layer in enumerate(layers):
        for number, node in enumerate(layer):
            places[node] = ((number + 0.5) * width / len(layer), -float(level))
    for node, (x, y) in places.items():
        for parent in node.all_input_nodes:
            if parent in places:
                axes.annotate(
                    "",
                    xy=(x, y + 0.27),
                    xytext=(places[parent][0], places[parent][1] - 0.27),
                    arrowprops={"arrowstyle": "->", "color": "#666666"},
                )
        colour = _COLOURS.get(str(node.op), "#eeeeee")
        axes.text(
            x, y, _label(traced, node), ha="center", va="center", fontsize=8,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "#888888"},
        )  # fmt: skip
    axes.set_xlim(0, width)
    axes.set_ylim(-len(layers) + 0.4, 0.6)
    axes.set_title(f"{name}, {sum(p.numel() for p in network.parameters()):,} weights"
                   " with two users and two movies")  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _label(traced: fx.GraphModule, node: fx.Node) -> str:
    shape = getattr(node.meta.get("tensor_meta"), "shape", None)
    sides = ("B" if side == EXAMPLES else str(side) for side in shape or ())
    size = " x ".join(sides)
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        return f"{node.target}\n{type(module).__name__}: {size}"
    name = node.name if node.op == "placeholder" else getattr(node.target, "__name__", node.target)
    return f"{name}\n{size}"


if __name__ == "__main__":
    for title, (module, example) in networks().items():
        draw(title, module, example, Path(sys.argv[1]) / f"{title}.png")
