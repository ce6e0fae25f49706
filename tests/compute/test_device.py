"""The device that networks are trained on."""

import pytest
import torch

from foreseen.compute.device import find_device, training_device, training_on
from foreseen.errors import InputError


def test_outside_of_a_block_networks_are_trained_on_the_cpu() -> None:
    assert training_device() == torch.device("cpu")
    with training_on("cpu") as device:
        assert training_device() == device == torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(False, False, "cpu"), (False, True, "mps"), (True, False, "cuda"), (True, True, "cuda")],
)
def test_auto_is_the_first_device_there_is(
    cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert find_device("auto").type == expected


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_absent_is_an_input_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: False)
    with pytest.raises(InputError, match=f"there is no {name} device"), training_on(name):
        raise AssertionError
    assert training_device().type == "cpu"


def test_a_name_of_no_device_is_an_input_error() -> None:
    with pytest.raises(InputError, match="auto, cpu, cuda, mps"):
        find_device("tpu")


def test_after_a_block_that_fails_device_and_precision_are_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    before = torch.get_float32_matmul_precision()

    def fail() -> None:
        with training_on("cuda"):
            assert training_device().type == "cuda"
            assert torch.get_float32_matmul_precision() == "high"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert training_device().type == "cpu"
    assert torch.get_float32_matmul_precision() == before
