"""Weights fit a network whole, or a line says which do not."""

import pytest
import torch
from torch import nn

from motionweave.errors import InputError
from motionweave.weights.state_dict import load_state


def net(device="meta"):
    with torch.device(device):
        return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))


@pytest.fixture
def tensors():
    return {name: torch.full_like(value, 0.5) for name, value in net("cpu").state_dict().items()}


def test_a_network_without_weights_takes_over_those_it_is_given(tensors):
    loaded = load_state(net(), tensors, "file")
    assert loaded[0].weight.data_ptr() == tensors["0.weight"].data_ptr(), "copied: in memory twice"
    assert loaded(torch.ones(1, 2)).tolist() == [[2.75, 2.75]]
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_their_precision_becomes_the_networks(tensors):
    loaded = load_state(net("cpu"), {name: value.bfloat16() for name, value in tensors.items()}, "file")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_what_does_not_fit_is_counted_and_the_first_names_are_listed(tensors):
    tensors["0.weight"] = torch.zeros(1)
    del tensors["1.bias"]
    extra = {f"extra.{index}": torch.zeros(1) for index in range(6)}
    with pytest.raises(InputError) as error:
        load_state(net(), tensors | extra, "pose.safetensors")
    assert str(error.value).startswith(
        "pose.safetensors does not fit Sequential: 1 missing: 1.bias; 6 not expected: extra.0, extra.1, extra.2, "
        "extra.3 ...; 1 of another shape: 0.weight (1,) instead of (3, 2)."
    )


def test_what_may_be_missing_or_left_over_is_passed_by_its_pattern(tensors):
    del tensors["1.bias"]
    held = tensors | {"attn.processor.id_to_k": torch.zeros(1), "embeddings.position_ids": torch.zeros(1)}
    loaded = load_state(net("cpu"), held, "file", allowed_missing=("*.bias",), allowed_unexpected=("*.processor.*",))
    assert torch.equal(loaded[1].weight, tensors["1.weight"])
    with pytest.raises(InputError, match=r"1 missing: 1\.bias; 1 not expected: attn"):
        load_state(net(), held, "file")
