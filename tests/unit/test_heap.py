"""Freed memory is there for the next tensor."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from motionweave.heap import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(30):  # until the heap is large enough
    torch.ones(16_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(16_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told")
def test_tensors_of_one_size_touch_no_new_pages():
    faults = {}
    for how in ("plain", "kept"):
        done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        faults[how] = int(done.stdout)
    assert faults["kept"] < 0.5 * faults["plain"]  # none as a rule, some where pieces of the heap do not fit
