"""LoRAs, fine-tunes and copies of a backbone that was packed or compiled when it was loaded."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save_file

from motionweave.backbones.finish import finished
from motionweave.backbones.precision import load_backbone, quantised
from motionweave.backbones.svd_files import load_svd
from motionweave.backbones.svd_lora import load_lora
from motionweave.backbones.svd_unet_weights import overlay_unet
from motionweave.controls.adapters import copy_reference_net

LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


def rounded(backbone):
    """Round the UNet's weights to eighths in place, as packing does."""
    for parameter in backbone.unet.parameters():
        parameter.data = (parameter * 8).round() / 8
    return replace(backbone, digest=f"{backbone.digest}, rounded")


@pytest.fixture
def backbone(tiny_svd_folder):
    return finished(lambda: load_svd(tiny_svd_folder), rounded)


@pytest.fixture
def lora(tmp_path):
    torch.manual_seed(2)
    path = tmp_path / "lora.safetensors"
    save_file({f"{LAYER}.lora_A.weight": torch.randn(2, 32), f"{LAYER}.lora_B.weight": torch.randn(32, 2)}, path)
    return path


@pytest.fixture
def tuned(tmp_path, tiny_backbone):
    torch.manual_seed(3)
    path = tmp_path / "unet.safetensors"
    save_file({name: torch.randn_like(value) for name, value in tiny_backbone.unet.state_dict().items()}, path)
    return path


def assert_same_weights(one, other):
    mine, its = one.unet.state_dict(), other.unet.state_dict()
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine)


def test_weights_go_in_before_the_backbone_is_finished(tiny_svd_folder, backbone, lora, tuned):
    """The order of nodes, load and then change, gives what the other order would; one may go on top of another."""
    plain, before = load_svd(tiny_svd_folder), backbone.unet.state_dict()
    with_lora = load_lora(load_lora(backbone, lora, 0.5), lora, 0.25)
    assert_same_weights(with_lora, rounded(load_lora(load_lora(plain, lora, 0.5), lora, 0.25)))
    assert_same_weights(overlay_unet(backbone, tuned), rounded(overlay_unet(plain, tuned)))
    assert_same_weights(
        load_lora(overlay_unet(backbone, tuned), lora), rounded(load_lora(overlay_unet(plain, tuned), lora))
    )
    assert all(torch.equal(value, before[name]) for name, value in backbone.unet.state_dict().items())
    assert with_lora.digest.endswith(", rounded")
    assert with_lora.digest != backbone.digest


def test_a_lora_of_strength_0_gives_the_backbone_itself(backbone, lora):
    assert load_lora(backbone, lora, 0.0) is backbone


def test_the_other_networks_are_in_memory_once(backbone, lora):
    changed = load_lora(backbone, lora)
    assert changed.vae is backbone.vae
    assert changed.vision is backbone.vision


def test_a_copied_reference_net_has_the_weights_of_the_file(tiny_backbone, backbone, lora):
    def weights(of):
        return copy_reference_net(of).net.state_dict()[f"{LAYER}.weight"]

    assert torch.equal(weights(backbone), weights(tiny_backbone))
    assert torch.equal(weights(load_lora(backbone, lora)), weights(load_lora(tiny_backbone, lora)))


@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
@pytest.mark.parametrize(("precision", "bits"), [("int8 weights", 8), ("int4 weights", 4)])
def test_packed_weights_take_loras_and_copies_as_if_they_were_not(tiny_svd_folder, lora, tuned, precision, bits):
    plain, packed = load_svd(tiny_svd_folder), load_backbone(tiny_svd_folder, torch.float32, precision)
    assert_same_weights(load_lora(packed, lora), quantised(load_lora(plain, lora), bits))
    assert_same_weights(overlay_unet(packed, tuned), quantised(overlay_unet(plain, tuned), bits))
    for name, value in copy_reference_net(packed).net.state_dict().items():
        assert torch.equal(value, copy_reference_net(plain).net.state_dict()[name])
