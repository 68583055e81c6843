"""What counts in a run directory, after whatever happened to it."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.errors import InputError, MediaError
from motionweave.longform.journal import ChunkRecord, Journal
from motionweave.longform.lock import held
from motionweave.longform.plan import ChunkPlan
from motionweave.longform.store import ChunkStore, Take
from motionweave.types import Size

PLAN = ChunkPlan(12, Fraction(7), 4, 2, 4)
SIZE = Size(16, 16)


def record(index: int, key: str = "key", take: int = 0) -> ChunkRecord:
    return ChunkRecord(index, key, 4, f"{index}.mkv", f"{index}.safetensors", "c", "l", 1.0, take=take)


def save(store: ChunkStore, index: int, key: str = "key", value: float = 0.0, lead: int = 0) -> ChunkRecord:
    return store.save(index, key, torch.rand(4 + lead, 3, 16, 16), torch.full((4, 4, 2, 2), value), 1.0, lead)


@pytest.fixture
def store(tmp_path) -> ChunkStore:
    store = ChunkStore(tmp_path / "run", PLAN, SIZE)
    with store.writing():
        for index in range(3):
            save(store, index)
        store.finish()
    return store


def test_after_a_stopped_walk_only_what_it_reached_counts(store):
    again = ChunkStore.reopen(store.folder)
    with again.writing():
        save(again, 1, "other")
    assert sorted(ChunkStore.reopen(store.folder).records()) == [0, 1]
    with pytest.raises(InputError, match="1 of 3 chunks are not made yet, the first is 3"):
        store.clips()
    with again.writing():
        again.finish()
    assert len(store.clips()) == 3


def test_another_plan_makes_chunks_count_only_once_a_walk_was_there(store):
    longer = ChunkStore.open(store.folder, replace(PLAN, frame_count=16), SIZE)
    with pytest.raises(InputError, match="4 of 4 chunks"):
        longer.clips()
    assert longer.finished(0, "key") is not None
    ChunkStore.open(store.folder, PLAN, SIZE)
    assert ChunkStore.reopen(store.folder).plan == PLAN


def test_a_chunk_with_too_short_a_lead_needs_but_decoding(store):
    assert store.finished(1, "key", lead=2) is None
    assert store.kept(1, "key") is not None
    save(store, 1, lead=2)
    found = store.finished(1, "key", lead=1)
    assert found is not None
    assert (found.lead, found.frame_count) == (2, 4)


@pytest.mark.parametrize("ending", ["mkv", "safetensors"])
def test_damage_is_seen_by_checksum(store, ending):
    path = store.folder / f"chunk-00001.{ending}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert store.finished(1, "key") is None
    assert (store.kept(1, "key") is None) == (ending == "safetensors")


def test_the_journal_reads_only_what_was_added_and_sees_what_others_add(tmp_path):
    journal, other = Journal(tmp_path / "journal.jsonl"), Journal(tmp_path / "journal.jsonl")
    assert journal.current() == {}
    journal.add(record(0))
    other.add(record(1))
    assert sorted(journal.current()) == [0, 1]
    (tmp_path / "journal.jsonl").write_text("")
    assert journal.current() == {}


def test_a_torn_line_is_closed_off_and_what_is_no_record_is_passed_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.add(record(0))
    with path.open("ab") as file:
        file.write(b'[1]\n{"index": 5, "unknown": 1}\n\xff\xfe\n{"index": 1, "ke')
    assert sorted(journal.current()) == [0]
    journal.add(record(2))
    assert sorted(journal.current()) == sorted(Journal(path).current()) == [0, 2]


def test_takes_come_in_the_order_in_which_they_were_chosen(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    for entry in (record(0), record(0, take=1), record(0, "other"), record(0, take=2), record(0)):
        journal.add(entry)
    assert [take.take for take in journal.takes(0, "key")] == [0, 2, 1]
    assert [take.take for take in journal.takes(0, "other")] == [0]


def test_a_take_keeps_the_files_of_the_others(store):
    made = store.save(1, "key", torch.rand(4, 3, 16, 16), torch.ones(4, 4, 2, 2), 1.0, take=Take(1, 9))
    store.finish()
    assert (made.clip, made.seed) == ("chunk-00001-take-1.mkv", 9)
    assert store.latents(1).eq(1).all()
    assert {path.name for path in store.folder.glob("chunk-00001*.mkv")} == {"chunk-00001.mkv", made.clip}
    (store.folder / made.latents).unlink()
    found = store.finished(1, "key")
    assert found is not None
    assert found.take == 0
    assert store.latents(1).eq(0).all()


def test_leftovers_go_at_the_next_opening_and_nothing_else_does(store):
    leftover, foreign = store.folder / ".chunk-00002-take-3.00ff00ff.part", store.folder / ".mine.part"
    leftover.touch()
    foreign.touch()
    ChunkStore.open(store.folder, PLAN, SIZE)
    assert (leftover.exists(), foreign.exists()) == (False, True)


def test_a_run_directory_that_is_at_work_is_refused_with_who_holds_it(store):
    with held(store.folder), pytest.raises(MediaError, match=r"run: process \d+ on .*, since .* is at work"):
        ChunkStore.open(store.folder, PLAN, SIZE)
    ChunkStore.open(store.folder, PLAN, SIZE)


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path):
    with pytest.raises(InputError, match="is not a run directory"):
        ChunkStore.reopen(tmp_path)


def test_a_long_finished_run_is_gone_through_once(tmp_path):
    """Each byte of the journal is read once, however often records are asked for."""
    journal = Journal(tmp_path / "journal.jsonl")
    for index in range(50):
        journal.add(record(index))
    read = 0

    class Counting(type(journal.path)):
        def open(self, *arguments, **named):
            nonlocal read
            read += 1
            return super().open(*arguments, **named)

    fresh = Journal(Counting(journal.path))
    for index in range(50):
        assert fresh.records()[index].index == index
        assert fresh.takes(index, "key")
    assert read == 1
