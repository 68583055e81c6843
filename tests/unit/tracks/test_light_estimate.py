"""Light that is read from pictures: from spheres of many colours, and from held-out marionettes."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.bench.held_out import held_out_clips
from motionweave.bench.light import degrees_between, measure_light
from motionweave.errors import InputError, ShapeError
from motionweave.marionette.light import key_direction, make_light
from motionweave.media import FootageFrames
from motionweave.tracks.light import dominant_direction, light_track, scale_light
from motionweave.tracks.light_estimate import estimate_light, estimate_light_track
from motionweave.tracks.light_setup import Lamp, LightSetup
from motionweave.tracks.linear_light import srgb_from_linear
from motionweave.tracks.spherical_harmonics import shading
from motionweave.tracks.timeline import parse_curve

FPS = Fraction(12)
PIXELS = 96


def sphere_normals():
    """Two rows of two spheres, (1, 3, H, W), and where they are."""
    half = PIXELS // 2
    place = (np.arange(half) + 0.5) / half * 2 - 1
    x, y = np.meshgrid(place, -place)
    z = np.sqrt(np.maximum(0, 1 - x * x - y * y))
    inside = np.tile(x * x + y * y < 0.95, (2, 2))
    normal = np.tile(np.stack([x, y, z], -1), (2, 2, 1))
    normal[~inside] = (0, 0, 1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return torch.from_numpy(normal).float().movedim(-1, 0)[None], torch.from_numpy(inside)


def photograph(light, seed=0):
    """Spheres of four colours with stripes, and a bright wall, under a light: (1, 3, H, W)."""
    rng = np.random.default_rng(seed)
    normals, inside = sphere_normals()
    half = PIXELS // 2
    tiles = rng.uniform(0.1, 0.8, (2, 2, 1, 1, 3)) * np.ones((2, 2, half, half, 3))
    tiles[:, :, half // 3 : half // 2] = rng.uniform(0.1, 0.8, 3)
    albedo = tiles.transpose(0, 2, 1, 3, 4).reshape(PIXELS, PIXELS, 3)
    albedo[~inside.numpy()] = (0.7, 0.75, 0.6)
    linear = albedo * shading(normals[0].movedim(0, -1).double().numpy(), light)
    return srgb_from_linear(torch.from_numpy(linear)).movedim(-1, 0)[None].float(), normals


def footage(*frames):
    return FootageFrames(torch.cat(frames), FPS)


def direction(track, frame=0):
    return dominant_direction(track.coefficients[frame].double().numpy())


@pytest.mark.parametrize("azimuth", [-60, 0, 45])
def test_striped_spheres_of_many_colours_tell_where_the_light_is(azimuth):
    light = LightSetup((Lamp(azimuth, 25, 0.6),), 0.4).coefficients()
    picture, normals = photograph(light)
    assert degrees_between(direction(estimate_light(footage(picture), normals)), dominant_direction(light)) < 10


def test_the_estimate_is_white_overall_and_as_bright_as_the_picture():
    light = LightSetup((Lamp(30, 20, 0.5, "3200K"),), 0.3).coefficients()
    picture, normals = photograph(light)
    found = estimate_light(footage(picture), normals).coefficients[0].numpy()
    assert np.allclose(found[0], found[0].mean(), rtol=1e-3)
    assert 0.8 < shading(direction(estimate_light(footage(picture), normals))[None], found).mean() < 1.3


def test_the_same_picture_gives_the_same_light():
    picture, normals = photograph(make_light(3))
    first, second = (estimate_light(footage(picture), normals).coefficients for _ in range(2))
    assert torch.equal(first, second)


def test_a_mask_keeps_other_things_out():
    light = LightSetup((Lamp(-50, 20, 0.6),), 0.4).coefficients()
    picture, normals = photograph(light)
    spoilt = picture.clone()
    spoilt[..., : PIXELS // 2] = torch.linspace(0.2, 0.9, PIXELS // 2)
    mask = torch.zeros(1, PIXELS, PIXELS)
    mask[..., PIXELS // 2 :] = 1
    found = direction(estimate_light(footage(spoilt), normals, mask))
    assert degrees_between(found, dominant_direction(light)) < 10


def test_a_light_that_moves_is_followed():
    azimuths = np.linspace(-50, 50, 9)
    lights = [LightSetup((Lamp(a, 20, 0.6),), 0.4).coefficients() for a in azimuths]
    frames = [photograph(light)[0] for light in lights]
    track = estimate_light_track(footage(*frames), sphere_normals()[0], smooth_s=0.0)
    assert len(track) == 9
    assert track.fps == FPS
    for frame in (0, 4, 8):
        assert degrees_between(direction(track, frame), dominant_direction(lights[frame])) < 15


def test_a_light_that_dims_is_followed_in_brightness():
    base = light_track(LightSetup((Lamp(30, 20, 0.6),), 0.4).coefficients(), FPS)
    dimming = scale_light(base.held(7), parse_curve("0: 1, 0.5: 0.5"))
    frames = [photograph(light.double().numpy())[0] for light in dimming.coefficients]
    mean = estimate_light_track(footage(*frames), sphere_normals()[0], smooth_s=0.0).coefficients[:, 0].mean(-1)
    assert float(mean[6] / mean[0]) == pytest.approx(0.5, abs=0.08)


def test_smoothing_steadies_and_zero_leaves_frames_alone():
    rng = np.random.default_rng(0)
    frames = [photograph(LightSetup((Lamp(rng.uniform(-20, 20), 20, 0.6),), 0.4).coefficients())[0] for _ in range(8)]
    rough, smooth = (
        estimate_light_track(footage(*frames), sphere_normals()[0], smooth_s=s).coefficients for s in (0, 0.3)
    )
    assert smooth.diff(dim=0).abs().mean() < 0.5 * rough.diff(dim=0).abs().mean()
    with pytest.raises(InputError, match="0 or more"):
        estimate_light_track(footage(*frames), sphere_normals()[0], smooth_s=-1)


def test_a_flat_picture_and_a_black_one_say_why_they_tell_nothing():
    picture, normals = photograph(make_light(1))
    flat = torch.zeros_like(normals)
    flat[:, 2] = 1
    with pytest.raises(InputError, match="face the same way"):
        estimate_light(footage(picture), flat)
    with pytest.raises(InputError, match="only 0 pixels"):
        estimate_light(footage(torch.zeros_like(picture)), normals)


def test_maps_of_another_size_or_number_are_refused():
    picture, normals = photograph(make_light(1))
    with pytest.raises(ShapeError, match="normals"):
        estimate_light(footage(picture), normals[..., :40])
    with pytest.raises(ShapeError, match="one for each of 3"):
        estimate_light(footage(picture, picture, picture), normals.expand(2, -1, -1, -1))
    with pytest.raises(ShapeError, match="mask"):
        estimate_light(footage(picture), normals, torch.ones(1, 10, 10))


def test_the_key_direction_is_the_one_the_light_is_made_of():
    for seed in range(20):
        assert np.allclose(dominant_direction(make_light(seed)), key_direction(seed), atol=0.02)


def test_light_on_held_out_marionettes_is_found_within_ten_degrees():
    figures = measure_light(2)
    assert figures["light_deg"] < 10
    assert set(figures) >= {"light_deg", "light_deg_depth_normals"}


def test_every_frame_of_a_marionettes_clip_is_found_near_the_key():
    seed, _, clip = next(iter(held_out_clips(1)))
    track = estimate_light_track(FootageFrames(clip.frames, clip.fps), clip.normal)
    assert max(degrees_between(direction(track, i), key_direction(seed)) for i in range(len(track))) < 15
