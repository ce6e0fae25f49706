"""Dropout with masks from random bytes."""

import pytest
import torch

from foreseen.models.dropout import ByteDropout


def test_inputs_are_dropped_at_the_rate_and_the_others_are_scaled() -> None:
    layer = ByteDropout(0.3)
    outputs = layer(torch.ones(400, 500))
    assert float((outputs == 0).float().mean()) == pytest.approx(0.3, abs=0.005)
    assert float(outputs.mean()) == pytest.approx(1, abs=0.005)
    assert len(outputs.unique()) == 2


def test_nothing_is_dropped_in_evaluation_or_at_rate_zero() -> None:
    inputs = torch.rand(7, 5)
    assert torch.equal(ByteDropout(0.3).eval()(inputs), inputs)
    assert torch.equal(ByteDropout(0.0)(inputs), inputs)


def test_a_seed_repeats_the_masks() -> None:
    layer, inputs = ByteDropout(0.5), torch.ones(3, 100)
    outputs: list[torch.Tensor] = []
    for seed in (1, 1, 2):
        layer.reseed(seed)
        outputs.append(layer(inputs))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert not torch.equal(layer(inputs), outputs[2])
