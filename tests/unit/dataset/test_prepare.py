"""Preparing a dataset: what is read, what is left out and said, and what is not done twice."""

import json
from dataclasses import replace

import pytest
import torch

from motionweave.dataset.choose import Filters
from motionweave.dataset.entries import METADATA
from motionweave.dataset.film import Film
from motionweave.dataset.prepare import prepare, read_portrait
from motionweave.errors import InputError, MotionWeaveError
from motionweave.media import read_clip, write_image
from motionweave.types import float_pixels

RED, BLUE = (1.0, 0.1, 0.1), (0.1, 0.1, 1.0)


def films_of(folder):
    return sorted((folder / "prepared/films").iterdir())


def test_a_film_of_two_shots_becomes_two_clips(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [RED, BLUE])
    report = prepare(tmp_path, how, runtime)
    assert [(clip.start, clip.stop) for clip in report.clips] == [(0, 8), (8, 16)]
    assert all(clip.one_person == 1 and clip.face == 1 and clip.motion > 0 for clip in report.clips)
    told = json.loads((tmp_path / "prepared" / METADATA).read_text())
    assert [each["file"] for each in told] == ["videos/a.mp4"] * 2 and told[0]["split"] == "train"
    assert not (tmp_path / METADATA).exists()


def test_what_was_read_is_what_the_models_make_of_the_frames(tmp_path, write_film, how, runtime, tiny_backbone):
    path = write_film(tmp_path / "videos/a.mp4", [RED])
    prepare(tmp_path, how, runtime)
    film, pixels = Film(films_of(tmp_path)[0]), float_pixels(read_clip(path))
    with torch.inference_mode():
        latents, tokens = tiny_backbone.encode_clip(pixels[2:5]), tiny_backbone.embed(pixels[4:5])
    torch.testing.assert_close(film.latents([2, 3, 4]), latents.float(), atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(film.token(4), tokens, atol=1e-3, rtol=1e-3)
    assert film.frame_count == 8 and film.fps == 8
    assert film.poses([0, 7]).shape == (2, 3, 32, 32) and film.poses([0]).any()


def test_frames_are_read_once_and_a_second_call_reads_none(tmp_path, write_film, how, runtime, squares):
    write_film(tmp_path / "videos/a.mp4", [RED])
    assert prepare(tmp_path, how, runtime).read_now == 1
    assert sum(squares.seen) == 8 and max(squares.seen) <= squares.batch_size
    squares.seen.clear()
    again = prepare(tmp_path, replace(how, filters=Filters(least_s=5)), runtime)
    assert (again.read_now, again.films, squares.seen) == (0, 1, [])
    assert again.clips == [] and again.reasons == {"too short": 1}


def test_a_call_that_is_stopped_goes_on_with_the_film_it_was_at(tmp_path, write_film, how, runtime, squares):
    for name in ("a", "b"):
        write_film(tmp_path / f"videos/{name}.mp4", [RED if name == "a" else BLUE])

    class StopError(Exception):
        pass

    def stop(progress):
        if progress.stage == "b.mp4":
            raise StopError

    with pytest.raises(StopError):
        prepare(tmp_path, how, replace(runtime, on_progress=stop))
    assert len(films_of(tmp_path)) == 1
    # As a kill leaves it, which runs no clean-up.
    (tmp_path / "prepared/films/0.part").mkdir()
    squares.seen.clear()
    report = prepare(tmp_path, how, runtime)
    assert (report.read_now, report.films, len(report.clips)) == (1, 2, 2)
    assert sum(squares.seen) == 8


def test_broken_films_are_named_counted_and_never_fatal(tmp_path, write_film, how, runtime):
    whole = write_film(tmp_path / "videos/whole.mp4", [RED]).read_bytes()
    write_film(tmp_path / "videos/one.mp4", [RED], count=1)
    (tmp_path / "videos/text.mp4").write_text("no video")
    (tmp_path / "videos/empty.mp4").touch()
    (tmp_path / "videos/cut.mp4").write_bytes(whole[: len(whole) // 3])
    report = prepare(tmp_path, how, runtime)
    assert {problem.file for problem in report.problems} == {f"videos/{name}.mp4" for name in ("cut", "empty", "text")}
    assert [problem.file for problem in report.refused] == ["videos/one.mp4 frames 0-0"]
    assert [clip.file for clip in report.clips] == ["videos/whole.mp4"]
    told = "\n".join(report.lines())
    assert "videos/empty.mp4" in told and "3 left out" in told and "1 too short" in told
    assert json.loads((tmp_path / "prepared/report.json").read_text())["left_out"]
    assert len(films_of(tmp_path)) == 2


def test_wrong_entries_are_named_and_the_others_are_taken(tmp_path, write_film, how, runtime):
    for name in ("a", "b", "c", "d"):
        write_film(tmp_path / f"videos/{name}.mp4", [RED])
    (tmp_path / METADATA).write_text(
        json.dumps(
            [
                {"file": "videos/a.mp4", "prompt": "somebody", "split": "test"},
                {"file": "videos/a.mp4"},
                {"file": "videos/b.mp4", "split": "half"},
                {"file": "../outside.mp4"},
                {"file": "videos/lost.mp4"},
                {"file": "videos/d.mp4", "image": "videos"},
                {"prompt": "of nothing"},
                7,
            ]
        ),
        encoding="utf-8-sig",
    )
    report = prepare(tmp_path, how, runtime)
    assert [(clip.file, clip.prompt, clip.split) for clip in report.clips] == [
        ("videos/a.mp4", "somebody", "test"),
        ("videos/c.mp4", "", "train"),
    ]
    assert len(report.problems) == 7
    assert any("outside" in problem.line() for problem in report.problems)


@pytest.mark.parametrize(
    ("filters", "square", "reason"),
    [
        (Filters(least_s=0.5, least_motion=100, most_motion=200), True, "too still"),
        (Filters(least_s=0.5, most_motion=0.011), True, "too wild"),
        (Filters(least_s=0.5, least_motion=0), False, "not one person"),
        (Filters(least_s=0.5, least_motion=0, one_person=0, face=0.5), False, "no face"),
    ],
)
def test_filters_say_what_they_refuse(tmp_path, write_film, how, runtime, filters, square, reason):
    write_film(tmp_path / "videos/a.mp4", [RED], square=square)
    report = prepare(tmp_path, replace(how, filters=filters), runtime)
    assert report.clips == [] and dict(report.reasons) == {reason: 1}


def test_long_shots_are_cut_into_equal_clips(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [RED], count=10)
    report = prepare(tmp_path, replace(how, filters=Filters(least_s=0.5, most_s=1)), runtime)
    assert [(clip.start, clip.stop) for clip in report.clips] == [(0, 5), (5, 10)]


def test_a_picture_of_the_character_is_read_too(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [RED])
    write_image(tmp_path / "who.png", torch.rand(1, 3, 40, 30))
    (tmp_path / METADATA).write_text(json.dumps([{"file": "videos/a.mp4", "image": "who.png"}]))
    clip = prepare(tmp_path, how, runtime).clips[0]
    latents, token = read_portrait(tmp_path, clip.portrait)
    assert latents.shape == (4, 4, 4) and token.shape == (1, 32)


@pytest.mark.parametrize("what", ["missing", "empty", "no list"])
def test_a_folder_without_a_dataset_is_refused_at_once(tmp_path, how, runtime, what):
    folder = tmp_path / "set"
    if what != "missing":
        (folder / "videos").mkdir(parents=True)
    if what == "no list":
        (folder / METADATA).write_text("{}")
    with pytest.raises(InputError):
        prepare(folder, how, runtime)


def test_a_damaged_film_is_told(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [RED])
    prepare(tmp_path, how, runtime)
    place = films_of(tmp_path)[0]
    (place / "latents.f16").write_bytes(b"")
    with pytest.raises(MotionWeaveError, match="damaged"):
        Film(place).latents([0])
