"""Datasets on the command line: marionettes are drawn and prepared like anybody's films."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.dataset.marionette import MarionetteFilms, write_marionette
from motionweave.dataset.tools import parse_fps, parse_size
from motionweave.errors import InputError
from motionweave.marionette import make_world
from motionweave.tracks.camera_files import read_realestate
from motionweave.tracks.light_files import read_light
from motionweave.types import Size


def test_marionettes_are_a_dataset_like_any_other(tmp_path):
    folder = tmp_path / "set"
    draw = ["dataset", "marionette", str(folder), "--clips", "2", "--seconds", "0.6", "--fps", "10", "--held-out", "1"]
    assert CliRunner().invoke(app, draw).exit_code == 0
    drawn = {path.name: path.stat().st_mtime_ns for path in (folder / "videos").iterdir()}
    assert CliRunner().invoke(app, draw).exit_code == 0
    assert drawn == {path.name: path.stat().st_mtime_ns for path in (folder / "videos").iterdir()}
    read = ["dataset", "prepare", str(folder), "--size", "64x64", "--least-s", "0.2", "--json", "--least-motion", "0"]
    done = CliRunner().invoke(app, [*read, "--face", "0", "--one-person", "0"])
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["films"], report["clips"], report["frames"]) == (2, 2, 12)
    told = json.loads((folder / "prepared/metadata.json").read_text())
    assert [each["split"] for each in told] == ["train", "test"]


def test_marionettes_bring_their_lights_and_cameras(tmp_path):
    films = MarionetteFilms(1, seconds=0.5, fps=Fraction(8), turning_light=True, moving_camera=True)
    write_marionette(tmp_path / "set", films)
    entry = json.loads((tmp_path / "set/metadata.json").read_text())[0]
    light = read_light((tmp_path / "set" / entry["light"]).read_text())
    camera = read_realestate((tmp_path / "set" / entry["camera"]).read_text(), Fraction(8)).poses()
    assert len(light) == len(camera) == 4 and light.fps == 8
    np.testing.assert_allclose(light.coefficients[0], make_world(0).light, atol=1e-5)
    assert not torch.allclose(light.coefficients[0], light.coefficients[3])
    assert not np.allclose(camera.position[0], camera.position[3])


def test_another_dataset_is_not_drawn_over(tmp_path):
    (tmp_path / "own.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write_marionette(tmp_path, MarionetteFilms(1))
    with pytest.raises(InputError, match="seeds"):
        MarionetteFilms(2, first_seed=999_999)


def test_a_folder_that_is_none_is_bad_input(tmp_path):
    done = CliRunner().invoke(app, ["dataset", "prepare", str(tmp_path / "lost")])
    assert done.exit_code == 2 and "error: " in done.stderr


def test_sizes_and_rates_are_read_or_refused():
    assert parse_size("512x768") == Size(512, 768) and parse_fps("30000/1001") == Fraction(30000, 1001)
    for wrong in ("512", "0x", "axb"):
        with pytest.raises(InputError):
            parse_size(wrong)
    for wrong in ("0", "-1", "fast", "1/0"):
        with pytest.raises(InputError):
            parse_fps(wrong)
