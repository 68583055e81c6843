"""Control networks in every published layout, by their names and shapes alone."""

import pytest
import torch
from safetensors.torch import save_file

from motionweave.controls import load_controlnet
from motionweave.controls.controlnet import load_sized
from motionweave.errors import InputError, MissingModelError, UnsupportedError
from motionweave.models.controlnext import ControlNeXt
from motionweave.models.pose_net import PoseNet
from motionweave.models.svd_controlnet import SVDControlNet
from motionweave.tracks.pose_styles import POSE_STYLES

WIDE = {
    "block_out_channels": (64, 128),
    "layers_per_block": 1,
    "num_attention_heads": (1, 2),
    "cross_attention_dim": 32,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 96,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
    "conditioning_embedding_out_channels": (16, 24, 32),
}
"""Heads of 64 channels, as in SVD: a file without a config cannot say otherwise."""


def weights(net, prefix=""):
    torch.manual_seed(5)
    return {f"{prefix}{name}": torch.randn_like(tensor) for name, tensor in net.state_dict().items()}


@pytest.fixture(scope="module")
def control_net():
    return weights(SVDControlNet(**WIDE))


@pytest.fixture(scope="module")
def pose_net():
    return weights(PoseNet(32, (3, 8, 8, 16, 16)))


@pytest.fixture(scope="module")
def controlnext():
    return weights(ControlNeXt(32, (8, 16, 32), (16, 24)))


