"""One clock: whatever the rates, the plan and its context, a window is told what the whole track says of its frames."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.backbones.base import Conditioning, Identity
from motionweave.controls.adapters import LoadedAdapter, copy_reference_net
from motionweave.controls.camera import CameraControl
from motionweave.controls.depth import DepthControl
from motionweave.controls.face import FaceControl
from motionweave.controls.light import LightControl
from motionweave.controls.pose import PoseControl
from motionweave.controls.reference import ReferenceControl
from motionweave.controls.speech import SpeechControl
from motionweave.longform.borders import settle_borders
from motionweave.longform.plan import CONTEXTS, ChunkPlan
from motionweave.longform.together import joint_parts
from motionweave.models.camera_encoder import CameraEncoder
from motionweave.models.face_fusion import FaceAdapter
from motionweave.models.layer_tokens import spatial_cross_attention
from motionweave.models.light_encoder import LightEncoder
from motionweave.models.speech_projector import SpeechProjector
from motionweave.tracks.camera import CameraPath
from motionweave.tracks.depth import DepthMaps
from motionweave.tracks.face import FaceIdentity
from motionweave.tracks.keypoints import BODY_COUNT, Person
from motionweave.tracks.light import LightTrack
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames
from motionweave.tracks.speech import SpeechTrack
from motionweave.tracks.speech_model import FeatureClock
from motionweave.tracks.timeline import constant, parse_curve
from motionweave.types import Size, Window

SIZE = Size(32, 32)
SECONDS = 2
RATES = st.sampled_from([Fraction(6), Fraction(8), Fraction(12), Fraction(25, 2), Fraction(24000, 1001), Fraction(15)])
CURVE = parse_curve("0: 0.2, 1: 1, 2: 0.6")


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def nets(tiny_backbone):
    layers = spatial_cross_attention(tiny_backbone.unet)
    adapters = {
        "speech": SpeechProjector(layers, 5, 2, 8, 16, 32, 4),
        "light": LightEncoder(layers, 16, 32, 4, 128),
        "camera": CameraEncoder((32, 64), 1, 16),
        "face": FaceAdapter.from_unet(tiny_backbone.unet, 16, token_count=4, depth=1, heads=2),
    }
    return {name: LoadedAdapter(net.eval(), name) for name, net in adapters.items()} | {
        "reference": copy_reference_net(tiny_backbone)
    }


def people(fps):
    count = int(SECONDS * fps) + 1
    frames = []
    for index in range(count):
        points = draw(BODY_COUNT + 68 + 42, 3, seed=index).numpy() * 6 + 16
        points[:, 2] = 1
        body, face, left, right = points[:18], points[18:86], points[86:107], points[107:]
        frames.append((Person(body, face, left, right),))
    return KeypointTrack(tuple(frames), SIZE, fps)


def controls_at(rate, nets, tiny_controlnet):
    """One control of each kind, whose tracks have a rate of their own."""
    count = int(SECONDS * rate) + 1
    maps = PoseMapFrames(draw(count, 3, 16, 16, seed=1).sigmoid(), rate)
    path = CameraPath((("pan", parse_curve("0: 0, 2: 20")), ("zoom", constant(1.2))), rate, 0, count)
    heard = SpeechTrack(draw(120, 2, 8), FeatureClock(16_000, 320, 400), rate, 0, count)
    return (
        PoseControl(tiny_controlnet, people(rate), CURVE),
        PoseControl(tiny_controlnet, maps),
        DepthControl(tiny_controlnet, DepthMaps(maps), CURVE),
        ReferenceControl(nets["reference"], CURVE),
        FaceControl(nets["face"], 1.0, face=FaceIdentity(draw(16), (), 1.0, "tiny", "tiny", "face")),
        SpeechControl(nets["speech"], heard, CURVE, pose=people(rate)),
        LightControl(nets["light"], LightTrack(draw(count, 9, 3), rate), CURVE),
        CameraControl(nets["camera"], path, CURVE),
    )


@st.composite
def plans(draw_from, frame_count, fps):
    chunk = draw_from(st.integers(1, 10))
    overlap = draw_from(st.integers(0, chunk))
    context = draw_from(st.sampled_from(CONTEXTS))
    plan = ChunkPlan(frame_count, fps, chunk, overlap, chunk + overlap, context=context)
    if draw_from(st.booleans()):
        plan = settle_borders(plan, draw(frame_count, seed=draw_from(st.integers(0, 9))).abs(), None, 3)
    return plan


def windows_of(plan, step):
    return [part.window for part in joint_parts(plan)(step)] if plan.together else list(plan.windows())


@settings(deadline=None, max_examples=12)
@given(RATES, RATES, st.integers(0, 9), st.data())
def test_a_windows_slice_of_every_control_is_the_whole_tracks(
    tiny_controlnet, nets, track_rate, video_rate, step, data
):
    controls = [control.resample(video_rate) for control in controls_at(track_rate, nets, tiny_controlnet)]
    frame_count = min(control.frame_count for control in controls)
    assert abs(frame_count / video_rate - SECONDS) <= 1 / video_rate + 1 / track_rate
    plan = data.draw(plans(frame_count, video_rate))
    plain = Conditioning(Identity(draw(4, 4, 4), draw(1, 32), SIZE, 0.0, "who"), float(video_rate))
    every = windows_of(plan, step)
    chosen = {*data.draw(st.lists(st.sampled_from(every), max_size=2)), every[0], every[-1]}
    for control in controls:
        whole = control.apply_to(plain, Window(0, 0, frame_count, 0))
        for window in chosen:
            same_frames(control.apply_to(plain, window), whole, window)


def same_frames(told, whole, window):
    """Check that a window is told exactly what the whole video is told of the same frames."""
    (part,), (long,) = told.controls, whole.controls
    frames = slice(window.start, window.stop)
    close = {"rtol": 0, "atol": 1e-6}
    torch.testing.assert_close(part.strength, long.strength[frames], **close)
    assert len(part.signal) == len(long.signal)
    for place, (short, all_of_it) in enumerate(zip(part.signal, long.signal, strict=True)):
        torch.testing.assert_close(short, all_of_it[frames] if place < part.moving else all_of_it, **close)
    if whole.image_latents is not None:
        torch.testing.assert_close(told.image_latents, whole.image_latents[frames], rtol=0, atol=1e-5)


def test_the_clock_test_sees_a_track_that_is_off_by_one_frame(tiny_controlnet, nets):
    fps = Fraction(12)
    plain = Conditioning(Identity(draw(4, 4, 4), draw(1, 32), SIZE, 0.0, "who"), float(fps))
    for control in controls_at(fps, nets, tiny_controlnet):
        whole = control.apply_to(plain, Window(0, 0, 20, 0))
        late = control.apply_to(plain, Window(1, 5, 13, 0))
        if control.moving or control.strength is CURVE:
            with pytest.raises(AssertionError):
                same_frames(late, whole, Window(1, 4, 12, 0))
