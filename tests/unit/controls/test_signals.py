"""Every control: nothing at strength 0, its slice of the global clock in each window, clear words when it cannot."""

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning, Identity, Pass
from motionweave.controls import CONTROLS
from motionweave.controls.adapters import LoadedAdapter
from motionweave.controls.camera import CameraControl, moved
from motionweave.controls.controlnet import LoadedControlNet
from motionweave.controls.depth import DepthControl
from motionweave.controls.face import FaceControl
from motionweave.controls.light import LightControl
from motionweave.controls.pose import PoseControl
from motionweave.controls.reference import ReferenceControl
from motionweave.controls.speech import SpeechControl
from motionweave.errors import InputError
from motionweave.models.camera_encoder import CameraEncoder
from motionweave.models.light_encoder import LightEncoder
from motionweave.models.pose_net import PoseNet
from motionweave.models.speech_projector import SpeechProjector
from motionweave.sampling import DenoiseOptions, Guidance, denoise_window, frame_noise
from motionweave.tracks.camera import RESTING, CameraPath
from motionweave.tracks.camera_rays import plucker_rays, view_grid
from motionweave.tracks.depth import DepthMaps
from motionweave.tracks.keypoints import from_wholebody
from motionweave.tracks.light import LightTrack
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames
from motionweave.tracks.speech import SpeechTrack
from motionweave.tracks.speech_model import FeatureClock
from motionweave.tracks.timeline import constant, parse_curve
from motionweave.types import Size, Window

FPS, COUNT, SIZE = Fraction(12), 24, Size(32, 32)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def marionette_track():
    from motionweave.marionette import clip_times, make_world, render_clip

    clip = render_clip(make_world(5), clip_times(COUNT, FPS), FPS, Size(64, 64))
    return KeypointTrack(tuple((from_wholebody(each.numpy()),) for each in clip.keypoints), Size(64, 64), FPS)


@pytest.fixture(scope="module")
def layers(tiny_backbone):
    from motionweave.models.layer_tokens import spatial_cross_attention

    return spatial_cross_attention(tiny_backbone.unet)


def awake(net, digest):
    torch.manual_seed(len(digest))
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return LoadedAdapter(net.eval().requires_grad_(False), digest)


@pytest.fixture(scope="module")
def make(tiny_backbone, tiny_controlnet, layers):
    """A control of each kind over a moving track, by its name."""
    torch.manual_seed(0)
    poses = marionette_track()
    maps = PoseMapFrames(torch.rand(COUNT, 3, 32, 32, generator=torch.Generator().manual_seed(1)), FPS)
    path = CameraPath((("pan", parse_curve("0: 0, 2: 20")), ("zoom", constant(1.2))), FPS, 0, COUNT)
    heard = SpeechTrack(draw(120, 2, 8), FeatureClock(16_000, 320, 400), FPS, 0, COUNT)
    from motionweave.controls.adapters import copy_reference_net

    nets = {
        "speech": awake(SpeechProjector(layers, 5, 2, 8, 16, 32, 4), "speech"),
        "light": awake(LightEncoder(layers, 16, 32, 4, 128), "light"),
        "camera": awake(CameraEncoder((32, 64), 1, 16), "camera"),
    }
    reference = copy_reference_net(tiny_backbone)
    kinds = {
        "pose": lambda s: PoseControl(tiny_controlnet, poses, s),
        "depth": lambda s: DepthControl(tiny_controlnet, DepthMaps(maps), s),
        "reference": lambda s: ReferenceControl(reference, s),
        "speech": lambda s: SpeechControl(nets["speech"], heard, s, pose=poses),
        "light": lambda s: LightControl(nets["light"], LightTrack(draw(COUNT, 9, 3), FPS), s),
        "camera": lambda s: CameraControl(nets["camera"], path, s),
    }
    return lambda name, strength=1.0: kinds[name](strength)


KINDS = ["pose", "depth", "reference", "speech", "light", "camera"]


@pytest.fixture
def conditioning():
    return Conditioning(Identity(draw(4, 4, 4), draw(1, 32), SIZE, 0.0, "who"), float(FPS))


@pytest.mark.parametrize("kind", KINDS)
def test_strength_0_gives_the_very_same_conditioning(make, conditioning, kind):
    assert make(kind, 0.0).apply_to(conditioning, Window(0, 0, 8, 0)) is conditioning


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_is_told_what_a_longer_one_is_told_of_the_same_frames(make, conditioning, kind):
    def told(start, stop):
        (control,) = make(kind).apply_to(conditioning, Window(0, start, stop, 0)).controls
        return control

    whole, part = told(0, COUNT), told(10, 16)
    for long, short in zip(whole.signal, part.signal, strict=True):
        expected = long if kind == "reference" or len(long) == 1 else long[10:16]
        torch.testing.assert_close(short, expected, rtol=0, atol=1e-6)
    assert len(part.strength) == 6
    assert (whole.key == part.key) == (kind == "reference")  # a reference is read once a run


