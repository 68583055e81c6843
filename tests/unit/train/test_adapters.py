"""Adapters are trained; what they act on is not, unless the recipe says so."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from motionweave.train.adapters import (
    Base,
    Schooling,
    SignalBatch,
    adapter_losses,
    build_adapters,
    read_adapters,
    tie,
    write_adapters,
)
from motionweave.train.denoiser import DropRates
from motionweave.train.signals import reference_rays

CLIPS, FRAMES, CELLS = 2, 3, 8
SHARES = {"pose": 1.0, "depth": 1.0, "reference": 1.0, "speech": 1.0, "light": 1.0, "camera": 1.0}


@pytest.fixture
def base(tiny_backbone, tiny_controlnet):
    unet, pose = (copy.deepcopy(net).float() for net in (tiny_backbone.denoiser, tiny_controlnet.net))
    return Base(unet.requires_grad_(False), pose.requires_grad_(False))


@pytest.fixture
def nets(base):
    torch.manual_seed(0)
    made = build_adapters(base, SimpleNamespace(layer_count=2, width=8), 0.2, 8)
    # As after a first step: silent ends pass nothing back to what comes before them.
    for parameter in made.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    return made


@pytest.fixture
def batch(base):
    torch.manual_seed(1)
    width = base.unet.config.cross_attention_dim
    signals = {
        "light": torch.rand(CLIPS, FRAMES, 9, 3),
        "rays": torch.rand(CLIPS, FRAMES, 6, CELLS, CELLS),
        "face": torch.rand(CLIPS, FRAMES, CELLS, CELLS),
        "speech": torch.randn(CLIPS, FRAMES, 5, 2, 8),
        "depth": torch.rand(CLIPS, FRAMES, 1, 8 * CELLS, 8 * CELLS),
        "poses": torch.rand(CLIPS, FRAMES, 3, 8 * CELLS, 8 * CELLS),
    }
    return SignalBatch(
        latents=torch.randn(CLIPS, FRAMES, 4, CELLS, CELLS),
        reference=torch.randn(CLIPS, 4, CELLS, CELLS),
        tokens=torch.randn(CLIPS, 1, width),
        fps=torch.full((CLIPS,), 12.0),
        signals=signals,
        origin=reference_rays(CELLS),
    )


def moved(module, base, nets, batch, steps=2):
    """Take some steps, and name the parameters that they changed."""
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    optimizer = torch.optim.SGD([each for each in module.parameters() if each.requires_grad], 0.1)
    schooling = Schooling(SHARES, (0.7, 1.0), DropRates(image=0.0, context=0.0))
    for step in range(steps):
        adapter_losses(nets, base, batch, schooling, torch.Generator().manual_seed(step))["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}


def test_only_the_adapters_that_are_named_learn(base, nets, batch):
    nets.train_only(["light", "speech"])
    changed = moved(nn.ModuleDict({"nets": nets, "unet": base.unet, "pose": base.pose}), base, nets, batch)
    assert {".".join(name.split(".")[:2]) for name in changed} == {"nets.light", "nets.speech"}
    assert {name for name, value in nets.named_parameters() if value.requires_grad} == {name[5:] for name in changed}


def test_a_unet_that_learns_along_is_the_one_that_the_reference_net_reads_with(base, nets, batch):
    nets.train_only(["reference"])
    base.unet.requires_grad_(True)
    tie(nets.reference, base.unet)
    changed = moved(nn.ModuleDict({"nets": nets, "unet": base.unet}), base, nets, batch, steps=1)
    assert any(name.startswith("unet.") for name in changed) and any("readers" in name for name in changed)
    own, read = base.unet.get_parameter, nets.reference.get_parameter
    shared = "mid_block.resnets.0.spatial_res_block.conv1.weight"
    assert read(shared) is own(shared)
    # Its self-attention is its own: what is read from a still picture is not what is denoised.
    apart = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"
    assert read(apart) is not own(apart)


def test_what_was_written_is_read_back(base, nets, tmp_path):
    written = nets.half()
    write_adapters(written, base.unet, tmp_path)
    torch.manual_seed(5)
    fresh = build_adapters(base, SimpleNamespace(layer_count=2, width=8), 0.2, 8)
    read_adapters(fresh, tmp_path)
    for name, value in written.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], value.float(), atol=1e-3, rtol=1e-3, msg=name)
