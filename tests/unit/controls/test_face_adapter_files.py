"""StableAnimator's face adapter out of its two published files."""

import pytest
import torch

from motionweave.controls.controlnet import load_sized
from motionweave.controls.face_adapter import load_face_adapter
from motionweave.errors import InputError, MissingModelError
from motionweave.models.face_fusion import ENCODER, FaceAdapter

LAYERS = {
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2": 32,
    "mid_block.attentions.0.transformer_blocks.0.attn2": 64,
}


@pytest.fixture(scope="module")
def adapter():
    """With heads of 64 channels, as published: the files do not say otherwise."""
    torch.manual_seed(1)
    return FaceAdapter(LAYERS, width=64, embedding_width=16, clip_width=64, token_count=3, depth=2, heads=1)


@pytest.fixture
def folder(adapter, tmp_path):
    state = adapter.state_dict()
    encoder = {name.removeprefix(f"{ENCODER}."): each for name, each in state.items() if name.startswith(ENCODER)}
    unet = {name: each for name, each in state.items() if ".processor." in name}
    torch.save(encoder, tmp_path / "face_encoder.pth")
    # The UNet's own weights are another loader's.
    torch.save(unet | {"conv_in.weight": torch.zeros(32, 8, 3, 3)}, tmp_path / "unet.pth")
    return tmp_path


def test_both_halves_are_found_whole(adapter, folder):
    for path in (folder, folder / "face_encoder.pth"):
        loaded = load_face_adapter(path)
        state = loaded.net.state_dict()
        assert set(state) == set(adapter.state_dict())
        assert all(torch.equal(state[name], each) for name, each in adapter.state_dict().items())
        assert loaded.net.layers == tuple(LAYERS)
        assert loaded.net.config.heads == 1
        assert not loaded.unconditional


def test_the_loaded_one_says_the_same(adapter, folder):
    who = torch.randn(1, 16), torch.randn(1, 1, 64)
    with torch.no_grad():
        first, second = adapter.encode(*who), load_face_adapter(folder).net.encode(*who)
    for name in LAYERS:
        torch.testing.assert_close(first.attention[name][0].value, second.attention[name][0].value)


def test_a_folder_in_diffusers_layout_loads_too(adapter, tmp_path):
    adapter.save_pretrained(tmp_path)
    assert load_face_adapter(tmp_path).net.config.token_count == 3


def test_a_missing_half_is_named(folder):
    (folder / "unet.pth").unlink()
    with pytest.raises(MissingModelError, match=r"'unet\.pth' was not found.*into one folder"):
        load_face_adapter(folder)


def test_another_kind_of_file_is_named(folder):
    with pytest.raises(InputError, match=r"unet\.pth seems to be StableAnimator's UNet"):
        load_face_adapter(folder / "unet.pth")


def test_full_size_weights_load_with_nothing_missing_and_nothing_left_over():
    """Without a byte of memory; that the names and shapes are the published ones is the network's own test."""
    from diffusers import UNetSpatioTemporalConditionModel

    with torch.device("meta"):
        published = FaceAdapter.from_unet(UNetSpatioTemporalConditionModel(num_attention_heads=(5, 10, 20, 20)))
    net = load_sized(FaceAdapter, published.state_dict(), "published")
    assert net.config.heads == 16
    assert sum(weight.numel() for weight in net.parameters()) == 57_183_232 + 25_559_040
    with pytest.raises(InputError, match="1 not expected: more"):
        load_sized(FaceAdapter, published.state_dict() | {"more": torch.zeros(1)}, "published")