@pytest.mark.parametrize("kind", KINDS)
def test_a_strength_may_follow_the_videos_clock(make, conditioning, kind):
    (control,) = make(kind, parse_curve("0: 0, 1: 1")).apply_to(conditioning, Window(0, 6, 12, 0)).controls
    torch.testing.assert_close(control.strength, torch.arange(6, 12) / 12)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_mean_nothing_are_refused(make, kind):
    with pytest.raises(InputError, match=f"{kind} strength of -1"):
        make(kind, -1.0)


@pytest.mark.parametrize("kind", ["pose", "depth", "speech", "camera"])
def test_a_track_that_ends_before_the_window_is_named(make, conditioning, kind):
    with pytest.raises(InputError, match=f"the {kind} track has 24 frames, but frames 20-27"):
        make(kind).apply_to(conditioning, Window(0, 20, 28, 0))


def test_the_last_light_holds(make, conditioning):
    (control,) = make("light").apply_to(conditioning, Window(0, 20, 28, 0)).controls
    assert torch.equal(control.signal[0][4:], control.signal[0][3:4].expand(4, -1, -1))


def test_the_first_frame_of_a_camera_path_is_the_references_view_in_every_window(make, conditioning):
    (first,) = make("camera").apply_to(conditioning, Window(0, 0, 8, 0)).controls
    (later,) = make("camera").apply_to(conditioning, Window(1, 8, 16, 0)).controls
    assert first.signal[0][0, :3].abs().max() < 1e-6  # no moment: it stands at the origin
    assert (later.signal[0][0, 3:] - first.signal[0][0, 3:]).abs().max() > 0.05


def test_a_camera_that_stands_leaves_the_reference_where_it_is(make, conditioning):
    camera = make("camera")
    still = replace(camera, track=CameraPath((("zoom", constant(1.0)),), FPS, 0, COUNT))
    shown = still.apply_to(conditioning, Window(0, 0, 8, 0)).image_latents
    torch.testing.assert_close(shown, conditioning.identity.image_latents.expand(8, -1, -1, -1), rtol=0, atol=1e-5)
    assert replace(camera, moves_reference=False).apply_to(conditioning, Window(0, 0, 8, 0)).image_latents is None


def test_a_camera_moves_the_reference_the_other_way(conditioning):
    """What was in the middle is left of it after a pan to the right, and larger after a zoom or a dolly in."""
    spot = torch.zeros(1, 32, 32)
    spot[:, 14:18, 14:18] = 1.0

    def seen(move, value):
        path = CameraPath(((move, parse_curve(f"0: {RESTING.get(move, 0)}, 1: {value}")),), Fraction(1), 0, 2)
        rays, origin = plucker_rays(path, Size(32, 32)), plucker_rays(path.window(0, 1), Size(32, 32))
        return moved(spot, view_grid(rays, origin))[1, 0]

    place = torch.arange(32) + 0.5
    panned = seen("pan", 6.0)
    assert float((panned.sum(0) * place).sum() / panned.sum()) < 14
    assert 3.0 < float(seen("zoom", 2.0).sum() / spot.sum()) < 5.0
    nearer = seen("dolly", 0.5)
    assert 3.0 < float(nearer.sum() / spot.sum()) < 5.0


def test_a_track_of_another_adapter_is_refused(make, layers):
    light = make("light")
    with pytest.raises(InputError, match="a LightEncoder was given to read the camera; expected a CameraEncoder"):
        CameraControl(light.network, make("camera").track)


def test_speech_needs_a_face_and_its_own_speech_model(make):
    speech = make("speech")
    with pytest.raises(InputError, match="give the pose track"):
        SpeechControl(speech.network, speech.track)
    nobody = KeypointTrack(((),) * COUNT, Size(64, 64), FPS)
    with pytest.raises(InputError, match="shows no face in any frame"):
        SpeechControl(speech.network, speech.track, pose=nobody)
    other = SpeechTrack(draw(120, 3, 8), speech.track.clock, FPS, 0, COUNT)
    with pytest.raises(InputError, match="3 layers of 8 numbers; this projector was trained on 2 of 8"):
        SpeechControl(speech.network, other, pose=speech.pose)


def test_a_face_adapter_needs_a_face(make):
    with pytest.raises(InputError, match="connect Encode Face"):
        FaceControl(make("light").network)


def frame_by_frame(net):
    """A copy in which all mixing over time is switched off."""
    net = copy.deepcopy(net)
    for name, parameter in net.named_parameters():
        if name.endswith("mix_factor"):
            parameter.data.fill_(40.0)  # sigmoid(40) is 1
    return net


