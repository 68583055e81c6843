"""One chunk is made again; its neighbours' files stay as they are, and what they share with it stays the same."""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.engine import MotionWeaveEngine
from motionweave.errors import InputError, MediaError
from motionweave.host import load_pack
from motionweave.host.context import running_on
from motionweave.longform.plan import plan_chunks
from motionweave.longform.stitch import stitch_chunks
from motionweave.longform.store import ChunkStore
from motionweave.media import read_clip
from motionweave.request import Request
from motionweave.reroll import WovenChunks, choose_take, chunk_at, reroll_chunk
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance

FPS, OVERLAP = Fraction(7), 2
HERE = LocalRuntime(Folders(Path("input"), Path("output"), Path("temp")))


@pytest.fixture(autouse=True)
def no_grad():
    with torch.inference_mode():
        yield


def request_for(backbone, identity, folder, frames=20, chunk_frames=4, **changes) -> Request:
    plan = plan_chunks(backbone.facts, frames, FPS, chunk_frames, OVERLAP)
    return Request(backbone, identity, (), plan, DenoiseOptions(2, Guidance(1.0)), 3, folder, **changes)


@pytest.fixture(scope="module")
def made(tiny_backbone, identity, tmp_path_factory) -> Path:
    """A finished run of five chunks, to be copied."""
    folder = tmp_path_factory.mktemp("made") / "run"
    with torch.inference_mode():
        assert weave(request_for(tiny_backbone, identity, folder)) == [False] * 5
    return folder


@pytest.fixture
def five(tiny_backbone, identity, made, tmp_path) -> Request:
    """The request of that run, of which this test has a copy."""
    shutil.copytree(made, tmp_path / "run")
    return request_for(tiny_backbone, identity, tmp_path / "run")


def weave(request) -> list[bool]:
    return [made.reused for made in MotionWeaveEngine(request, HERE).generate()]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("chunk-*"))}


def test_rerolling_chunk_7_of_20_leaves_all_other_files_untouched(tiny_backbone, identity, tmp_path):
    request = request_for(tiny_backbone, identity, tmp_path, frames=80)
    assert weave(request) == [False] * 20
    before = files(tmp_path)
    record = reroll_chunk(request, HERE, 6, seed=99)
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {record.clip, record.latents} == {
        "chunk-00006-take-1.mkv", "chunk-00006-take-1.safetensors"
    }  # fmt: skip
    assert weave(request) == [True] * 20


def test_the_new_take_shows_other_pictures_between_the_same_ends(five):
    store = ChunkStore.reopen(five.folder)
    original, after = store.records()[2], store.latents(3)
    record = reroll_chunk(five, HERE, 2, seed=99)
    old, new = store.latents_of(original), store.latents(2)
    assert torch.equal(old[-OVERLAP:], new[-OVERLAP:])
    assert not torch.equal(old[:-OVERLAP], new[:-OVERLAP])
    assert torch.equal(store.latents(3), after)
    assert not torch.equal(read_clip(five.folder / original.clip), read_clip(five.folder / record.clip))
    assert [clip.path.name for clip in store.clips()][2] == record.clip


def test_takes_lie_side_by_side_and_one_can_go_back(five):
    whole = files(five.folder)
    first, second = (reroll_chunk(five, HERE, 1, seed) for seed in (5, 6))
    assert (first.take, second.take) == (1, 2)
    assert ChunkStore.reopen(five.folder).records()[1] == second
    assert choose_take(five, HERE, 1, 0).take == 0
    assert [clip.path.name for clip in ChunkStore.reopen(five.folder).clips()] == sorted(
        name for name in whole if name.endswith("mkv")
    )
    assert weave(five) == [True] * 5
    with pytest.raises(InputError, match="no take 3; there are 0, 1, 2"):
        choose_take(five, HERE, 1, 3)


def test_the_same_seed_gives_the_take_that_is_there(five):
    first = reroll_chunk(five, HERE, 1, 5)
    choose_take(five, HERE, 1, 0)
    there = files(five.folder)
    assert reroll_chunk(five, HERE, 1, 5) == first
    assert files(five.folder) == there


def test_changed_inputs_make_a_rerolled_chunk_again(five):
    reroll_chunk(five, HERE, 1, 5)
    changed = replace(five, motion_bucket=30.0)
    assert weave(changed) == [False] * 5
    assert ChunkStore.reopen(five.folder).records()[1].take == 0


def test_a_damaged_take_is_decoded_again_or_gives_way_to_the_original(five):
    record = reroll_chunk(five, HERE, 1, 5)
    whole = files(five.folder)
    (five.folder / record.clip).write_bytes(b"damaged")
    assert weave(five) == [True, False, True, True, True]
    assert files(five.folder) == whole
    assert ChunkStore.reopen(five.folder).records()[1] == replace(
        record, seconds=ChunkStore.reopen(five.folder).records()[1].seconds
    )
    (five.folder / record.latents).write_bytes(b"damaged")
    assert weave(five) == [True] * 5
    assert ChunkStore.reopen(five.folder).records()[1].take == 0


@pytest.mark.parametrize("index", [0, 4])
def test_the_first_and_the_last_chunk_can_be_rerolled(five, index):
    before = files(five.folder)
    assert reroll_chunk(five, HERE, index, 5).take == 1
    assert {name: data for name, data in files(five.folder).items() if name in before} == before