def assert_holds(loaded, tensors):
    state = loaded.net.state_dict()
    assert set(state) == set(tensors)
    assert all(torch.equal(state[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_a_controlnet_in_one_file_needs_no_config(control_net, tmp_path, suffix):
    path = tmp_path / f"depth{suffix}"
    save_file(control_net, path) if suffix == ".safetensors" else torch.save(control_net, path)
    loaded = load_controlnet(path)
    assert_holds(loaded, control_net)
    assert loaded.net.config.block_out_channels == (64, 128)
    assert loaded.net.config.num_attention_heads == (1, 2)
    assert loaded.net.config.addition_time_embed_dim == 32
    assert (loaded.pictures, loaded.style, loaded.unconditional) == ("[-1,1]", "openpose", True)


def test_a_file_and_a_folder_with_the_same_weights_are_one_network(control_net, tmp_path):
    net = SVDControlNet(**WIDE)
    net.load_state_dict(control_net)
    net.save_pretrained(tmp_path / "folder")
    save_file(control_net, tmp_path / "one.safetensors")
    first, second = load_controlnet(tmp_path / "folder"), load_controlnet(tmp_path / "one.safetensors")
    assert_holds(first, second.net.state_dict())
    assert first.digest != second.digest


def test_a_folder_may_name_the_published_class(control_net, tmp_path):
    net = SVDControlNet(**WIDE)
    net.load_state_dict(control_net)
    net.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"SVDControlNet"', '"ControlNetSDVModel"'))
    assert_holds(load_controlnet(tmp_path), control_net)
    config.write_text(config.read_text().replace('"ControlNetSDVModel"', '"ControlNetModel"'))
    with pytest.raises(InputError, match=r"is a ControlNetModel; expected one of ControlNetSDVModel.*ComfyUI's own"):
        load_controlnet(tmp_path)


def test_controlnext_is_told_by_its_names_and_wants_its_own_pictures(controlnext, tmp_path):
    torch.save(controlnext, tmp_path / "controlnet.bin")
    loaded = load_controlnet(tmp_path / "controlnet.bin")
    assert isinstance(loaded.net, ControlNeXt)
    assert_holds(loaded, controlnext)
    assert (loaded.pictures, loaded.style, loaded.unconditional) == ("[0,1]", "mimicmotion", False)
    assert loaded.reference_first


def test_a_pose_net_is_taken_out_of_mimicmotions_file(pose_net, tmp_path):
    published = {f"pose_net.{name}": tensor for name, tensor in pose_net.items()}
    whole = published | {"unet.conv_in.weight": torch.zeros(32, 8, 3, 3), "unet.conv_in.bias": torch.zeros(32)}
    for name, tensors in {"MimicMotion_1-1.pth": whole, "cut.pth": published}.items():
        torch.save(tensors, tmp_path / name)
        loaded = load_controlnet(tmp_path / name)
        assert_holds(loaded, pose_net)
        assert (loaded.pictures, loaded.style, loaded.unconditional) == ("[-1,1]", "mimicmotion", False)
        assert loaded.reference_first


def test_stableanimators_pose_net_is_alone_in_its_file(pose_net, tmp_path):
    torch.save(pose_net, tmp_path / "pose_net.pth")
    loaded = load_controlnet(tmp_path / "pose_net.pth")
    assert_holds(loaded, pose_net)
    assert (loaded.pictures, loaded.style, loaded.unconditional) == ("[-1,1]", "confidence", False)
    assert not loaded.reference_first


def test_range_and_style_may_be_chosen(pose_net, tmp_path):
    torch.save(pose_net, tmp_path / "pose_net.pth")
    loaded = load_controlnet(tmp_path / "pose_net.pth", pictures="[0,1]", style="mimicmotion")
    assert (loaded.pictures, loaded.style) == ("[0,1]", "mimicmotion")
    pixels = torch.tensor([0.0, 0.5, 1.0])
    assert loaded.ranged(pixels).tolist() == [0, 0.5, 1]
    assert load_controlnet(tmp_path / "pose_net.pth").ranged(pixels).tolist() == [-1, 0, 1]


def test_half_precision_loads_in_the_precision_asked_for(pose_net, tmp_path):
    save_file({name: tensor.half() for name, tensor in pose_net.items()}, tmp_path / "pose.safetensors")
    loaded = load_controlnet(tmp_path / "pose.safetensors", torch.bfloat16)
    assert {tensor.dtype for tensor in loaded.net.state_dict().values()} == {torch.bfloat16}
    assert load_controlnet(tmp_path / "pose.safetensors").digest != loaded.digest


def test_styles_are_those_that_poses_can_be_drawn_in(pose_net, controlnext, tmp_path):
    torch.save(pose_net, tmp_path / "a.pth")
    torch.save(controlnext, tmp_path / "b.bin")
    for path in tmp_path.iterdir():
        POSE_STYLES.get(load_controlnet(path).style)
    with pytest.raises(InputError, match="pictures of 0 to 255"):
        load_controlnet(tmp_path / "a.pth", pictures="0 to 255")
    with pytest.raises(InputError, match="crayon"):
        load_controlnet(tmp_path / "a.pth", style="crayon")


def test_what_is_missing_left_over_or_misshaped_is_listed(control_net, pose_net, tmp_path):
    path = tmp_path / "one.safetensors"
    less = {name: tensor for name, tensor in control_net.items() if name != "controlnet_mid_block.bias"}
    save_file(less | {"strange": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"1 missing: controlnet_mid_block.bias; 1 not expected: strange"):
        load_controlnet(path)
    other = tmp_path / "pose.safetensors"
    save_file(pose_net | {"conv_layers.4.weight": torch.zeros(9, 9, 3, 3)}, other)
    with pytest.raises(InputError, match=r"conv_layers\.4\.weight \(9, 9, 3, 3\) instead of \(8, 8, 3, 3\)"):
        load_controlnet(other)
    last = tmp_path / "cut.safetensors"
    save_file({name: tensor for name, tensor in pose_net.items() if name != "conv_layers.14.weight"}, last)
    with pytest.raises(InputError, match=r"cut\.safetensors lacks 'conv_layers\.14\.weight'.*PoseNet"):
        load_controlnet(last)


def test_a_file_of_another_kind_is_named_with_its_loader(tmp_path):
    path = tmp_path / "unet.safetensors"
    tensors = {
        "conv_in.weight": torch.zeros(1),
        "down_blocks.0.resnets.0.spatial_res_block.conv1.weight": torch.zeros(1),
    }
    save_file(tensors, path)
    with pytest.raises(InputError, match=r"seems to be an SVD UNet.*Load UNet Weights.*Expected here: a ControlNet"):
        load_controlnet(path)
    save_file({"embedding.0.weight": torch.zeros(1), "down_res.2.conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(UnsupportedError, match="v2"):
        load_controlnet(path)
    with pytest.raises(MissingModelError):
        load_controlnet(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    ("network", "parameters"), [(SVDControlNet, 682_021_537), (ControlNeXt, 3_526_400), (PoseNet, 205_557)]
)
def test_full_size_weights_load_with_nothing_missing_and_nothing_left_over(network, parameters):
    """Without a byte of memory; that the names and shapes are the published ones is the networks' own tests."""
    with torch.device("meta"):
        published = network().state_dict()
    net = load_sized(network, published, "published")
    assert sum(weight.numel() for weight in net.parameters()) == parameters
    with pytest.raises(InputError, match="1 not expected: more"):
        load_sized(network, published | {"more": torch.zeros(1)}, "published")


class _Code:
    def __reduce__(self):
        import os

        return os.system, ("echo harm",)


def test_a_pickle_that_runs_code_is_not_opened(pose_net, tmp_path):
    torch.save(pose_net | {"more": _Code()}, tmp_path / "pose_net.pth")
    with pytest.raises(InputError, match="could run code"):
        load_controlnet(tmp_path / "pose_net.pth")
