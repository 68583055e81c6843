"""Faces are found, told apart and averaged, on Mini's models through InsightFace."""

import logging
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from motionweave.errors import InputError, MissingModelError
from motionweave.marionette import make_world, render_clip
from motionweave.marionette.light import make_light
from motionweave.marionette.motion import make_motion
from motionweave.marionette.skeleton import pose_skeleton
from motionweave.tracks.face import FaceIdentity, encode_face, face_sheet, mean_embedding
from motionweave.tracks.face_models import Face, load_face_models, unnested
from motionweave.train.faces import face_boxes, five_points, portrait_camera
from motionweave.types import Size

MINI = Path(__file__).resolve().parents[3] / "mini" / "face"
ONE, OTHER = 1_000_300, 1_000_304
TINT = torch.tensor([1.0, 0.9, 0.8]).view(1, 3, 1, 1)

pytest.importorskip("insightface", reason="InsightFace is not installed (pip install insightface)")


def portrait(character: int, moment: int = 0, side: int = 192):
    """Give a picture of a character's head in a pose and light that depend on the moment, and its clip."""
    world = replace(make_world(character), light=make_light(character + 7 * moment))
    motion = make_motion(character + moment, np.zeros(1), 0.5)
    skeleton = pose_skeleton(world.character, motion)
    camera = portrait_camera(skeleton.joints["head"][0], skeleton.head_radius, 0.2, 2.5)
    return render_clip(world, np.zeros(1), Fraction(1), Size(side, side), camera, motion)


@pytest.fixture(scope="module")
def models():
    if not list(MINI.glob("*.onnx")):
        pytest.skip("the bundled mini-face is not in this checkout")
    return load_face_models(MINI)


def made_face(embedding, score: float) -> Face:
    return Face(torch.zeros(4), torch.zeros(5, 2), score, torch.zeros(3, 112, 112), torch.tensor(embedding))


