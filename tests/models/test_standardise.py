"""Standardisation of network inputs."""

import torch

from foreseen.models.standardise import Standardise


def test_inputs_have_mean_zero_and_deviation_one() -> None:
    inputs = torch.randn(5000, 3, generator=torch.Generator().manual_seed(0)) * 4 + 7
    layer = Standardise(3)
    layer.fit(inputs)
    outputs = layer(inputs)
    torch.testing.assert_close(outputs.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(outputs.std(dim=0), torch.ones(3), atol=1e-3, rtol=0)


def test_outliers_are_clipped_at_five_deviations() -> None:
    layer = Standardise(1)
    layer.set_statistics(torch.tensor([1.0]), torch.tensor([2.0]))
    outputs = layer(torch.tensor([[1000.0], [-1000.0], [5.0]]))
    assert outputs.flatten().tolist() == [5.0, -5.0, 2.0]


def test_a_constant_input_stays_finite() -> None:
    layer = Standardise(1)
    layer.set_statistics(torch.tensor([3.0]), torch.tensor([0.0]))
    assert layer(torch.tensor([[3.0]])).item() == 0
    assert abs(layer(torch.tensor([[4.0]])).item()) == 5


def test_statistics_are_part_of_the_saved_state() -> None:
    layer, other = Standardise(2), Standardise(2)
    layer.set_statistics(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    other.load_state_dict(layer.state_dict())
    inputs = torch.rand(4, 2)
    assert torch.equal(layer(inputs), other(inputs))
    assert not list(layer.parameters())
