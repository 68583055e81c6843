"""Windows of prepared films: the same for a seed and a number, whoever draws them."""

from dataclasses import fields, replace
from fractions import Fraction

import pytest
import torch

from motionweave.dataset.film import Film
from motionweave.dataset.prepare import prepare
from motionweave.dataset.windows import Share, Windows, WindowSpec, read_clips, stream
from motionweave.errors import InputError

SPEC = WindowSpec(frames=3, signals=("pose",))


@pytest.fixture
def dataset(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [(1.0, 0.1, 0.1), (0.1, 0.1, 1.0)])
    prepare(tmp_path, how, runtime)
    return tmp_path


def same(first, second):
    return all(torch.equal(getattr(first, each.name), getattr(second, each.name)) for each in fields(first))


def drawn(folder, spec, share=None, first=0, stop=6):
    return list(stream(Windows(folder, spec), share or Share(2), first, stop))


def test_a_step_sees_the_same_however_it_is_reached(dataset):
    whole = drawn(dataset, SPEC)
    rest = drawn(dataset, SPEC, first=4)
    assert all(same(one, other) for one, other in zip(whole[4:], rest, strict=True))
    apart = [drawn(dataset, SPEC, Share(1, rank, 2)) for rank in range(2)]
    assert all(
        torch.equal(both.latents[rank], apart[rank][step].latents[0])
        for step, both in enumerate(whole)
        for rank in range(2)
    )
    assert not same(whole[0], drawn(dataset, replace(SPEC, seed=1))[0])
    assert len({float(batch.latents.sum()) for batch in whole}) > 1


def test_workers_change_nothing(dataset):
    read_ahead = drawn(dataset, SPEC, Share(2, workers=1), stop=2)
    assert all(same(one, other) for one, other in zip(drawn(dataset, SPEC, stop=2), read_ahead, strict=True))


def test_windows_stay_within_their_clip_and_signals_belong_to_their_frames(dataset):
    clips, windows = read_clips(dataset), Windows(dataset, SPEC)
    film = Film(dataset / "prepared/films" / clips[0].film)
    every = film.latents(list(range(film.frame_count)))
    starts = set()
    for index in range(40):
        window = windows[index]
        start = next(start for start in range(14) if torch.equal(every[start : start + 3], window.latents))
        assert any(clip.start <= start and start + 3 <= clip.stop for clip in clips)
        assert torch.equal(window.pose, film.poses([start, start + 1, start + 2]))
        shot = every[0:8] if start < 8 else every[8:16]
        assert any(torch.equal(each / film.scaling, window.reference) for each in shot)
        starts.add(start)
    assert starts == {*range(6), *range(8, 14)}


def test_a_first_frame_is_the_reference_of_backbones_that_go_on_from_it(dataset):
    windows = Windows(dataset, replace(SPEC, reference="first"))
    film = Film(dataset / "prepared/films" / read_clips(dataset)[0].film)
    for index in range(8):
        window = windows[index]
        assert torch.equal(window.reference * film.scaling, window.latents[0]) or torch.allclose(
            window.reference * film.scaling, window.latents[0]
        )


def test_a_lower_frame_rate_spans_more_of_the_film(dataset):
    window = Windows(dataset, replace(SPEC, fps=(Fraction(4), Fraction(60))))[0]
    film = Film(dataset / "prepared/films" / read_clips(dataset)[0].film)
    every = film.latents(list(range(16)))
    assert float(window.fps) == 4
    assert any(torch.equal(every[[start, start + 2, start + 4]], window.latents) for start in range(12))


def test_what_holds_no_window_is_told(dataset, tiny_backbone):
    Windows(dataset, SPEC).require_backbone(tiny_backbone.digest)
    with pytest.raises(InputError, match="another backbone"):
        Windows(dataset, SPEC).require_backbone("other")
    with pytest.raises(InputError, match="holds a window of 9 frames"):
        Windows(dataset, replace(SPEC, frames=9))
    with pytest.raises(InputError, match="none of the 0 test clips"):
        Windows(dataset, replace(SPEC, split="test"))
    with pytest.raises(InputError, match="--depth"):
        Windows(dataset, replace(SPEC, signals=("depth",)))
    with pytest.raises(InputError, match="not prepared"):
        Windows(dataset / "videos", SPEC)