def test_the_bundled_pack_keeps_the_published_contracts(models):
    runtime = pytest.importorskip("onnxruntime")
    detector = runtime.InferenceSession(str(MINI / "scrfd_mini.onnx"))
    for height, width in ((64, 96), (160, 128)):
        outputs = detector.run(None, {"input": np.zeros((1, 3, height, width), np.float32)})
        cells = [2 * (height // stride) * (width // stride) for stride in (8, 16, 32)]
        assert [each.shape for each in outputs] == [(count, kind) for kind in (1, 4, 10) for count in cells]
    assert (models.recogniser.input_mean, models.recogniser.input_std) == (127.5, 127.5)
    assert models.recogniser.input_size == (112, 112)


def test_a_face_is_found_where_it_is_with_its_five_points(models):
    clip = portrait(ONE)
    (face,) = models.find(clip.frames[0])
    box, points = face_boxes(clip.keypoints.numpy())[0], five_points(clip.keypoints.numpy())[0]
    width = box[2] - box[0]
    assert np.abs(face.box.numpy() - box).max() < 0.15 * width
    assert np.abs(face.points.numpy() - points).max() < 0.1 * width
    assert 0.5 < face.score <= 1
    assert face.crop.shape == (3, 112, 112)
    assert 0 <= float(face.crop.min()) <= float(face.crop.max()) <= 1


def test_the_crop_has_the_pictures_colours_in_their_order(models):
    clip = portrait(ONE)
    red = models.find((clip.frames * TINT)[0])[0].crop
    assert float(red[0].mean()) > float(red[2].mean())


def test_one_character_in_another_pose_and_light_is_nearer_than_another(models):
    first, again = (encode_face(models, portrait(ONE, moment).frames) for moment in (0, 3))
    other = encode_face(models, portrait(OTHER).frames)
    assert first.similarity(again) > 0.7
    assert first.similarity(again) > first.similarity(other) + 0.3


def test_one_reference_stays_as_the_recogniser_gives_it(models):
    picture = portrait(ONE).frames
    found = encode_face(models, picture)
    assert torch.equal(found.embedding, models.find(picture[0])[0].embedding)
    assert found.embedding.shape == (512,)
    assert float(found.normalised.norm()) == pytest.approx(1, abs=1e-5)
    assert found.agreement == 1
    assert torch.equal(found.box, found.references[0].box)


def test_references_are_averaged_on_the_sphere_weighted_by_score():
    even = mean_embedding((made_face([2.0, 0.0], 0.8), made_face([0.0, 4.0], 0.8)))
    assert torch.allclose(even / even.norm(), torch.tensor([0.5, 0.5]).sqrt())
    assert float(even.norm()) == pytest.approx(3)
    surer = mean_embedding((made_face([2.0, 0.0], 0.9), made_face([0.0, 2.0], 0.6)))
    assert float(surer[0] / surer[1]) == pytest.approx(1.5)


def test_different_people_among_the_references_are_noticed_with_the_cosine(models, caplog):
    pictures = torch.cat([portrait(ONE).frames, portrait(OTHER).frames])
    with caplog.at_level(logging.WARNING):
        found = encode_face(models, pictures)
    assert found.agreement < 0.3
    assert f"lowest cosine {found.agreement:.2f}" in caplog.text
    caplog.clear()
    encode_face(models, torch.cat([portrait(ONE, moment).frames for moment in (0, 3)]))
    assert caplog.text == ""


def test_a_picture_without_a_face_is_refused_and_named(models):
    pictures = torch.cat([portrait(ONE).frames, torch.full((1, 3, 192, 192), 0.5)])
    with pytest.raises(InputError, match=r"no face was found in reference picture 2 of 2 \(192x192 px\); give one"):
        encode_face(models, pictures)


def test_the_largest_face_comes_first_and_others_by_their_number(models):
    large, small = portrait(ONE, side=256).frames, portrait(OTHER, side=128).frames
    side_by_side = torch.full((1, 3, 256, 400), 0.4)
    side_by_side[..., :256], side_by_side[..., 64:192, 264:392] = large, small
    first, second = models.find(side_by_side[0])
    assert float(first.box[2]) < 256 < float(second.box[0])
    assert torch.equal(encode_face(models, side_by_side, 1).embedding, second.embedding)
    with pytest.raises(InputError, match="choose 0 to 1"):
        encode_face(models, side_by_side, 2)


def test_a_face_that_fills_the_picture_is_found_too(models):
    close = torch.nn.functional.interpolate(portrait(ONE).frames[..., 48:150, 45:147], (900, 900), mode="bilinear")
    assert len(models.find(close[0])) == 1


def test_packs_cannot_be_mixed(models):
    found = encode_face(models, portrait(ONE).frames)
    with pytest.raises(InputError, match="one pack"):
        found.similarity(replace(found, models="antelopev2", models_digest="another"))


def test_the_digest_knows_pictures_and_choice(models):
    first, same, other = (encode_face(models, portrait(ONE, moment).frames).digest for moment in (0, 0, 3))
    assert first == same != other


def test_the_preview_shows_every_reference(models):
    found = encode_face(models, torch.cat([portrait(ONE, moment).frames for moment in (0, 3, 5)]))
    sheet = face_sheet(found)
    assert sheet.shape[:2] == (1, 3)
    assert sheet.shape[-1] == 3 * 224
    assert isinstance(found, FaceIdentity)
    assert len({float(sheet[..., column : column + 224].mean()) for column in (0, 224, 448)}) == 3


def test_a_pack_in_its_zips_second_folder_is_loaded(models, tmp_path):
    shutil.copytree(MINI, tmp_path / "antelopev2" / "antelopev2")
    found = load_face_models(tmp_path / "antelopev2")
    assert found.name == "antelopev2"
    assert found.digest == models.digest


def test_two_packs_in_one_folder_are_not_guessed_between(tmp_path):
    for name in ("buffalo_l", "antelopev2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "det.onnx").touch()
    with pytest.raises(InputError, match="antelopev2, buffalo_l"):
        unnested(tmp_path)


@pytest.mark.parametrize("kept", ["scrfd_mini.onnx", "arcface_mini.onnx", None])
def test_half_a_pack_says_what_is_expected(models, tmp_path, kept):
    if kept is not None:
        shutil.copy(MINI / kept, tmp_path / kept)
    with pytest.raises(MissingModelError, match="a detector with five points"):
        load_face_models(tmp_path)
