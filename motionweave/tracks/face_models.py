"""Face detection and recognition through the InsightFace package, which is an optional extra.

Source: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (2021); Deng et al., "ArcFace:
Additive Angular Margin Loss for Deep Face Recognition" (2019). The networks are whatever pack lies in the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, MissingModelError, UnsupportedError
from ..types import check_shape
from ..weights.loading import fingerprint
from .estimators.sessions import GPU_PROVIDERS

DETECTION_PX = (640, 320, 160)
"""Sizes at which a picture is looked at, in order, until there is a face: SCRFD misses one that fills 640 pixels."""
LEAST_SCORE = 0.5
CROP_PX = 112


@dataclass(frozen=True)
class Face:
    """One face in one picture."""

    box: Tensor
    """(4,) pixels: x0, y0, x1, y1."""
    points: Tensor
    """(5, 2) pixels: the picture's left eye, right eye, nose, left and right corner of the mouth."""
    score: float
    """How sure the detector is, in [0, 1]."""
    crop: Tensor
    """(3, 112, 112) in [0, 1]: the face as the recogniser sees it."""
    embedding: Tensor
    """(512,) as the recogniser gives it, of any length."""


@dataclass(frozen=True)
class FaceModels:
    """A detector and a recogniser of one pack."""

    name: str
    """The name of the pack's folder."""
    detector: Any
    """InsightFace's SCRFD."""
    recogniser: Any
    """InsightFace's ArcFaceONNX."""
    digest: str
    """Hash of the files."""

    def find(self, picture: Tensor) -> tuple[Face, ...]:
        """Find every face of a picture, the largest first.

        Args:
            picture: (3, H, W) in [0, 1].

        Returns:
            The faces; none where nothing looks like one.
        """
        bgr = _bgr(picture)
        boxes, points = self._detect(bgr)
        return tuple(self._read(bgr, box, five) for box, five in zip(boxes, points, strict=True))

    def find_points(self, picture: Tensor) -> np.ndarray:
        """Find the five points of every face, the largest first, without asking who it is.

        Args:
            picture: (3, H, W) in [0, 1].

        Returns:
            (N, 5, 2) pixels, as in `Face.points`; N is 0 where nothing looks like a face.
        """
        return self._detect(_bgr(picture))[1]

    def _detect(self, bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give boxes with scores, (N, 5), and points, (N, 5, 2), the largest first."""
        for side in DETECTION_PX:
            boxes, points = self.detector.detect(bgr, input_size=(side, side))
            if len(boxes):
                order = np.argsort(-np.prod(boxes[:, 2:4] - boxes[:, :2], axis=-1))
                return boxes[order], points[order]
        return np.zeros((0, 5)), np.zeros((0, 5, 2))

    def _read(self, bgr: np.ndarray, box: np.ndarray, points: np.ndarray) -> Face:
        from insightface.utils import face_align

        crop = face_align.norm_crop(bgr, points, CROP_PX)
        return Face(
            box=torch.from_numpy(box[:4].astype(np.float32)),
            points=torch.from_numpy(points.astype(np.float32)),
            score=float(box[4]),
            crop=torch.from_numpy(crop[..., ::-1].copy()).permute(2, 0, 1).float() / 255,  # 3 H W
            embedding=torch.from_numpy(self.recogniser.get_feat(crop).flatten()),
        )


def _bgr(picture: Tensor) -> np.ndarray:
    """Give a picture as InsightFace takes it, (H, W, 3) uint8."""
    check_shape("picture", picture, "3 H W")
    rgb = (picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()  # H W 3
    return np.ascontiguousarray(rgb[..., ::-1])


def load_face_models(folder: Path) -> FaceModels:
    """Load an InsightFace pack, such as buffalo_l, antelopev2 or the bundled one.

    Args:
        folder: Holds the pack's ONNX files, or one folder that does: the official antelopev2 zip is packed that way.

    Raises:
        UnsupportedError: If the InsightFace package is not installed.
        MissingModelError: If the folder lacks a detector with five points, or a recogniser.
    """
    try:
        from insightface.app import FaceAnalysis
    except ImportError as error:
        raise UnsupportedError("recognising faces", "run: pip install 'motionweave[face]' (or insightface)") from error
    folder = unnested(folder)
    try:
        found = FaceAnalysis(
            name=str(folder.resolve()), allowed_modules=["detection", "recognition"], providers=_providers()
        )
    except AssertionError as error:  # how InsightFace says that there is no detector
        raise _incomplete(folder) from error
    found.prepare(ctx_id=0, det_thresh=LEAST_SCORE, det_size=(DETECTION_PX[0], DETECTION_PX[0]))
    detector: Any = found.det_model
    recogniser = found.models.get("recognition")
    if recogniser is None or not detector.use_kps:
        raise _incomplete(folder)
    return FaceModels(folder.name, detector, recogniser, fingerprint(folder))


def unnested(folder: Path) -> Path:
    """Give the folder that holds a pack's files, where a zip packed it into one more folder."""
    if any(folder.glob("*.onnx")):
        return folder
    inner = sorted({path.parent for path in folder.glob("*/*.onnx")})
    if len(inner) > 1:
        names = ", ".join(each.name for each in inner)
        raise InputError(f"{folder} holds several face packs ({names}); choose one of them")
    return inner[0] if inner else folder


def _incomplete(folder: Path) -> MissingModelError:
    return MissingModelError(
        folder.name,
        (folder,),
        "Expected a detector with five points (such as det_10g.onnx or scrfd_10g_bnkps.onnx) and a recogniser (such as "
        "w600k_r50.onnx or glintr100.onnx) in one folder; unpack the whole zip of buffalo_l or antelopev2 there.",
    )


def _providers() -> list[str]:
    """Give a GPU where ONNX Runtime has one; a few reference pictures are quick without, so nobody is warned."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    return [*[name for name in GPU_PROVIDERS if name in available][:1], "CPUExecutionProvider"]
