"""Networks that were trained to see the reference in its own pose before every window (MimicMotion, ControlNeXt)."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motionweave.backbones.anchor import with_anchor
from motionweave.backbones.base import ActiveControl, Conditioning, Identity, Pass
from motionweave.controls import LoadedControlNet, PoseControl
from motionweave.errors import InputError
from motionweave.models.controlnext import ControlNeXt
from motionweave.models.pose_net import PoseNet
from motionweave.sampling import DenoiseOptions, Guidance, KnownFrames, denoise_window
from motionweave.tracks.pose import PoseMapFrames
from motionweave.types import Size, Window

FPS, FRAMES, SIZE = Fraction(12), 6, Size(32, 32)
WINDOW = Window(0, 0, FRAMES, 0)


def maps(count, seed):
    return PoseMapFrames(torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed)), FPS)


@pytest.fixture(scope="module", params=[PoseNet, ControlNeXt])
def network(request):
    torch.manual_seed(1)
    net = PoseNet(32, (3, 8, 8, 16, 16)) if request.param is PoseNet else ControlNeXt(32, (8, 16, 32), (16, 24))
    if request.param is PoseNet:
        torch.nn.init.normal_(net.final_proj.weight, std=0.5)
    return LoadedControlNet(net.eval().requires_grad_(False), "net", unconditional=False, reference_first=True)


@pytest.fixture
def control(network):
    return PoseControl(network, maps(FRAMES, 2), reference_pose=maps(1, 3))


@pytest.fixture
def conditioning():
    torch.manual_seed(7)
    return Conditioning(Identity(torch.randn(4, 4, 4), torch.randn(1, 32), SIZE, 0.02, "who"), 12.0)


def test_without_the_references_pose_it_is_refused(network):
    with pytest.raises(InputError, match="connect reference_pose of Apply Pose to Extract Pose"):
        PoseControl(network, maps(FRAMES, 2))
    PoseControl(replace(network, reference_first=False), maps(FRAMES, 2))


def test_other_networks_do_not_read_the_references_pose(network, conditioning):
    plain = replace(network, reference_first=False)
    with_pose, without = (PoseControl(plain, maps(FRAMES, 2), reference_pose=pose) for pose in (maps(1, 3), None))
    assert with_pose.apply_to(conditioning, WINDOW).digest() == without.apply_to(conditioning, WINDOW).digest()


def test_strength_0_gives_the_very_same_conditioning(control, conditioning):
    assert replace(control, strength=0.0).apply_to(conditioning, WINDOW) is conditioning


def test_a_chunk_is_another_where_the_reference_stands_otherwise(control, conditioning):
    other = replace(control, reference_pose=maps(1, 4))
    assert control.apply_to(conditioning, WINDOW).digest() != other.apply_to(conditioning, WINDOW).digest()


def test_the_backbone_sees_one_frame_more_and_gives_the_windows(tiny_backbone, control, conditioning):
    """Held against the same network shown the longer window by hand."""
    sample, timestep, passes = torch.randn(FRAMES, 4, 4, 4), torch.tensor(0.2), (Pass(image=False), Pass())
    told = control.apply_to(conditioning, WINDOW)
    assert told.anchored
    by_hand = PoseControl(
        replace(control.network, reference_first=False),
        PoseMapFrames(torch.cat([control.reference_pose.maps, control.track.maps]), FPS),
    ).apply_to(conditioning, Window(0, 0, FRAMES + 1, 0))
    longer = with_anchor(sample, timestep, conditioning.identity, tiny_backbone.vae.config.scaling_factor)
    with torch.no_grad():
        made = tiny_backbone.predict(sample, timestep, told, 0.0, passes)
        expected = tiny_backbone.predict(longer, timestep, by_hand, 0.0, passes)
        without = tiny_backbone.predict(sample, timestep, conditioning, 0.0, passes)
    for each, long, plain in zip(made, expected, without, strict=True):
        assert torch.equal(each, long[1:])
        assert (each - plain).abs().max() > 1e-4  # frames see the one before them, even where its pose is left out


@given(sigma=st.floats(0.002, 700))
def test_the_anchor_is_the_reference_at_the_steps_noise_level(sigma):
    torch.manual_seed(3)
    identity = Identity(torch.randn(4, 8, 8) * 5, torch.zeros(1, 4), SIZE, 0.0, "who")
    timestep = 0.25 * torch.tensor(sigma).log()

    def anchor(who):
        return with_anchor(torch.zeros(2, 4, 8, 8), timestep, who, 0.2)[0]

    noise = (anchor(identity) * (sigma**2 + 1) ** 0.5 - identity.image_latents * 0.2) / sigma
    assert 0.8 < noise.std() < 1.2
    redrawn = replace(identity, image_latents=torch.zeros(4, 8, 8), original=identity.image_latents, digest="later")
    assert torch.equal(anchor(redrawn), anchor(identity))  # it stays the reference, in every window


def test_a_window_is_drawn_on_with_an_anchor_before_it(tiny_backbone, control, conditioning):
    """Known frames, a guidance ramp and previews are all the window's own."""
    noise, known = torch.randn(FRAMES, 4, 4, 4), torch.randn(2, 4, 4, 4)
    previews = []
    with torch.no_grad():
        made = denoise_window(
            tiny_backbone,
            control.apply_to(conditioning, WINDOW),
            noise,
            DenoiseOptions(3, Guidance(3.0, first=1.0), cache_threshold=0.3),
            KnownFrames(known, torch.tensor([0, 1])),
            lambda _, clean: previews.append(clean.shape),
        )
    assert made.shape == noise.shape
    assert torch.equal(made[:2], known)
    assert set(previews) == {noise.shape}


def test_it_is_there_only_while_its_control_acts(tiny_backbone, control, conditioning):
    early = replace(control, active=(0.0, 0.3)).apply_to(conditioning, WINDOW)
    sample, timestep = torch.randn(FRAMES, 4, 4, 4), torch.tensor(0.2)
    with torch.no_grad():
        (late,) = tiny_backbone.predict(sample, timestep, early, 0.5, (Pass(),))
        (plain,) = tiny_backbone.predict(sample, timestep, conditioning, 0.5, (Pass(),))
    assert torch.equal(late, plain)


@given(frames=st.integers(1, 5), moving=st.integers(0, 2))
def test_a_frames_signal_keeps_its_place_behind_an_anchor(frames, moving):
    signals = (torch.rand(frames, 3), torch.rand(frames, 2))
    told = ActiveControl(None, "net", signals, torch.rand(frames) + 0.1, moving=moving)
    after = told.after_anchor
    assert torch.equal(after.strength[1:], told.strength)
    for place, (long, alone) in enumerate(zip(after.signal, signals, strict=True)):
        assert torch.equal(long[1:] if place < moving else long, alone)
    assert bool(after.strength[0]) == (moving == 0)
