"""The pose tools as nodes, run headless on small inputs."""

import json
from pathlib import Path

import pytest
import torch

from motionweave.errors import MotionWeaveError
from motionweave.host.run import RunOptions, run_workflow
from motionweave.media import write_image
from motionweave.runtime import Folders

STANDING = [
    (50, 14), (50, 26), (40, 26), (36, 40), (34, 54), (60, 26), (64, 40), (66, 54), (44, 56), (43, 74), (42, 92),
    (56, 56), (57, 74), (58, 92), (47, 12), (53, 12), (44, 14), (56, 14),
]  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    found = Folders(*(tmp_path / name for name in ("input", "output", "temp")))
    found.input.mkdir()
    return found


def poses(shifts: list[float], legs: float = 1.0) -> list[dict]:
    """Give one frame for each shift, with somebody far to the right beside."""
    frames = []
    for shift in shifts:
        body = [(x + shift, 56 + (y - 56) * legs if y > 56 else y, 1.0) for x, y in STANDING]
        other = [(x / 2 + 150, y / 2, 1.0) for x, y in STANDING]
        people = [{"pose_keypoints_2d": [value for point in points for value in point]} for points in (other, body)]
        frames.append({"people": people, "canvas_width": 200, "canvas_height": 100})
    return frames


def run(folders: Folders, nodes: dict) -> list[Path]:
    path = folders.input / "workflow.json"
    path.write_text(json.dumps(nodes))
    return [Path(output.path) for output in run_workflow(path, RunOptions(folders)).outputs]


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


def load(file: str) -> dict:
    return node("MotionWeaveLoadPoseFile", file=file, fps=24.0, canvas_width=0, canvas_height=0)


def shown(source: str) -> dict:
    return {
        "draw": node("MotionWeaveDrawPose", pose=[source, 0], width=64, height=32, first=0, count=5),
        "save": node("SaveImage", images=["draw", 0], filename_prefix="pose"),
    }


def test_a_file_of_two_people_is_chosen_from_steadied_and_fitted(folders, caplog):
    (folders.input / "drive.json").write_text(json.dumps(poses([0, 1, 2, 3, 4], legs=1.2)))
    (folders.input / "reference.json").write_text(json.dumps(poses([5])))
    nodes = {
        "drive": load("drive.json"),
        "reference": load("reference.json"),
        "choose": node("MotionWeaveChoosePerson", pose=["drive", 0], choice="track", index=0),
        "one": node("MotionWeaveChoosePerson", pose=["reference", 0], choice="largest", index=0),
        "smooth": node(
            "MotionWeaveSmoothPose", pose=["choose", 0], cutoff_hz=1.5, speed_weight=8.0, fill_frames=8,
            trusted_above=0.3,
        ),
        "fit": node("MotionWeaveRetargetPose", pose=["smooth", 0], reference=["one", 0], method="bones"),
        "tell": node("PreviewAny", source=["fit", 1]),
        **shown("fit"),
    }  # fmt: skip
    assert len(run(folders, nodes)) == 5
    previews = list(folders.temp.rglob("preview*.png"))
    assert len(previews) == 6


def test_pictures_that_are_no_pose_maps_go_through_with_a_warning(folders, caplog):
    write_image(folders.input / "film.png", torch.full((1, 3, 48, 48), 0.5))
    nodes = {
        "image": node("LoadImage", image="film.png"),
        "pose": node("MotionWeavePoseFromMaps", images=["image", 0], fps=24.0),
        **shown("pose"),
    }
    assert len(run(folders, nodes)) == 1
    assert "do not look like pose maps" in caplog.text


def test_drawn_maps_have_no_keypoints_to_choose_from(folders):
    write_image(folders.input / "maps.png", torch.zeros(1, 3, 48, 48))
    nodes = {
        "image": node("LoadImage", image="maps.png"),
        "pose": node("MotionWeavePoseFromMaps", images=["image", 0], fps=24.0),
        "choose": node("MotionWeaveChoosePerson", pose=["pose", 0], choice="track", index=0),
        **shown("choose"),
    }
    with pytest.raises(MotionWeaveError, match="hold no keypoints"):
        run(folders, nodes)


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "", "C:\\poses.json"])
def test_a_pose_file_cannot_lie_outside_of_the_input_folder(folders, name):
    (folders.input.parent / "secret.json").write_text(json.dumps(poses([0])))
    with pytest.raises(MotionWeaveError, match="the path"):
        run(folders, {"pose": load(name), **shown("pose")})


def test_a_missing_pose_file_is_named(folders):
    with pytest.raises(MotionWeaveError, match=r"gone\.json: is not there"):
        run(folders, {"pose": load("gone.json"), **shown("pose")})
