"""From joint angles to joints in space, and to the 133 whole-body keypoints.

Keypoint order is COCO-WholeBody's: 17 body, 6 feet, 68 face, 21 left hand, 21 right hand (Jin et al., "Whole-Body Human
Pose Estimation in the Wild", ECCV 2020). Left and right are the marionette's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .character import Character
from .motion import Motion

JOINTS = (
    "pelvis", "neck", "head", "shoulder_right", "elbow_right", "wrist_right", "shoulder_left", "elbow_left",
    "wrist_left", "hip_right", "knee_right", "ankle_right", "toe_right", "hip_left", "knee_left", "ankle_left",
    "toe_left",
)  # fmt: skip


@dataclass(frozen=True)
class Skeleton:
    """Joints in space, one row per frame."""

    joints: dict[str, np.ndarray]
    """(F, 3) metres, by the names in `JOINTS`; `head` is the middle of the head."""
    head_axes: np.ndarray
    """(F, 3, 3): rows are the head's right (the viewer's right), up and forward."""
    head_radius: float
    """Half the head's width, metres."""
    mouth: np.ndarray
    """(F,) in [0, 1]."""

    def on_head(self, points: np.ndarray) -> np.ndarray:
        """Place points given in head units (x right, y up, z forward; 1 is the head's radius).

        Args:
            points: (J, 3) or (F, J, 3).

        Returns:
            (F, J, 3) metres.
        """
        offset = np.einsum("...ji,fik->fjk" if points.ndim == 2 else "fji,fik->fjk", points, self.head_axes)
        return self.joints["head"][:, None] + self.head_radius * offset


