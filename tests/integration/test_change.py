"""Altering one input makes only those chunks again that see the change."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.controls.adapters import LoadedAdapter
from motionweave.controls.speech import SpeechControl
from motionweave.engine import MotionWeaveEngine
from motionweave.longform.plan import plan_chunks
from motionweave.models.layer_tokens import spatial_cross_attention
from motionweave.models.speech_projector import SpeechProjector
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.keypoints import from_wholebody
from motionweave.tracks.pose import KeypointTrack
from motionweave.tracks.speech import encode_speech
from motionweave.tracks.speech_model import load_speech_model
from motionweave.types import Audio, Size

ROOT = Path(__file__).parents[2]
FPS, SECONDS, CHANGED_S, SIZE = Fraction(12), 4, 2, Size(32, 32)

pytestmark = pytest.mark.skipif(
    not (ROOT / "mini" / "wav2vec2" / "config.json").is_file(), reason="the bundled Mini is not in this checkout"
)


@pytest.fixture(scope="module")
def poses() -> KeypointTrack:
    from motionweave.marionette import clip_times, make_world, render_clip

    count = int(SECONDS * FPS)
    clip = render_clip(make_world(5), clip_times(count, FPS), FPS, Size(64, 64))
    return KeypointTrack(tuple((from_wholebody(each.numpy()),) for each in clip.keypoints), Size(64, 64), FPS)


@pytest.fixture(scope="module")
def model():
    return load_speech_model(ROOT / "mini" / "wav2vec2", torch.float32)


def projector(backbone, model) -> LoadedAdapter:
    torch.manual_seed(0)
    layers = spatial_cross_attention(backbone.unet)
    net = SpeechProjector(layers, 5, model.layer_count, model.width, 16, 32, 4)
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return LoadedAdapter(net.eval().requires_grad_(False), "speech")


def voice(changed_s: float | None = None) -> Audio:
    sound = torch.rand(1, 22050 * SECONDS, generator=torch.Generator().manual_seed(3)) - 0.5
    if changed_s is not None:
        sound[:, round(changed_s * 22050) :] *= 0.2
    return Audio(sound, 22050)


def test_altering_speech_after_a_second_makes_only_chunks_from_there_again(tiny_backbone, model, poses, tmp_path):
    """Though the model hears all of the sound in every feature, so that each of them changes a little."""
    here = LocalRuntime(Folders(Path("input"), tmp_path / "output", Path("temp")))
    with torch.inference_mode():
        identity = tiny_backbone.encode_image(torch.full((1, 3, 32, 32), 0.4), SIZE, 0.0, 0)
        adapter = projector(tiny_backbone, model)
        first, second = (encode_speech(voice(at), model, FPS, here) for at in (None, CHANGED_S))
        plan = plan_chunks(tiny_backbone.facts, len(poses), FPS, 4, 2)

        def weave(speech) -> list[bool]:
            control = SpeechControl(adapter, speech, pose=poses)
            options = DenoiseOptions(1, Guidance(1.0))
            request = Request(tiny_backbone, identity, (control,), plan, options, 3, tmp_path / "run")
            return [made.reused for made in MotionWeaveEngine(request, here).generate()]

        assert not torch.equal(first.window(0, 4).features, second.window(0, 4).features)
        assert weave(first) == [False] * 12
        assert weave(second) == [(window.stop - 1) / FPS + Fraction(1, 10) < CHANGED_S for window in plan.windows()]
        assert weave(second) == [True] * 12
        assert weave(replace(second, marks=None))[0] is False


def test_a_marked_sound_tells_which_moments_changed(model, tmp_path):
    here = LocalRuntime(Folders(Path("input"), tmp_path / "output", Path("temp")))
    with torch.inference_mode():
        first, second = (encode_speech(voice(at), model, FPS, here) for at in (None, CHANGED_S))
    offsets = (Fraction(0),)
    same = [first.window(at, at + 1).digest(offsets) == second.window(at, at + 1).digest(offsets) for at in range(48)]
    # The frames whose sound, with the 25 ms that the model hears at once, lies before the change.
    assert same == [at < 24 for at in range(48)]
    other = replace(second.marks, origin="another model")
    assert second.digest(offsets) != replace(second, marks=other).digest(offsets)
