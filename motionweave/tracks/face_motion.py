"""Speech to face motion: a pose track that speaks, for any model that follows poses; trained weights are an option."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..types import Audio
from .face_points import FACE_68, drawn_face, open_mouths, place_heads, turn_heads
from .keypoints import Person
from .people import link_people
from .pose import KeypointTrack
from .prosody import read_prosody
from .speech_motion import MotionCurves, SpeechMotion, speech_motion
from .stacking import FACE, stack_people, unstack_people

logger = logging.getLogger(__name__)

WIDEST = 0.42
"""Way between the inner lips of a wide open mouth, in eye distances: about 26 mm."""


@dataclass(frozen=True)
class FaceMotionOptions:
    """How much moves."""

    mouth: float = 1.0
    """Multiplies the opening of the mouth; 0 leaves the pose's own mouth."""
    head: float = 1.0
    """Multiplies the motion of the head; 0 leaves it as it is."""
    seed: int = 0
    """Draws how the head drifts."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if self.mouth < 0 or self.head < 0 or self.seed < 0:
            raise InputError(
                f"a mouth amount of {self.mouth}, a head amount of {self.head} and a seed of {self.seed} were given; "
                "expected none below 0"
            )


@dataclass(frozen=True)
class TalkingPose:
    """A pose track that speaks, and what moves it."""

    track: KeypointTrack
    """The poses."""
    speaker: tuple[Person | None, ...]
    """Who speaks, in each frame; None where they are not seen."""
    motion: SpeechMotion
    """Mouth and head over the same frames, before amounts."""


def speech_to_face_motion(
    audio: Audio, pose: KeypointTrack, options: FaceMotionOptions | None = None, told: MotionCurves | None = None
) -> TalkingPose:
    """Let the person of a pose track speak.

    The mouth's own motion in the track is replaced, the head's is kept and added to. Of several people the one who
    fills most of the clip speaks. Somebody without face points gets a usual face, drawn from the body's eyes and nose.

    Args:
        audio: The voice; its first sample is at frame 0.
        pose: Who speaks. A track of one frame is a still pose and is repeated for as long as the sound lasts; any other
            keeps its length, and where the sound is shorter the mouth stays closed.
        options: How much moves.
        told: What a model reads from the same sound (`read_motion`); without it all is read from the prosody.

    Returns:
        The track on the same clock and canvas.

    Raises:
        InputError: If there is nobody, or nobody's face can be told.
    """
    options = options or FaceMotionOptions()
    spoken = -((-audio.waveform.shape[1] * pose.fps) // audio.sample_rate)
    if len(pose) == 1:
        pose = replace(pose, frames=pose.frames * max(1, spoken))
    elif abs(spoken - len(pose)) > 1:
        logger.warning("the sound lasts for %d frames and the pose track for %d; the track decides", spoken, len(pose))
    everybody = link_people(pose.frames)
    if not everybody:
        raise InputError("the pose track shows nobody; expected a person to speak")
    before = everybody[0].people
    motion = speech_motion(read_prosody(audio), pose.fps, len(pose), options.seed, told)
    after = unstack_people(_moved(stack_people(before), motion, options), _with_faces(before))
    frames = zip(pose.frames, before, after, strict=True)
    track = replace(pose, frames=tuple(_exchanged(people, old, new) for people, old, new in frames))
    return TalkingPose(track, tuple(after), motion)


def _moved(points: np.ndarray, motion: SpeechMotion, options: FaceMotionOptions) -> np.ndarray:
    """Move one person's points, (F, 130, 3) in and out; a face that is nowhere known is drawn first."""
    place = place_heads(points)
    if not place.seen.any():
        raise InputError(
            "the person of the pose track shows neither a face nor the body's eyes and nose in any frame, so there is "
            "no mouth to move; use a pose that shows the face, such as Extract Pose of the reference image"
        )
    if not (points[:, FACE, 2] > 0).any():
        points = points.copy()
        points[:, FACE][:, :FACE_68] = drawn_face(points, place)
    if options.mouth > 0:
        points = open_mouths(points, place, WIDEST * options.mouth * motion.opening)
    yaw, pitch, roll = (options.head * angle for angle in (motion.yaw, motion.pitch, motion.roll))
    return turn_heads(points, place, yaw, pitch, roll)


def _with_faces(people: tuple[Person | None, ...]) -> list[Person | None]:
    """Give everybody room for a face where nobody has one."""
    if any(person is not None and len(person.face) for person in people):
        return list(people)
    empty = np.zeros((FACE_68, 3), np.float32)
    return [person and replace(person, face=empty) for person in people]


def _exchanged(people: tuple[Person, ...], old: Person | None, new: Person | None) -> tuple[Person, ...]:
    """Put the speaker in their place among the others."""
    if old is None or new is None:
        return people
    return tuple(new if person is old else person for person in people)
