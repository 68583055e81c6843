from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from motionweave.media.files import partial_path, whole_file

WRITER = """
import os, sys
from pathlib import Path
from motionweave.media.files import whole_file

with whole_file(Path(sys.argv[1])) as partial:
    partial.write_bytes(b"half")
    print(partial.name, flush=True)
    sys.stdin.readline()
    os._exit(1)
"""


def writing(path: Path) -> subprocess.Popen[str]:
    """Begin to write a file in another process, which ends in the middle of it when it is told to."""
    command = [sys.executable, "-c", WRITER, str(path)]
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=root)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_dead_process_left_of_a_file_goes_when_it_is_written_again(tmp_path: Path) -> None:
    target, other = tmp_path / "my [dance].mp4", tmp_path / "other.mp4"
    with writing(target) as first, writing(other) as second:
        assert first.stdout is not None and second.stdout is not None
        mine, theirs = first.stdout.readline().strip(), second.stdout.readline().strip()
        assert names(tmp_path) == {mine, theirs}
        with whole_file(target) as partial:  # while the other process still lives
            partial.write_bytes(b"whole")
        assert names(tmp_path) == {target.name, mine, theirs}
        first.communicate("end\n")
        second.communicate("end\n")
    with whole_file(target) as partial:
        partial.write_bytes(b"whole")
    assert names(tmp_path) == {target.name, theirs}


def test_what_only_looks_like_an_unfinished_file_and_what_another_machine_writes_stays(tmp_path: Path) -> None:
    machine = partial_path(tmp_path / "dance.mp4").name.split(".")[2].split("-")[0]
    gone = 2**22 + 1  # more processes than Linux has
    another = "00000000" if machine != "00000000" else "11111111"
    kept = {f".dance.{another}-{gone}.00ff00ff.part", f".dancer.{machine}-{gone}.00ff00ff.part",
            f".dance.{machine}-{gone}.00ff00ff.mp4", ".dance.00ff00ff.part", ".dance.part", "dance.part"}  # fmt: skip
    for name in (*kept, f".dance.{machine}-{gone}.00ff00ff.part"):
        (tmp_path / name).touch()
    partial_path(tmp_path / "dance.mp4")
    assert names(tmp_path) == kept


def test_a_process_that_was_given_a_dead_ones_number_does_not_keep_its_files(tmp_path: Path) -> None:
    fresh, old = partial_path(tmp_path / "dance.mp4"), partial_path(tmp_path / "dance.mp4")
    for path in (fresh, old):
        path.touch()
    os.utime(old, (1e9, 1e9))  # written before this very process began
    partial_path(tmp_path / "dance.mp4")
    assert names(tmp_path) == {fresh.name}
