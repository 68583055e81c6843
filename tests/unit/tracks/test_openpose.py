"""OpenPose out of controlnet-aux: its own networks, opened as plain weights, and what they find in pixels."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from motionweave.errors import MissingModelError, UnsupportedError
from motionweave.tracks.estimators.openpose import FILES, OpenPose, load_openpose


@dataclass
class Found:
    x: float
    y: float
    score: float = 1.0


@dataclass
class Body:
    keypoints: list[Found | None]


class FixedSearch:
    """Finds the same body in every picture of 512 x 1024, as controlnet-aux's search would tell it."""

    def __init__(self) -> None:
        self.body_estimation = FixedBodies()

    def to(self, device: Any) -> None:
        pass

    def detect_hands(self, *_: Any) -> tuple[Any, Any]:
        return None, [Found(0.5, 0.25), *[Found(-1 / 1024, -1 / 512)] * 20]


class FixedBodies:
    seen: Any = None

    def __call__(self, picture: np.ndarray) -> tuple[None, None]:
        self.seen = picture
        return None, None

    def format_body_result(self, *_: Any) -> list[Body]:
        points: list[Found | None] = [None] * 18
        points[2], points[4] = Found(100, 50, 0.9), Found(512, 256, 0.1)
        return [Body(points)]


def test_what_was_found_lies_in_pixels_of_the_frame_and_counts_as_seen():
    pytest.importorskip("controlnet_aux.open_pose.util")
    search = FixedSearch()
    frames = torch.zeros(2, 3, 256, 512, dtype=torch.uint8)
    frames[:, 0] = 200
    found = list(OpenPose(search, "", torch.device("cpu")).people([frames]))
    assert search.body_estimation.seen.shape == (512, 1024, 3)
    assert search.body_estimation.seen[0, 0].tolist() == [0, 0, 200]
    assert [len(people) for people in found] == [1, 1]
    person = found[0][0]
    assert np.allclose(person.body[2], [50, 25, 0.93])
    assert np.allclose(person.body[4], [256, 128, 0.37])
    assert np.count_nonzero(person.body[:, 2]) == 2
    assert (person.face.shape, person.hand_left.shape) == ((0, 3), (0, 3))
    assert person.hand_right[0].tolist() == [256, 64, 1]
    assert not person.hand_right[1:].any()


def test_missing_files_are_named(tmp_path):
    (tmp_path / FILES["hand"]).write_bytes(b"")
    with pytest.raises(MissingModelError, match=r"lacks body_pose_model\.pth, facenet\.pth of OpenPose"):
        load_openpose(tmp_path)


def test_without_controlnet_aux_the_line_says_what_to_install(tmp_path, monkeypatch):
    for name in FILES.values():
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, "controlnet_aux.open_pose", None)
    monkeypatch.setitem(sys.modules, "controlnet_aux", None)
    with pytest.raises(UnsupportedError, match="pip install controlnet-aux"):
        load_openpose(tmp_path)


class Attack:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was run",))


@pytest.mark.slow
def test_only_weights_are_opened_and_the_networks_are_controlnet_auxs_own(tmp_path):
    package = pytest.importorskip("controlnet_aux.open_pose")
    from controlnet_aux.open_pose.face import FaceNet
    from controlnet_aux.open_pose.model import bodypose_model, handpose_model

    for name in FILES.values():
        torch.save({"weights": Attack()}, tmp_path / name)
    with pytest.raises(MissingModelError, match="something else than weights"):
        load_openpose(tmp_path)
    torch.manual_seed(0)
    for net, name in ((bodypose_model(), "body"), (handpose_model(), "hand"), (FaceNet(), "face")):
        short = (lambda key: key) if name == "face" else (lambda key: key.split(".", 1)[1])
        torch.save({short(key): value for key, value in net.state_dict().items()}, tmp_path / FILES[name])
    ours = load_openpose(tmp_path)
    theirs = package.OpenposeDetector.from_pretrained(str(tmp_path))
    picture = torch.rand(1, 3, 64, 64)
    for part in ("body_estimation", "hand_estimation", "face_estimation"):
        mine, published = (getattr(each, part).model(picture) for each in (ours.detector, theirs))
        assert torch.equal(mine[-1], published[-1])
    assert list(ours.people([torch.zeros(1, 3, 64, 64, dtype=torch.uint8)])) == [()]
    (tmp_path / FILES["body"]).write_bytes((tmp_path / FILES["face"]).read_bytes())
    with pytest.raises(MissingModelError, match="of another network"):
        load_openpose(tmp_path)
