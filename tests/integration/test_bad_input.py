"""Whatever is wrong gets one clear line, and what was made before stays."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.cli import describe_error, is_bad_input
from motionweave.errors import InputError, MotionWeaveError
from motionweave.host.run import RunOptions, run_workflow
from motionweave.media import VideoWriter, write_image
from motionweave.runtime import Folders
from motionweave.tracks.pose_keypoint import read_pose_keypoint
from motionweave.types import Size

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "workflows" / "quickstart.json"

pytestmark = pytest.mark.skipif(
    not (ROOT / "mini" / "svd" / "motionweave.json").is_file(), reason="the bundled Mini is not in this checkout"
)


@pytest.fixture
def folders(tmp_path) -> Folders:
    made = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    made.input.mkdir()
    return made


def refused(folders: Folders, *overrides: str, workflow: Path = QUICKSTART) -> str:
    """Run, and give the one line that a person sees."""
    with pytest.raises(MotionWeaveError) as caught:
        run_workflow(workflow, RunOptions(folders, ("Inputs.seconds=0.25", "Weave.steps=1", *overrides)))
    line = describe_error(caught.value)
    assert "\n" not in line
    assert is_bad_input(caught.value, folders.input)
    assert not list(folders.output.glob("*.mp4"))
    return line


def changed(tmp_path: Path, change) -> Path:
    """Write the quickstart with something broken."""
    workflow = json.loads(QUICKSTART.read_text())
    nodes = {node["id"]: node for node in workflow["nodes"]}
    change(workflow, nodes)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(workflow))
    return path


def test_a_missing_file_is_named(folders):
    assert "gone.mp4" in refused(folders, "Inputs.driving_video=gone.mp4")


def test_a_path_cannot_leave_the_input_folder(folders, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        assert "secret.png" in refused(folders, f"Inputs.reference={name}")


def test_a_run_name_cannot_leave_the_output_folder(folders):
    for name in ("../escaped", "/tmp/escaped", "a/../../b"):
        assert "run name" in refused(folders, f"Weave.run_name={name}")


def test_an_image_given_as_a_video_is_called_one(folders):
    write_image(folders.input / "still.mp4.png", torch.rand(1, 3, 32, 32))
    (folders.input / "still.mp4.png").rename(folders.input / "still.mp4")
    assert "image" in refused(folders, "Inputs.driving_video=still.mp4")


def test_a_file_without_frames_is_refused(folders):
    (folders.input / "empty.mp4").write_bytes(b"")
    assert "empty.mp4" in refused(folders, "Inputs.driving_video=empty.mp4")


def test_a_video_that_stops_half_way_keeps_the_chunks_before(folders):
    whole = folders.input / "whole.mkv"
    with VideoWriter(whole, fps=Fraction(24), size=Size(64, 64), codec="ffv1") as writer:
        writer.write(torch.rand(24, 3, 64, 64))
    data = whole.read_bytes()
    (folders.input / "cut.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(MotionWeaveError) as caught:
        options = RunOptions(folders, ("Inputs.driving_video=cut.mkv", "Weave.steps=1", "Plan Chunks.frames=24"))
        run_workflow(QUICKSTART, options)
    assert "frames" in describe_error(caught.value)


def test_a_size_the_backbone_cannot_make_names_one_that_it_can(folders):
    line = refused(folders, "Encode Identity.width=136")
    assert "136x128" in line
    assert "128x128" in line


def test_nobody_in_a_pose_json_is_said():
    empty = [{"people": [], "canvas_width": 64, "canvas_height": 64}]
    with pytest.raises(InputError, match="nobody is seen"):
        read_pose_keypoint(empty, Fraction(24))


def test_a_longer_plan_than_the_poses_is_refused_before_anything_is_made(folders):
    assert "covers only 6 frames" in refused(folders, "Plan Chunks.frames=60")


def test_values_of_the_wrong_kind_or_range_are_refused(folders):
    assert "steps" in refused(folders, "Weave.steps=many")
    assert "strength" in refused(folders, "Apply Pose.strength=99")
    assert "model" in refused(folders, "Load Backbone.model=no-such-model")


def test_an_unknown_node_is_named(folders, tmp_path):
    path = changed(tmp_path, lambda _, nodes: nodes[9].update(type="SomebodyElsesNode"))
    line = refused(folders, workflow=path)
    assert "SomebodyElsesNode" in line
    assert "server" in line


def test_a_missing_link_is_named(folders, tmp_path):
    def cut(workflow, nodes):
        nodes[8]["inputs"][1]["link"] = None
        workflow["links"] = [link for link in workflow["links"] if (link[3], link[4]) != (8, 1)]

    assert "identity" in refused(folders, workflow=changed(tmp_path, cut))


def test_a_wrongly_typed_link_is_named(folders, tmp_path):
    def swap(workflow, nodes):
        for link in workflow["links"]:
            if (link[3], link[4]) == (8, 1):
                link[1], link[2] = 2, 0

    assert "MOTIONWEAVE_IDENTITY" in refused(folders, workflow=changed(tmp_path, swap))


def test_a_cycle_is_named(folders, tmp_path):
    prompt = {
        "1": {"class_type": "ImageScaleBy", "inputs": {"image": ["2", 0], "upscale_method": "area", "scale_by": 1.0}},
        "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "area", "scale_by": 1.0}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    path = tmp_path / "cycle.json"
    path.write_text(json.dumps(prompt))
    with pytest.raises(InputError, match=r"cycle|loop|circle"):
        run_workflow(path, RunOptions(folders))


def test_an_unwritable_output_folder_is_said_at_once(folders, tmp_path):
    (tmp_path / "output").write_text("a file where a folder is needed")
    with pytest.raises(InputError, match="cannot be written"):
        run_workflow(QUICKSTART, RunOptions(folders))
