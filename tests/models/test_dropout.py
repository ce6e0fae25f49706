"""Masks from random bytes."""

import pytest
import torch

from foreseen.models.dropout import ByteDropout


def test_a_share_is_left_out_and_the_rest_makes_up_for_it() -> None:
    layer = ByteDropout(0.3)
    given = layer(torch.ones(400, 500))
    assert float((given == 0).float().mean()) == pytest.approx(0.3, abs=0.005)
    assert float(given.mean()) == pytest.approx(1, abs=0.005)
    assert len(given.unique()) == 2


def test_nothing_is_left_out_of_an_answer() -> None:
    inputs = torch.rand(7, 5)
    assert torch.equal(ByteDropout(0.3).eval()(inputs), inputs)
    assert torch.equal(ByteDropout(0.0)(inputs), inputs)


def test_a_seed_draws_the_same_masks_again_and_another_does_not() -> None:
    layer, inputs = ByteDropout(0.5), torch.ones(3, 100)
    drawn: list[torch.Tensor] = []
    for seed in (1, 1, 2):
        layer.reseed(seed)
        drawn.append(layer(inputs))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(layer(inputs), drawn[2])
