"""A fine-tuned UNet lies over SVD's, whatever its publisher put into the file beside it."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from motionweave.backbones.svd_unet_weights import overlay_unet
from motionweave.errors import InputError

QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q.weight"


@pytest.fixture(scope="module")
def tuned(tiny_backbone):
    """The UNet's weights after a training that moved every one."""
    return {name: (value + 0.25).contiguous() for name, value in tiny_backbone.unet.state_dict().items()}


def is_tuned(backbone, tuned):
    own = backbone.unet.state_dict()
    return all(torch.equal(own[name], value) for name, value in tuned.items())


def test_mimicmotions_pickle_gives_its_unet_and_its_posenet_is_left_to_its_own_loader(tiny_backbone, tuned, tmp_path):
    held = {f"unet.{name}": value.half() for name, value in tuned.items()}
    torch.save(held | {"pose_net.conv_layers.0.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "MimicMotion_1-1.pth")
    laid = overlay_unet(tiny_backbone, tmp_path / "MimicMotion_1-1.pth", "reference", 72)
    assert is_tuned(laid, {name: value.half().float() for name, value in tuned.items()})
    facts = laid.facts
    assert (facts.image_role, facts.window, facts.chunk_frames + facts.overlap) == ("reference", 72, 72)
    assert tiny_backbone.facts.image_role == "first_frame"


def test_stableanimators_unet_goes_in_without_its_processors(tiny_backbone, tuned, tmp_path):
    own = {QUERY.replace("to_q", "processor.id_to_k"): torch.zeros(32, 32)}
    torch.save(tuned | own, tmp_path / "unet.pth")
    assert is_tuned(overlay_unet(tiny_backbone, tmp_path / "unet.pth"), tuned)


def test_a_unet_in_sgm_names_and_a_whole_checkpoint_give_the_same(tiny_backbone, tuned, tiny_svd_file, tmp_path):
    start = "model.diffusion_model."
    whole = {
        name: value + 0.25 if name.startswith(start) else value for name, value in load_file(tiny_svd_file).items()
    }
    save_file(whole, tmp_path / "merge.safetensors")
    alone = {name.removeprefix(start): value for name, value in whole.items() if name.startswith(start)}
    save_file(alone, tmp_path / "unet.safetensors")
    for name in ("merge", "unet"):
        assert is_tuned(overlay_unet(tiny_backbone, tmp_path / f"{name}.safetensors"), tuned)


def test_a_part_replaces_that_part_and_shares_the_rest(tiny_backbone, tuned, tmp_path):
    save_file({QUERY: tuned[QUERY]}, tmp_path / "part.safetensors")
    laid = overlay_unet(tiny_backbone, tmp_path / "part.safetensors")
    before = tiny_backbone.unet.state_dict()
    changed = [name for name, value in laid.unet.state_dict().items() if value.data_ptr() != before[name].data_ptr()]
    assert changed == [QUERY]
    assert torch.equal(laid.unet.state_dict()[QUERY], tuned[QUERY])
    assert not torch.equal(before[QUERY], tuned[QUERY])
    assert laid.digest != tiny_backbone.digest
    assert laid.facts == tiny_backbone.facts


def test_another_models_weights_are_called_by_their_name_and_misfits_are_listed(tiny_backbone, tuned, tmp_path):
    save_file(
        {"conv_layers.0.weight": torch.zeros(1), "final_proj.weight": torch.zeros(1)}, tmp_path / "pose.safetensors"
    )
    with pytest.raises(InputError, match="a PoseNet of MimicMotion or StableAnimator: load it with"):
        overlay_unet(tiny_backbone, tmp_path / "pose.safetensors")
    save_file({QUERY: torch.zeros(3, 3), "surprise": torch.zeros(1)}, tmp_path / "misfit.safetensors")
    with pytest.raises(
        InputError, match=r"1 not expected: surprise; 1 of another shape: .*to_q.weight \(3, 3\) instead of"
    ):
        overlay_unet(tiny_backbone, tmp_path / "misfit.safetensors")


def test_a_window_of_one_frame_is_refused(tiny_backbone, tuned, tmp_path):
    save_file({QUERY: tuned[QUERY]}, tmp_path / "part.safetensors")
    with pytest.raises(InputError, match="window of 1"):
        overlay_unet(tiny_backbone, tmp_path / "part.safetensors", window=1)


def test_a_controlnet_with_layers_of_the_unets_names_is_called_by_its_own(tiny_backbone, tmp_path):
    path = tmp_path / "canny.safetensors"
    held = {
        "conv_in.weight": torch.zeros(320, 4, 3, 3),
        "controlnet_cond_embedding.conv_in.weight": torch.zeros(16, 3, 3, 3),
    }
    save_file(held, path)
    with pytest.raises(InputError, match="a ControlNet for Stable Diffusion images: load it with ComfyUI's own"):
        overlay_unet(tiny_backbone, path)
