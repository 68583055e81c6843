"""Pictures of speech: what is heard, and a face that says it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Audio, Size
from .face_motion import TalkingPose
from .keypoints import VISIBLE_ABOVE, Person
from .pose_drawing import draw_pose
from .preview import LINES, MARGIN, PAPER, contact_sheet, draw_curves, spread
from .prosody import read_prosody
from .speech import SpeechTrack
from .speech_motion import mouth_opening_of

COLUMNS, ROWS = 704, 144
"""Width and height in pixels of the picture of features."""
FACE_PX, FACES = 256, 8
ROOM = 1.6
"""Side of the picture of a face, over the face's."""


def speech_sheet(audio: Audio, track: SpeechTrack) -> Tensor:
    """Plot a voice with the mouth that it opens, above what the model's last layer makes of it.

    Args:
        audio: The sound.
        track: Its features.

    Returns:
        (1, 3, H, W) in [0, 1]. Below, a row is one of the model's numbers: orange where it is above its mean over the
        clip, blue where it is below.
    """
    prosody = read_prosody(audio)
    loudness = prosody.loudness / max(float(prosody.loudness.max()), 1e-9)
    curves = {"loudness": _thinned(loudness), "mouth opening": _thinned(mouth_opening_of(prosody))}
    layers, width = track.states.shape[1:]
    title = f"{len(track)} frames at {float(track.fps):g} fps, {layers} layers of {width} features, the last below"
    plot = draw_curves(curves, float(audio.duration_s), title)
    return torch.cat([plot, _feature_picture(track, plot.shape[-1])], 2)


def _thinned(values: np.ndarray) -> np.ndarray:
    """Keep at most one value a column, the largest of those that fall into it."""
    return np.array([part.max() for part in np.array_split(values, min(COLUMNS, len(values)))])


def _feature_picture(track: SpeechTrack, width: int) -> Tensor:
    """Draw the last layer's features over time, (1, 3, H, width) in [0, 1]."""
    chosen = spread(len(track), COLUMNS)
    values = torch.cat([track.window(index, index + 1).features[:, -1] for index in chosen]).T  # D columns
    steady = (values - values.mean(1, keepdim=True)) / values.std(1, correction=0, keepdim=True).clamp(min=1e-6)
    strength = F.interpolate((steady / 2).clamp(-1, 1)[None, None], (ROWS, COLUMNS), mode="nearest-exact")[0]
    paper, blue, orange = (torch.tensor(colour)[:, None, None] / 255 for colour in (PAPER, LINES[0], LINES[1]))
    picture = torch.lerp(paper, torch.where(strength > 0, orange, blue), strength.abs())
    canvas = paper.expand(3, ROWS + 12, width).clone()
    canvas[:, :ROWS, MARGIN : MARGIN + COLUMNS] = picture
    return canvas[None]


def face_motion_sheet(talking: TalkingPose) -> Tensor:
    """Plot mouth and head over time, above some frames of the face that speaks.

    Args:
        talking: A pose track that speaks.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    motion, track = talking.motion, talking.track
    curves = {
        "mouth opening": motion.opening,
        "nod (1 is 10 degrees)": np.rad2deg(motion.pitch) / 10,
        "turn": np.rad2deg(motion.yaw) / 10,
    }
    thinned = {name: values[spread(len(values), COLUMNS)] for name, values in curves.items()}
    plot = draw_curves(thinned, float(len(track) / track.fps), "what the voice moves, before the amounts")
    shown = [person for person in talking.speaker if person is not None and (person.face[:, 2] > VISIBLE_ABOVE).any()]
    if not shown:
        return plot
    faces = torch.stack([_close_up(shown[index]) for index in spread(len(shown), FACES)])
    return torch.cat([plot, contact_sheet(faces, columns=4, width=plot.shape[-1])], 2)


def _close_up(person: Person) -> Tensor:
    """Draw a person's face large, (3, H, W) uint8."""
    seen = person.face[person.face[:, 2] > VISIBLE_ABOVE, :2]
    low, high = seen.min(0), seen.max(0)
    side = max(ROOM * float((high - low).max()), 1.0)
    # Keypoints in a canvas as large as the picture: its size in pixels may be less than one.
    scale, corner = FACE_PX / side, (low + high) / 2 - side / 2

    def moved(points: np.ndarray) -> np.ndarray:
        return np.concatenate([(points[:, :2] - corner) * scale, points[:, 2:]], 1)

    near = Person(*(moved(part) for part in (person.body, person.face, person.hand_left, person.hand_right)))
    size = Size(FACE_PX, FACE_PX)
    return draw_pose([near], size, size)
