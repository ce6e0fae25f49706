"""The optimiser of the sequence network."""

import numpy as np
import pytest
import torch

from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.optimiser import SequenceOptimiser, orthogonal
from foreseen.models.sequence.settings import SequenceSettings


@pytest.mark.parametrize("shape", [(16, 16), (48, 16), (16, 48)])
def test_an_orthogonal_factor_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(1000 * matrices)
    values = np.linalg.svd(found.numpy(), compute_uv=False)
    assert (values > 0.3).all()
    assert (values < 1.4).all()
    for matrix, factor in zip(matrices, found, strict=True):
        torch.testing.assert_close(orthogonal(1000 * matrix[None])[0], factor, rtol=0, atol=0)


def test_a_step_moves_every_parameter_that_has_a_gradient() -> None:
    settings = SequenceSettings(width=16)
    network = SequenceNetwork(settings, 10, 3, 5)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    random = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=random)
    optimiser = SequenceOptimiser(network, settings)
    optimiser.step(0.0)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter, before[name], rtol=0, atol=0)
    optimiser.step(1.0)
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name