def test_a_moved_back_last_chunk_is_made_again_with_the_one_it_goes_on_from(tiny_backbone, identity, tmp_path):
    request = request_for(tiny_backbone, identity, tmp_path, frames=13, chunk_frames=3)
    assert [window.context for window in request.plan.windows()] == [0, 2, 2, 2, 3]
    weave(request)
    before = files(tmp_path)
    reroll_chunk(request, HERE, 3, 5)
    after = files(tmp_path)
    assert {name for name in before if after[name] != before[name]} == {"chunk-00004.mkv", "chunk-00004.safetensors"}
    assert weave(request) == [True] * 5
    choose_take(request, HERE, 3, 0)
    assert {name: files(tmp_path)[name] for name in before} == before


def test_a_stopped_reroll_leaves_the_run_as_it_was(five):
    before = files(five.folder)

    class StopError(Exception):
        """Stands for a host's own interrupt."""

    def stop(progress):
        raise StopError

    with pytest.raises(StopError):
        reroll_chunk(five, LocalRuntime(HERE.folders, on_progress=stop), 1, 5)
    assert files(five.folder) == before
    assert len(ChunkStore.reopen(five.folder).clips()) == 5


def test_what_cannot_be_rerolled_is_refused(tiny_backbone, identity, tmp_path):
    request = request_for(tiny_backbone, identity, tmp_path)
    with pytest.raises(InputError, match="not a run directory"):
        reroll_chunk(request, HERE, 1, 5)
    weave(request)
    with pytest.raises(InputError, match="has chunks 1 to 5"):
        reroll_chunk(request, HERE, 5, 5)
    with pytest.raises(InputError, match="from other inputs"):
        reroll_chunk(replace(request, seed=8), HERE, 1, 5)
    with pytest.raises(InputError, match="another one by now"):
        reroll_chunk(replace(request, plan=replace(request.plan, frame_count=16)), HERE, 1, 5)
    assert weave(request) == [True] * 5
    tight = request_for(tiny_backbone, identity, tmp_path / "tight", frames=8, chunk_frames=2)
    weave(tight)
    with pytest.raises(InputError, match="none could change"):
        reroll_chunk(tight, HERE, 1, 5)


def test_a_second_of_the_video_names_its_chunk(tiny_backbone, identity, tmp_path):
    plan = request_for(tiny_backbone, identity, tmp_path).plan
    assert [chunk_at(plan, second) for second in (0, 3.99 / 7, 4 / 7, 2.8)] == [0, 0, 1, 4]
    with pytest.raises(InputError, match=r"from 0 to 2\.85"):
        chunk_at(plan, 20 / 7 + 1e-9)


def test_the_chunks_know_what_they_were_made_from(five):
    chunks = WovenChunks.of(five)
    assert len(chunks.clips()) == 5
    reroll_chunk(chunks.request, HERE, 1, 5)
    assert chunks.clips()[1].path.name == "chunk-00001-take-1.mkv"


def test_chunks_that_are_made_again_while_they_are_joined_are_not_mixed(five, tmp_path):
    """Two runs of one name, of which one is being joined: rather no video than one of both."""

    def remake(progress):
        if progress.chunk == 1:
            weave(replace(five, seed=77))

    with pytest.raises(MediaError, match="made again while they were joined"):
        stitch_chunks(ChunkStore.reopen(five.folder), tmp_path / "video.mp4", on_progress=remake)
    assert not (tmp_path / "video.mp4").exists()
    assert stitch_chunks(ChunkStore.reopen(five.folder), tmp_path / "video.mp4").frame_count == 20


@pytest.mark.parametrize("context", ["fused", "independent"])
def test_rerolling_leaves_the_neighbours_alone_whatever_the_context(tiny_backbone, identity, tmp_path, context):
    backbone = replace(tiny_backbone, facts=replace(tiny_backbone.facts, image_role="reference"))
    request = request_for(backbone, identity, tmp_path)
    request = replace(request, plan=replace(request.plan, context=context))
    weave(request)
    before = files(tmp_path)
    record = reroll_chunk(request, HERE, 2, seed=99)
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    store = ChunkStore.reopen(tmp_path)
    original = next(take for take in store.takes(2, record.key) if take.take == 0)
    kept = torch.equal(store.latents_of(record)[-OVERLAP:], store.latents_of(original)[-OVERLAP:])
    assert kept == (context == "fused")
    assert weave(request) == [True] * 5


def test_the_nodes_go_from_weave_through_rerolls_to_the_video(tiny_backbone, identity, tmp_path):
    nodes = load_pack()
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    plan = plan_chunks(tiny_backbone.facts, 12, FPS)
    with running_on(LocalRuntime(folders)):
        chunks = nodes["MotionWeaveWeave"].execute(
            tiny_backbone, identity, plan, "run", 1, 1.0, 0.0, 127.0, 0, 3
        ).args[0]  # fmt: skip
        before = files(chunks.folder)
        again = nodes["MotionWeaveRerollChunk"]
        assert again.execute(chunks, second=0.6, seed=5).args == (chunks, 1)
        assert again.execute(chunks, second=0.0, seed=5, chunk=3).args == (chunks, 1)
        assert {name: data for name, data in files(chunks.folder).items() if name in before} == before
        assert [clip.path.stem for clip in chunks.clips()] == [
            "chunk-00000",
            "chunk-00001-take-1",
            "chunk-00002-take-1",
        ]
        assert again.execute(chunks, second=0.6, seed=5, take=0).args == (chunks, 0)
        plain = ChunkStore.reopen(chunks.folder)
        with pytest.raises(InputError, match="come from Weave"):
            again.execute(plain, second=0.6, seed=5)