@pytest.fixture(scope="module")
def spatial_backbone(tiny_backbone):
    """A backbone whose frames do not see one another."""
    return replace(tiny_backbone, unet=frame_by_frame(tiny_backbone.unet), features={})


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_windows_of_a_moving_control_are_the_frames_of_a_longer_window(make, spatial_backbone, conditioning, kind):
    """Where frames do not see one another, cutting the video into windows must change nothing."""
    options = DenoiseOptions(3, Guidance(2.0))

    def made(start, stop):
        window, controlled = Window(0, start, stop, 0), conditioning
        for each in KINDS if kind == "all" else [kind]:
            controlled = without_mixing(make(each)).apply_to(controlled, window)
        noise = frame_noise(3, start, stop, (4, 4, 4), 4)
        with torch.no_grad():
            return denoise_window(spatial_backbone, controlled, noise, options)

    whole = made(0, 12)
    assert (whole - made_without(spatial_backbone, conditioning, options)).abs().max() > 1e-3
    for start, stop in ((0, 4), (4, 8), (5, 12)):
        torch.testing.assert_close(made(start, stop), whole[start:stop], rtol=1e-4, atol=1e-4)


def made_without(backbone, conditioning, options):
    with torch.no_grad():
        return denoise_window(backbone, conditioning, frame_noise(3, 0, 12, (4, 4, 4), 4), options)


def without_mixing(control):
    """A ControlNet's own frames see one another too, whatever the UNet's do; here they do not."""
    if not isinstance(control, PoseControl | DepthControl):
        return control
    return replace(control, network=replace(control.network, net=frame_by_frame(control.network.net)))


@pytest.fixture(scope="module")
def mimic():
    """A PoseNet that was trained to see the reference in its own pose, before every window."""
    torch.manual_seed(4)
    net = PoseNet(32, (3, 8, 8, 16, 16)).eval().requires_grad_(False)
    torch.nn.init.normal_(net.final_proj.weight, std=0.5)
    loaded = LoadedControlNet(net, "mimic", style="mimicmotion", unconditional=False, reference_first=True)
    poses = marionette_track()
    return PoseControl(loaded, poses, reference_pose=poses.window(5, 6))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 4), (7, 16)])
def test_an_anchor_leaves_every_other_control_on_its_frames(make, mimic, conditioning, kind, start, stop):
    window = Window(0, start, stop, 0)
    told = make(kind, parse_curve("0: 0.25, 2: 1")).apply_to(mimic.apply_to(conditioning, window), window).controls[1]
    after = told.after_anchor
    assert torch.equal(after.strength[1:], told.strength)
    assert after.strength[0] == (told.strength.max() if kind == "reference" else 0)
    for place, (given, alone) in enumerate(zip(after.signal, told.signal, strict=True)):
        assert torch.equal(given[1:] if place < told.moving else given, alone)
    # What moves has a value for each frame; what does not is the same whatever the window.
    assert all(len(each) == stop - start for each in told.signal[: told.moving])
    assert (after.key == told.key) == (kind == "reference")


@pytest.mark.parametrize("kind", KINDS)
def test_where_frames_do_not_see_one_another_an_anchor_changes_none(make, mimic, spatial_backbone, conditioning, kind):
    """With the reference's own frame before it or without, every frame has its own pose and its own signal."""
    window, options = Window(1, 7, 11, 0), DenoiseOptions(3, Guidance(2.0, control=1.5))
    noise = frame_noise(3, 7, 11, (4, 4, 4), 4)

    def made(pose):
        controlled = without_mixing(make(kind)).apply_to(pose.apply_to(conditioning, window), window)
        with torch.no_grad():
            return denoise_window(spatial_backbone, controlled, noise, options)

    plain = replace(mimic, network=replace(mimic.network, reference_first=False))
    torch.testing.assert_close(made(mimic), made(plain), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [*KINDS, "mimic", "all"])
def test_a_control_need_not_be_of_the_backbones_precision(make, mimic, tiny_backbone, conditioning, kind):
    """The backbone's precision is an artist's choice, its controls' the graphics card's."""
    narrow = replace(tiny_backbone, unet=copy.deepcopy(tiny_backbone.unet).to(torch.bfloat16), features={})
    window, told = Window(0, 2, 6, 0), conditioning
    for each in KINDS if kind == "all" else [kind]:
        told = (mimic if each == "mimic" else make(each)).apply_to(told, window)
    sample, passes = draw(4, 4, 4, 4), (Pass(image=False), Pass())
    with torch.no_grad():
        wide, made = (one.predict(sample, torch.tensor(0.2), told, 0.0, passes)[1] for one in (tiny_backbone, narrow))
    assert made.dtype == torch.float32
    assert (made - wide).norm() < 0.1 * wide.norm()


def test_every_control_is_registered():
    assert CONTROLS.ids() == ("pose", "depth", "reference", "face", "speech", "light", "camera")
