"""Normals from depth, and pictures under another light."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.errors import InputError, ShapeError
from motionweave.marionette import clip_times, make_world, render_clip
from motionweave.tracks.depth import DepthMaps
from motionweave.tracks.light import light_track
from motionweave.tracks.light_setup import Lamp, LightSetup
from motionweave.tracks.normals import (
    depth_from_nearness,
    normals_from_depth,
    normals_from_nearness,
    normals_from_picture,
    normals_from_track,
    surface_normals,
)
from motionweave.tracks.pose import PoseMapFrames
from motionweave.tracks.relight import relight, relight_pictures
from motionweave.types import Size

SIZE = Size(128, 128)


def lamp(azimuth, elevation=20.0):
    return light_track(LightSetup((Lamp(azimuth, elevation, 0.6),), 0.3).coefficients())


def plane(normal, pixels=65, focal=2.0):
    """The depth of a plane through (0, 0, -4) seen through a pinhole."""
    place = ((np.arange(pixels) + 0.5) - pixels / 2) / (focal * pixels)
    u, v = np.meshgrid(place, place)
    ray = np.stack([u, -v, -np.ones_like(u)], -1)
    return torch.from_numpy(-4 * normal[2] / (ray @ normal)).float()[None]


@pytest.mark.parametrize("normal", [(0, 0, 1), (0.6, 0, 0.8), (0, 0.6, 0.8), (-0.48, -0.36, 0.8)])
def test_a_plane_has_its_own_normal_everywhere(normal):
    found = normals_from_depth(plane(np.array(normal)))
    assert (found[0] - torch.tensor(normal)[:, None, None]).abs().max() < 0.02
    assert torch.allclose(found.norm(dim=1), torch.ones(1), atol=1e-5)


def test_a_floor_faces_up_and_a_jump_in_depth_is_no_slope():
    world = make_world(1_000_000)
    clip = render_clip(world, clip_times(1, Fraction(12)), Fraction(12), Size(128, 128))
    found = normals_from_depth(clip.depth)
    floor = clip.normal[0, 1] > 0.999
    assert found[0, 1][floor].median() > 0.99
    step = torch.full((1, 32, 32), 4.0)
    step[..., 16:] = 2.0
    assert (normals_from_depth(step)[0, 2] > 0.999).all()


def test_normals_of_a_body_come_close_to_the_true_ones():
    world = make_world(1_000_000)
    clip = render_clip(world, clip_times(1, Fraction(12)), Fraction(12), Size(192, 192))
    found = (normals_from_depth(clip.depth) * clip.normal).sum(1)[clip.alpha > 0.99]
    assert torch.rad2deg(torch.acos(found.clamp(-1, 1))).median() < 10


def test_white_is_near_and_black_as_far_as_said():
    depth = depth_from_nearness(torch.tensor([[[0.0, 1.0]]]), 3.0)
    assert depth.flatten().tolist() == pytest.approx([3, 1])
    with pytest.raises(InputError, match="more than 1"):
        depth_from_nearness(torch.zeros(1, 2, 2), 1.0)


def test_the_steps_of_an_eight_bit_depth_picture_are_evened_out():
    ramp = torch.linspace(0.2, 0.5, 256)[None, None, None].expand(1, 3, 64, -1)
    smooth, stepped = (normals_from_nearness(x)[0, 0, :, 16:-16] for x in (ramp, (ramp * 255).round() / 255))
    assert (smooth - stepped).abs().mean() < 0.05


def test_a_depth_track_gives_normals_at_the_size_of_the_pictures():
    ramp = torch.linspace(0.2, 0.5, 64)[None, None, None].expand(2, 3, 64, -1)
    track = DepthMaps(PoseMapFrames(ramp, Fraction(12)))
    found = normals_from_track(track, Size(128, 128))
    assert tuple(found.shape) == (2, 3, 128, 128)
    assert torch.allclose(found.norm(dim=1), torch.ones(1), atol=1e-5)
    direct = normals_from_nearness(ramp)
    assert torch.allclose(found[0, :, 64, 64], direct[0, :, 32, 32], atol=0.05)
    with pytest.raises(InputError, match="pictures of 64x64, but those to light are 192x108"):
        normals_from_track(track, Size(192, 108))


def test_depth_that_cannot_be_is_refused():
    for wrong in (torch.zeros(1, 4, 4), torch.full((1, 4, 4), float("nan"))):
        with pytest.raises(InputError, match="above 0 and finite"):
            normals_from_depth(wrong)
    with pytest.raises(InputError, match="focal"):
        normals_from_depth(torch.ones(1, 4, 4), 0)


def test_a_normal_map_is_read_as_it_is_drawn():
    picture = torch.tensor([0.5, 0.5, 1.0])[None, :, None, None].expand(1, 3, 4, 4)
    assert torch.allclose(normals_from_picture(picture)[0, :, 0, 0], torch.tensor([0.0, 0, 1]))
    with pytest.raises(InputError, match="away from the viewer"):
        normals_from_picture(torch.zeros(1, 3, 4, 4))
    with pytest.raises(InputError, match="either depth or normals"):
        surface_normals(None, None, SIZE)


@pytest.fixture(scope="module")
def clip():
    world = make_world(1_000_003)
    return render_clip(world, clip_times(2, Fraction(12)), Fraction(12), SIZE)


def test_the_same_light_or_no_strength_changes_nothing(clip):
    for old, new, strength in ((lamp(30), lamp(30), 1.0), (lamp(30), lamp(-80), 0.0)):
        assert (relight(clip.frames, clip.normal, old, new, strength) - clip.frames).abs().max() < 1e-4


def test_relighting_a_marionette_gives_what_the_other_light_would_have_shown(clip):
    from dataclasses import replace

    world = make_world(1_000_003)
    other = make_world(1_000_004).light
    truth = render_clip(replace(world, light=other), clip_times(2, Fraction(12)), Fraction(12), SIZE).frames
    found = relight(clip.frames, clip.normal, light_track(world.light), light_track(other))
    error, unchanged = (found - truth).abs().mean(), (clip.frames - truth).abs().mean()
    assert error < 0.01
    assert error < 0.2 * unchanged


def test_a_lamp_at_the_left_brightens_what_faces_left(clip):
    found = relight_pictures(clip.frames, clip.normal, lamp(-80))
    left, right = clip.normal[:, 0] < -0.7, clip.normal[:, 0] > 0.7
    gain = (found / clip.frames.clamp(min=0.02)).mean(1)
    assert gain[left].mean() > 1.3 * gain[right].mean()


def test_one_picture_under_a_changing_light_becomes_a_clip(clip):
    light = lamp(0).held(5)
    assert relight(clip.frames[:1], clip.normal[:1], lamp(0), light).shape == (5, 3, 128, 128)
    assert relight(clip.frames, clip.normal, lamp(0), lamp(40)).shape == clip.frames.shape


def test_results_stay_pixels_and_inputs_stay_as_they_were(clip):
    before = clip.frames.clone()
    found = relight(clip.frames, clip.normal, lamp(0), light_track(lamp(90).coefficients[0].numpy() * 9), 2.0)
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert torch.equal(before, clip.frames)


def test_what_does_not_fit_is_refused(clip):
    with pytest.raises(ShapeError, match="as many, or one"):
        relight(clip.frames, clip.normal, lamp(0), lamp(0).held(5))
    with pytest.raises(ShapeError, match="normals"):
        relight(clip.frames, clip.normal[..., :32], lamp(0), lamp(0))
    with pytest.raises(InputError, match="0 to 2"):
        relight(clip.frames, clip.normal, lamp(0), lamp(0), 3.0)
