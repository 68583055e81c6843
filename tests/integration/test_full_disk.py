"""A disk that is full or may not be written: one clear line, no finished chunk lost, nothing half-written left."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from apart import AVAILABLE, exit_code, start
from small_runs import SIZE, as_nobody, choose_the_first, fill, limited, noise, stitch

from motionweave.longform.disk import clip_share, disk_bytes
from motionweave.longform.plan import Joining, plan_chunks
from motionweave.longform.store import ChunkStore

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="limits are set in processes that are forked")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in (".lock", ".owner.json")}


def refused(told: Path, work, *arguments) -> str:
    """Do something in a process of its own, and give what it was refused with."""
    assert exit_code(start(work, *arguments)) == 0
    return told.read_text() if told.exists() else ""


@pytest.mark.parametrize("limit", [5_000, 30_000, 36_000])
def test_a_clip_that_does_not_fit_is_refused_and_what_was_finished_stays(tmp_path, limit):
    """A limit on the size of a file stands for the full disk: it needs no rights, and fails in the same calls."""
    run = tmp_path / "run"
    fill(run, upto=2)
    before = files(run)
    assert min(path.stat().st_size for path in run.glob("*.mkv")) > 36_000

    told = refused(tmp_path / "told", limited, limit, tmp_path / "told", fill, run)
    assert told.startswith("chunk-00002.mkv: cannot be written: ")
    assert "its disk has room" in told
    assert {name: data for name, data in files(run).items() if name != "journal.jsonl"} == {
        name: data for name, data in before.items() if name != "journal.jsonl"
    }
    fill(run)
    assert len(ChunkStore.reopen(run).clips()) == 3


def test_a_journal_that_cannot_grow_stays_readable(tmp_path):
    run = tmp_path / "run"
    fill(run, upto=2)
    size = (run / "journal.jsonl").stat().st_size

    told = refused(tmp_path / "told", limited, size + 20, tmp_path / "told", choose_the_first, run)
    assert told.startswith("journal.jsonl: cannot be written: ")
    assert (run / "journal.jsonl").stat().st_size == size
    assert sorted(ChunkStore.reopen(run).records()) == [0, 1]


def test_a_video_that_does_not_fit_is_refused_and_the_one_before_stays(tmp_path):
    run, video = tmp_path / "run", tmp_path / "video.mp4"
    fill(run)
    stitch(run, video)
    before = video.read_bytes()

    told = refused(tmp_path / "told", limited, len(before) // 2, tmp_path / "told", stitch, run, video)
    assert told.startswith("video.mp4: cannot be written: ")
    assert video.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "told", "video.mp4"]


def test_a_disk_that_is_really_full_is_refused_in_the_systems_words(tmp_path):
    """On a small file system of its own, where the system lets ordinary processes mount one."""
    mount = ["unshare", "--user", "--map-root-user", "--mount"] if os.geteuid() else ["unshare", "--mount"]
    small = tmp_path / "small"
    small.mkdir()
    tried = [*mount, "mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(small)]
    if not shutil.which("unshare") or subprocess.run(tried, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a small file system")
    code = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
from small_runs import ChunkStore, MediaError, fill
run = Path({str(small)!r}) / "run"
try:
    fill(run)
except MediaError as error:
    print(error)
print(sorted(ChunkStore.reopen(run).records()), [path.name for path in run.glob(".*.part")])
"""
    script = f'mount -t tmpfs -o size=192k tmpfs "{small}" && exec "$0" -c "$1"'
    done = subprocess.run([*mount, "sh", "-c", script, sys.executable, code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told, made = done.stdout.splitlines()
    assert told.startswith("chunk-00002.mkv: cannot be written: No space left on device; ")
    assert made == "[0, 1] []"


def test_a_read_only_run_directory_is_refused_and_stays_as_it_is():
    """Root may write anywhere, so the attempt is made as nobody."""
    with tempfile.TemporaryDirectory() as base:
        run = Path(base) / "run"
        Path(base).chmod(0o755)
        fill(run, upto=2)
        before = files(run)
        told = Path(base) / "told"
        told.touch(0o666)
        told.chmod(0o666)
        run.chmod(0o555)

        try:
            message = refused(told, as_nobody, told, fill, run)
        finally:
            run.chmod(0o755)
        assert "cannot be written: Permission denied" in message
        assert files(run) == before
        fill(run)
        assert len(ChunkStore.reopen(run).clips()) == 3


def test_what_a_run_takes_is_known_beforehand(tiny_backbone, tmp_path):
    """Within what compression leaves open: noise does not compress, so its share is given."""
    plan = plan_chunks(tiny_backbone.facts, 12, Fraction(7), 4, 2, Joining(blend="cut"))
    store = ChunkStore(tmp_path / "run", plan, SIZE)
    with store.writing():
        for index in range(3):
            store.save(index, "key", noise(index), torch.zeros(4, 4, 8, 8), 1.0)
    clips = sum(path.stat().st_size for path in store.folder.glob("*.mkv"))
    taken = sum(path.stat().st_size for path in store.folder.glob("chunk-*"))
    share = clip_share(store)
    assert share == clips / (12 * 3 * 64 * 64)
    predicted = disk_bytes(store.plan, SIZE, tiny_backbone.facts, share)
    assert taken <= predicted <= taken + 3 * 2 * 4096
    short, long = (disk_bytes(replace(store.plan, frame_count=n), SIZE, tiny_backbone.facts) for n in (12, 24))
    assert abs(long - 2 * short) <= 1
