"""Published control files in ComfyUI's folders, listed and loaded by the nodes."""

import pytest
import torch

from motionweave.errors import InputError
from motionweave.host import load_pack
from motionweave.host.context import running_on
from motionweave.models.controlnext import ControlNeXt
from motionweave.models.face_fusion import ENCODER, FaceAdapter
from motionweave.models.pose_net import PoseNet
from motionweave.runtime import Folders, LocalRuntime

LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("comfy")
    models = root / "models" / "controlnet"
    animator = models / "StableAnimator"
    animator.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(ControlNeXt(32, (8, 16, 32), (16, 24)).state_dict(), models / "controlnext.bin")
    torch.save(PoseNet(32, (3, 8, 8, 8, 8)).state_dict(), animator / "pose_net.pth")
    face = FaceAdapter({LAYER: 32}, 64, 16, 64, 2, 1, 1).state_dict()
    torch.save({n.removeprefix(f"{ENCODER}."): t for n, t in face.items() if n.startswith(ENCODER)},
               animator / "face_encoder.pth")  # fmt: skip
    torch.save({name: tensor for name, tensor in face.items() if "processor" in name}, animator / "unet.pth")
    return Folders(*(root / name for name in ("input", "output", "temp")), models=(root / "models",))


@pytest.fixture
def nodes(folders):
    with running_on(LocalRuntime(folders)):
        yield load_pack()


def choices(node):
    return next(each for each in node.GET_SCHEMA().inputs if each.id == "model").options


def test_single_files_are_listed_beside_folders_and_only_where_they_fit(nodes):
    listed = choices(nodes["MotionWeaveLoadControlNet"])
    assert "mini-controlnet-pose" in listed
    assert [name for name in listed if not name.startswith("mini-")] == [
        "controlnext.bin",
        "StableAnimator/pose_net.pth",
    ]
    faces = [name for name in choices(nodes["MotionWeaveLoadFaceAdapter"]) if not name.startswith("mini-")]
    assert faces == ["StableAnimator"]


def test_a_chosen_file_loads_with_what_it_wants_to_see(nodes):
    load = nodes["MotionWeaveLoadControlNet"].execute
    found = load("StableAnimator/pose_net.pth").result[0]
    assert isinstance(found.net, PoseNet)
    assert (found.pictures, found.style) == ("[-1,1]", "confidence")
    chosen = load("controlnext.bin", "[-1,1]", "openpose").result[0]
    assert (chosen.pictures, chosen.style, chosen.unconditional) == ("[-1,1]", "openpose", False)


def test_a_face_adapter_is_put_together_from_its_folder(nodes):
    found = nodes["MotionWeaveLoadFaceAdapter"].execute("StableAnimator").result[0]
    assert isinstance(found.net, FaceAdapter)
    assert found.net.layers == (LAYER,)


def test_a_file_of_another_kind_says_which_node_takes_it(nodes):
    with pytest.raises(InputError, match=r"StableAnimator's face encoder.*Load Face Adapter"):
        nodes["MotionWeaveLoadControlNet"].execute("StableAnimator/face_encoder.pth")
