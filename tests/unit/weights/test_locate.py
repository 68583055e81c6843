"""Models are found where users have them: ComfyUI's folders, other packs, the hub's cache, and beside the pack."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from motionweave.errors import InputError, MissingModelError
from motionweave.runtime import Folders
from motionweave.weights.locate import available_models, locate_model
from motionweave.weights.manifest import load_manifest
from motionweave.weights.present import model_is_here
from motionweave.weights.roles import MODEL_FOLDERS, ROLES

SVD_FILE = (
    "model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight",
    "conditioner.embedders.0.open_clip.model.visual.class_embedding",
    "first_stage_model.decoder.mid.block_1.time_stack.in_layers.0.weight",
)
SVD_UNET = {"_class_name": "UNetSpatioTemporalConditionModel"}
CONTROLNET = {"conditioning_channels": 3, "in_channels": 8}
CONFIGS = {
    "first/diffusers/svd-xt/unet/config.json": SVD_UNET,
    "second/diffusers/svd-xt/unet/config.json": SVD_UNET,
    "second/diffusers/people/mine/unet/config.json": SVD_UNET,
    "second/diffusers/sd15/unet/config.json": {"_class_name": "UNet2DConditionModel"},
    "second/controlnet/pose/config.json": CONTROLNET,
    "second/controlnet/sd15-canny/config.json": {"conditioning_channels": 3, "in_channels": 4},
    "second/controlnet/temporal-controlnet-depth-svd/controlnet/config.json": CONTROLNET,
    "first/depthanything/Depth-Anything-V2-Small-hf/config.json": {"model_type": "depth_anything"},
    "first/zoedepth/nyu/config.json": {"model_type": "zoedepth"},
    "first/depth/broken/config.json": "{",
    "first/depth/not-depth/config.json": {"model_type": "wav2vec2"},
    "first/wav2vec2/base/config.json": {"model_type": "wav2vec2"},
    "first/audio_encoders/whisper/config.json": {"model_type": "whisper"},
}
PLAIN = (
    "first/dwpose/mine/yolox_l.onnx", "first/dwpose/mine/dw-ll_ucoco_384.onnx", "first/dwpose/half/yolox_l.onnx",
    "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose/yolox_l.onnx",
    "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose/dw-ll_ucoco_384.onnx",
    "custom_nodes/comfyui_controlnet_aux/ckpts/lllyasviel/Annotators/body_pose_model.pth",
    "custom_nodes/comfyui_controlnet_aux/ckpts/lllyasviel/Annotators/hand_pose_model.pth",
    "first/insightface/models/buffalo_l/det_10g.onnx", "first/insightface/models/buffalo_l/w600k_r50.onnx",
    "first/insightface/models/antelopev2/antelopev2/scrfd_10g_bnkps.onnx",
    "first/insightface/models/antelopev2/antelopev2/glintr100.onnx", "first/insightface/swap/inswapper_128.onnx",
)  # fmt: skip


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    for path, config in CONFIGS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(config if isinstance(config, str) else json.dumps(config))
    for path in PLAIN:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return Folders(tmp_path, tmp_path, tmp_path, (tmp_path / "first", tmp_path / "second", tmp_path / "gone"))


def found(role, folders):
    bundled = {entry.id for entry in load_manifest().models if entry.bundled is not None}
    return set(available_models(role, folders)) - bundled


def test_folders_are_listed_by_role_and_the_first_root_wins(folders, tmp_path):
    assert found("backbone", folders) == {"svd-xt", "people/mine"}
    assert locate_model("backbone", "svd-xt", folders) == tmp_path / "first/diffusers/svd-xt"
    assert locate_model("backbone", "people/mine", folders) == tmp_path / "second/diffusers/people/mine"
    assert locate_model("controlnet", "pose", folders) == tmp_path / "second/controlnet/pose"


def test_only_what_fits_the_role_is_offered(folders):
    assert found("controlnet", folders) == {"pose", "temporal-controlnet-depth-svd/controlnet"}
    assert found("depth", folders) == {"Depth-Anything-V2-Small-hf", "nyu"}
    assert found("speech", folders) == {"base"}
    assert found("pose", folders) == {"mine", "yzd-v/DWPose"}


def test_copies_that_other_packs_downloaded_are_found(folders, tmp_path):
    aux = tmp_path / "custom_nodes/comfyui_controlnet_aux/ckpts"
    assert locate_model("pose", "dwpose", folders) == aux / "yzd-v/DWPose"
    assert locate_model("pose-openpose", "openpose", folders) == aux / "lllyasviel/Annotators"


def test_a_face_pack_is_found_in_its_zips_second_folder_too(folders, tmp_path):
    assert found("face", folders) == {"buffalo_l", "antelopev2"}
    inner = tmp_path / "first/insightface/models/antelopev2/antelopev2"
    assert locate_model("face", "antelopev2", folders) == inner


def test_a_manifests_model_is_known_by_its_repositorys_name(folders, tmp_path):
    place = tmp_path / "first/depthanything/Depth-Anything-V2-Small-hf"
    assert locate_model("depth", "depth-anything-v2-small", folders) == place
    place = tmp_path / "second/controlnet/temporal-controlnet-depth-svd/controlnet"
    assert locate_model("controlnet", "temporal-controlnet-depth-svd", folders) == place


def test_the_hubs_cache_is_read_where_a_snapshot_is_complete(folders, tmp_path):
    cache = tmp_path / "hub/models--facebook--wav2vec2-base-960h"
    snapshot = cache / "snapshots/abc"
    snapshot.mkdir(parents=True)
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    assert "wav2vec2-base-960h" not in available_models("speech", folders)
    for name in ("preprocessor_config.json", "model.safetensors"):
        (snapshot / name).touch()
    assert locate_model("speech", "wav2vec2-base-960h", folders) == snapshot
    assert "wav2vec2-base-960h" in available_models("speech", folders)


def test_folders_under_other_names_are_searched_too(folders, tmp_path):
    elsewhere = tmp_path / "E"
    (elsewhere / "kitti").mkdir(parents=True)
    (elsewhere / "kitti/config.json").write_text('{"model_type": "zoedepth"}')
    (elsewhere / "models/pack").mkdir(parents=True)
    for name in ("det.onnx", "rec.onnx"):
        (elsewhere / "models/pack" / name).touch()
    there = Folders(tmp_path, tmp_path, tmp_path, (), (("zoedepth", elsewhere), ("insightface", elsewhere)))
    assert locate_model("depth", "kitti", there) == elsewhere / "kitti"
    assert locate_model("face", "pack", there) == elsewhere / "models/pack"
    assert {"zoedepth", "insightface", "diffusers", "dwpose"} <= set(MODEL_FOLDERS)


def test_a_half_finished_download_is_no_model(folders, tmp_path):
    part = tmp_path / "first/depth/.zoedepth-nyu.part"
    part.mkdir(parents=True)
    (part / "config.json").write_text('{"model_type": "zoedepth"}')
    assert found("depth", folders) == {"Depth-Anything-V2-Small-hf", "nyu"}


def weights(path, names):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.zeros(1) for name in names}, path)


@pytest.fixture
def files(folders, tmp_path):
    """Single files: SVD among image checkpoints, a LoRA for it among others, and a UNet."""
    for name in ("svd_xt.safetensors", "video/svd_xt_1_1.safetensors"):
        weights(tmp_path / "second/checkpoints" / name, SVD_FILE)
    weights(tmp_path / "second/checkpoints/sdxl.safetensors", ["model.diffusion_model.input_blocks.0.0.weight"])
    (tmp_path / "second/checkpoints/broken.safetensors").write_bytes(b"?")
    weights(
        tmp_path / "first/loras/dance.safetensors", ["down_blocks.0.temporal_transformer_blocks.0.to_q.lora_A.weight"]
    )
    weights(tmp_path / "first/loras/style.safetensors", ["lora_te_text_model.lora_down.weight"])
    torch.save(
        {"unet.conv_in.weight": torch.zeros(1), "pose_net.conv_layers.0.weight": torch.zeros(1)},
        tmp_path / "first/MimicMotion_1.pth",
    )
    (tmp_path / "first/unet").mkdir()
    (tmp_path / "first/MimicMotion_1.pth").rename(tmp_path / "first/unet/MimicMotion_1.pth")
    return folders


def test_single_files_are_listed_beside_folders_where_they_are_of_the_role(files, tmp_path):
    assert found("backbone", files) == {"svd-xt", "people/mine", "svd_xt.safetensors", "video/svd_xt_1_1.safetensors"}
    assert found("lora", files) == {"dance.safetensors"}
    assert found("unet", files) == {"MimicMotion_1.pth"}
    assert "MimicMotion_1.pth" in found("controlnet", files)
    assert locate_model("backbone", "svd_xt.safetensors", files) == tmp_path / "second/checkpoints/svd_xt.safetensors"


def test_a_published_single_file_is_that_model_of_the_manifest(files, tmp_path):
    path = tmp_path / "second/checkpoints/video/svd_xt_1_1.safetensors"
    assert locate_model("backbone", "svd-xt-1.1", files) == path


def test_a_single_file_of_another_kind_is_called_by_its_name(files):
    with pytest.raises(InputError, match=r"sdxl\.safetensors seems to be a checkpoint of the Stable Diffusion family"):
        locate_model("backbone", "sdxl.safetensors", files)


def test_a_part_of_a_folder_is_no_model_of_its_own(files, tmp_path):
    names = ["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.temporal_res_block.conv1.weight"]
    weights(tmp_path / "second/controlnet/pose/diffusion_pytorch_model.safetensors", names)
    weights(tmp_path / "second/controlnet/alone.safetensors", names)
    assert {"pose", "alone.safetensors"} <= found("controlnet", files)
    assert "pose/diffusion_pytorch_model.safetensors" not in found("controlnet", files)


@pytest.mark.parametrize("name", ["../svd-xt", "../checkpoints/sdxl.safetensors", "/etc", "no-such-model", ""])
def test_a_name_that_is_not_listed_is_refused_with_those_that_are(folders, name):
    with pytest.raises(MissingModelError, match="people/mine"):
        locate_model("backbone", name, folders)


def test_a_missing_model_says_how_to_get_it(folders):
    with pytest.raises(MissingModelError, match="motionweave models download zoedepth-kitti"):
        locate_model("depth", "zoedepth-kitti", folders)


@pytest.mark.parametrize("role", ROLES)
def test_every_listed_model_is_there(folders, role):
    for name in available_models(role, folders):
        assert locate_model(role, name, folders).exists()


def test_a_model_of_another_role_is_called_by_its_role(folders):
    for entry in load_manifest().with_role("controlnet"):
        with pytest.raises(InputError, match="controlnet"):
            locate_model("backbone", entry.id, folders)


def test_a_file_whose_suffix_is_in_capitals_is_found(folders, tmp_path):
    path = tmp_path / "first" / "checkpoints" / "SVD_XT.SAFETENSORS"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.zeros(1) for name in SVD_FILE}, path)
    assert locate_model("backbone", "SVD_XT.SAFETENSORS", folders) == path


def test_a_workflow_that_names_a_model_that_is_not_here_is_told_its_size_licence_and_where_to_get_it(folders):
    empty = replace(folders, models=(folders.input / "empty",), extra=())
    told = model_is_here(("controlnet",), "temporal-controlnet-depth-svd", empty)
    assert isinstance(told, str)
    assert "2.73 GB; licence:" in told
    assert "motionweave models download temporal-controlnet-depth-svd" in told
    assert model_is_here(("backbone",), "svd-xt", folders) is True
    assert model_is_here(("backbone",), None, folders) is True