def _about_y(angle: np.ndarray) -> np.ndarray:
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    rows = [[np.cos(angle), zero, -np.sin(angle)], [zero, one, zero], [np.sin(angle), zero, np.cos(angle)]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _head_axes(motion: Motion) -> np.ndarray:
    a = motion.angles
    pitch, roll = a["head_pitch"], a["head_roll"]
    zero, one = np.zeros_like(pitch), np.ones_like(pitch)
    about_x = [[one, zero, zero], [zero, np.cos(pitch), np.sin(pitch)], [zero, -np.sin(pitch), np.cos(pitch)]]
    about_z = [[np.cos(roll), np.sin(roll), zero], [-np.sin(roll), np.cos(roll), zero], [zero, zero, one]]
    tilt = np.stack([np.stack(row, -1) for row in about_x], -2)
    lean = np.stack([np.stack(row, -1) for row in about_z], -2)
    return lean @ tilt @ _about_y(a["yaw"] * 0.6 + a["head_yaw"])


def _limb(side: float, raised: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Give the unit direction of a limb that hangs at 0 and points sideways at pi/2."""
    flat = np.cos(forward)
    return np.stack([side * np.sin(raised) * flat, -np.cos(raised) * flat, np.sin(forward)], -1)


def pose_skeleton(character: Character, motion: Motion) -> Skeleton:
    """Put a character into the poses of a motion.

    Args:
        character: Proportions.
        motion: Angles, F frames.

    Returns:
        Joints in world space, feet on y = 0 when it stands straight.
    """
    a, height = motion.angles, character.height
    turn = _about_y(a["yaw"])
    hip_height = character.leg_share * height
    torso = 0.86 * height - 2.0 * character.head_radius * 0.35 - hip_height
    root = np.stack([a["root_x"], hip_height + a["root_y"], a["root_z"]], -1)
    up = np.stack([np.sin(a["lean"]), np.cos(a["lean"]), np.zeros_like(a["lean"])], -1)

    def turned(vector: np.ndarray) -> np.ndarray:
        return np.einsum("fj,fjk->fk", np.broadcast_to(vector, (motion.frame_count, 3)), turn)

    joints = {"pelvis": root, "neck": root + torso * up}
    head_axes = _head_axes(motion)
    joints["head"] = joints["neck"] + 0.4 * character.head_radius * up + 1.35 * character.head_radius * head_axes[:, 1]
    upper_arm, forearm, thigh, shin = 0.17 * height, 0.15 * height, 0.5 * hip_height, 0.44 * hip_height
    for name, side in (("right", -1.0), ("left", 1.0)):
        shoulder = joints["neck"] + turned(np.array([side * character.shoulder_half, 0, 0])) - 0.03 * height * up
        raised = a[f"arm_raise_{name}"] + side * a["lean"]
        elbow = shoulder + upper_arm * turned(_limb(side, raised, a[f"arm_forward_{name}"]))
        wrist = elbow + forearm * turned(_limb(side, raised + a[f"elbow_{name}"], a[f"elbow_forward_{name}"]))
        hip = root + turned(np.array([side * character.hip_half, 0, 0]))
        leg, forward = a[f"leg_raise_{name}"], a[f"leg_forward_{name}"]
        knee = hip + thigh * turned(_limb(side, leg, forward))
        ankle = knee + shin * turned(_limb(side, leg * 0.8, forward - a[f"knee_{name}"]))
        toe = ankle + turned(np.array([side * 0.04, -0.05, 0.13]))
        joints |= {f"shoulder_{name}": shoulder, f"elbow_{name}": elbow, f"wrist_{name}": wrist}
        joints |= {f"hip_{name}": hip, f"knee_{name}": knee, f"ankle_{name}": ankle, f"toe_{name}": toe}
    return Skeleton(joints=joints, head_axes=head_axes, head_radius=character.head_radius, mouth=motion.mouth)


def _on_face(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Lift points of the face plane onto the head's ellipsoid (half-axes 1, 1.3, 1)."""
    z = np.sqrt(np.maximum(1 - x**2 - (y / 1.3) ** 2, 0.05))
    return np.stack([x, y, z], -1)


def face_points(mouth: np.ndarray) -> np.ndarray:
    """Give the 68 face points in head units.

    Args:
        mouth: (F,) opening in [0, 1].

    Returns:
        (F, 68, 3), from the marionette's right (the viewer's left) as the 300-W order has it.
    """
    sweep = np.linspace(-1, 1, 17) * 1.9
    jaw = _on_face(0.92 * np.sin(sweep), -0.05 - 1.1 * np.maximum(np.cos(sweep), -0.25))
    brow = np.linspace(0.62, 0.15, 5)
    arch = 0.46 + 0.08 * np.sin(np.linspace(0, np.pi, 5))
    brows = np.concatenate([_on_face(-brow, arch), _on_face(brow[::-1], arch)])
    bridge = _on_face(np.zeros(4), np.linspace(0.28, -0.12, 4))
    nostrils = _on_face(np.linspace(-0.16, 0.16, 5), np.full(5, -0.2))
    ring = np.deg2rad([180, 120, 60, 0, -60, -120])
    eye = np.stack([0.16 * np.cos(ring), 0.07 * np.sin(ring)], -1)
    eyes = [_on_face(centre + eye[:, 0], 0.25 + eye[:, 1]) for centre in (-0.38, 0.38)]
    fixed = np.concatenate([jaw, brows, bridge, nostrils, *eyes])
    outer, inner = np.deg2rad(180 - 30.0 * np.arange(12)), np.deg2rad(180 - 45.0 * np.arange(8))
    gape = 0.06 + 0.22 * mouth[:, None]
    lips = _on_face(np.broadcast_to(0.3 * np.cos(outer), (len(mouth), 12)), -0.55 + (gape + 0.05) * np.sin(outer))
    gap = _on_face(np.broadcast_to(0.22 * np.cos(inner), (len(mouth), 8)), -0.55 + (gape - 0.04) * np.sin(inner))
    return np.concatenate([np.broadcast_to(fixed, (len(mouth), *fixed.shape)), lips, gap], 1)


def _hand_points(elbow: np.ndarray, wrist: np.ndarray, side: float) -> np.ndarray:
    """Give 21 points of an open hand that continues the forearm, (F, 21, 3)."""
    along = wrist - elbow
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    across = np.stack([along[:, 1], -along[:, 0], np.zeros(len(along))], -1)
    across = side * across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
    points = [wrist]
    for finger, spread in enumerate((-0.9, -0.35, 0.0, 0.3, 0.6)):
        direction = np.cos(spread) * along + np.sin(spread) * across
        length = 0.1 if finger == 0 else 0.17
        points += [wrist + direction * length * part for part in (0.4, 0.65, 0.85, 1.0)]
    return np.stack(points, 1)


def wholebody_keypoints(skeleton: Skeleton) -> np.ndarray:
    """Give the 133 whole-body keypoints in space.

    Args:
        skeleton: Joints, F frames.

    Returns:
        (F, 133, 3) metres.
    """
    j = skeleton.joints
    face_features = np.array([[0, -0.1, 1.05], [0.38, 0.25, 0.88], [-0.38, 0.25, 0.88], [1, 0.1, 0], [-1, 0.1, 0]])
    body = [skeleton.on_head(face_features)]
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        body.append(np.stack([j[f"{joint}_left"], j[f"{joint}_right"]], 1))
    feet = []
    for name in ("left", "right"):
        toe, ankle = j[f"toe_{name}"], j[f"ankle_{name}"]
        feet += [toe, toe + np.array([0.03, 0, -0.02]), ankle + np.array([0, -0.05, -0.03])]
    face = skeleton.on_head(face_points(skeleton.mouth))
    hands = [_hand_points(j[f"elbow_{n}"], j[f"wrist_{n}"], s) for n, s in (("left", 1.0), ("right", -1.0))]
    return np.concatenate([*body, np.stack(feet, 1), face, *hands], 1)
