"""OpenPose as controlnet-aux carries it: three networks whose part maps are searched for people, hands and faces.

Slower than DWPose and weaker on hands, but a second opinion, and what many published pose maps were made with. Both
code and weights are licensed by Carnegie Mellon University for non-commercial use only. Realtime Multi-Person 2D Pose
Estimation using Part Affinity Fields (Cao et al., 2017).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import MissingModelError, UnsupportedError
from ...weights.loading import fingerprint
from ..keypoints import BODY_COUNT, HAND_COUNT, VISIBLE_ABOVE, Person

SHORT_SIDE = 512
"""Pictures are brought to this size, as controlnet-aux does; its search radius is meant for it."""
FACE_COUNT = 70
FACE_ABOVE = 0.05
"""From which value on a face map shows its point (controlnet-aux, `face.py`)."""
FILES = {"body": "body_pose_model.pth", "hand": "hand_pose_model.pth", "face": "facenet.pth"}


@dataclass(frozen=True)
class OpenPose:
    """The three networks, inside controlnet-aux's search."""

    detector: Any
    """controlnet-aux's `OpenposeDetector`."""
    digest: str
    """Hash of the files."""
    device: torch.device
    """Where the networks run."""
    batch_size: int = 1
    """Frames are searched one at a time."""

    def people(self, batches: Iterable[Tensor]) -> Iterator[tuple[Person, ...]]:
        """Find everybody, frame by frame.

        Args:
            batches: Consecutive frames, each batch (F, 3, H, W) uint8 RGB.

        Returns:
            For each frame its people in pixels. What OpenPose finds at all counts as seen.
        """
        self.detector.to(self.device)
        try:
            for batch in batches:
                for frame in batch:
                    yield self._search(frame)
        finally:
            self.detector.to("cpu")

    def _search(self, frame: Tensor) -> tuple[Person, ...]:
        height, width = frame.shape[-2:]
        scale = SHORT_SIDE / min(height, width)
        size = round(height * scale), round(width * scale)
        resized = F.interpolate(frame[None].float(), size, mode="bilinear", antialias=True, align_corners=False)
        rgb = resized[0].round().clamp(0, 255).to(torch.uint8).movedim(0, -1)  # H W 3
        picture = np.ascontiguousarray(rgb.numpy()[:, :, ::-1])  # The networks know BGR.
        with torch.no_grad():
            bodies = self.detector.body_estimation.format_body_result(*self.detector.body_estimation(picture))
            found = [(body, *self.detector.detect_hands(body, picture), self._face(body, picture)) for body in bodies]
        back = np.array([width / size[1], height / size[0], 1], np.float32)
        return tuple(
            Person(
                body=_body(body.keypoints) * back,
                face=face * back,
                hand_left=_hand(left, size) * back,
                hand_right=_hand(right, size) * back,
            )
            for body, left, right, face in found
        )

    def _face(self, body: Any, picture: np.ndarray) -> np.ndarray:
        """Give (70, 3), or (0, 3) if the head is too small; the published search mixes up points where some lack."""
        box = _auxiliary("util")["util"].faceDetect(body, picture)
        if box is None:
            return np.zeros((0, 3), np.float32)
        left, top, side = box
        crop = picture[top : top + side, left : left + side]
        maps = self.detector.face_estimation(crop)[:FACE_COUNT]
        strongest = maps.reshape(FACE_COUNT, -1).argmax(1)
        y, x = np.unravel_index(strongest, maps.shape[1:])
        value = maps[np.arange(FACE_COUNT), y, x]
        points = np.stack([x + left, y + top, _confidence(value)], 1)
        return np.where((value > FACE_ABOVE)[:, None], points, 0).astype(np.float32)


def _confidence(value: Any) -> np.ndarray:
    """Bring a map's value above the threshold from which a point counts as seen."""
    return VISIBLE_ABOVE + (1 - VISIBLE_ABOVE) * np.clip(value, 1e-3, 1)


def _body(keypoints: list[Any]) -> np.ndarray:
    points = np.zeros((BODY_COUNT, 3), np.float32)
    for row, keypoint in zip(points, keypoints, strict=True):
        if keypoint is not None:
            row[:] = keypoint.x, keypoint.y, _confidence(keypoint.score)
    return points


def _hand(keypoints: list[Any] | None, size: tuple[int, int]) -> np.ndarray:
    """Give (21, 3) from shares of the picture; what was not found is below 0 there."""
    if keypoints is None:
        return np.zeros((0, 3), np.float32)
    points = np.zeros((HAND_COUNT, 3), np.float32)
    for row, keypoint in zip(points, keypoints, strict=True):
        if keypoint.x >= 0 and keypoint.y >= 0:
            row[:] = keypoint.x * size[1], keypoint.y * size[0], 1
    return points


def load_openpose(folder: Path, detect_every: int = 1) -> OpenPose:
    """Load OpenPose's three networks.

    Args:
        folder: Holds ``body_pose_model.pth``, ``hand_pose_model.pth`` and ``facenet.pth``.
        detect_every: Takes no effect: every frame is searched as a whole.

    Raises:
        UnsupportedError: If controlnet-aux is not installed.
        MissingModelError: If a file is not there, or is no weights of that network.
    """
    del detect_every
    missing = [name for name in FILES.values() if not (folder / name).is_file()]
    if missing:
        raise MissingModelError(folder.name, (folder,), f"It lacks {', '.join(missing)} of OpenPose.")
    auxiliary = _auxiliary("", "body", "hand", "face", "model", "util")
    strip = auxiliary["util"].transfer
    networks = {
        "body": (auxiliary["body"].Body, auxiliary["model"].bodypose_model()),
        "hand": (auxiliary["hand"].Hand, auxiliary["model"].handpose_model()),
        "face": (auxiliary["face"].Face, auxiliary["face"].FaceNet()),
    }
    parts: list[Any] = []
    for name, (kind, net) in networks.items():
        path = folder / FILES[name]
        weights = _weights(path)
        try:
            net.load_state_dict(weights if name == "face" else strip(net, weights))
        except (KeyError, RuntimeError) as error:
            raise MissingModelError(folder.name, (folder,), f"{path.name} is of another network: {error}") from error
        # The constructor would open the file with whatever torch allows by default.
        part = kind.__new__(kind)
        part.model = net.eval().requires_grad_(False)
        parts.append(part)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return OpenPose(auxiliary[""].OpenposeDetector(*parts), fingerprint(folder), device)


def _auxiliary(*names: str) -> dict[str, Any]:
    """Import modules of controlnet-aux's OpenPose by name, as it may not be there."""
    try:
        with warnings.catch_warnings():
            # The import registers every network that controlnet-aux carries, with a warning for some.
            warnings.simplefilter("ignore")
            return {name: import_module(f"controlnet_aux.open_pose.{name}".rstrip(".")) for name in names}
    except ImportError as error:
        raise UnsupportedError(
            "OpenPose", f"It needs controlnet-aux ({error}); run: pip install controlnet-aux timm, or use DWPose."
        ) from error


def _weights(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise MissingModelError(
            path.parent.name, (path.parent,), f"{path.name} holds something else than weights ({error}); get it again."
        ) from error
