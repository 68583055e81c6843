"""What has changed in a sound, moment by moment.

A speech model normalises over the whole sound and attends to all of it, so every feature changes a little with every
word, and features say of nothing that it stayed as it was. The sound itself does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import torch
from torch import Tensor

BLOCK_S = Fraction(1, 50)
"""Seconds of sound to a mark."""


@dataclass(frozen=True)
class SoundMarks:
    """A hash of each short block of a sound."""

    origin: str
    """What else features depend on: the model, and what is taken from it."""
    marks: Tensor
    """(M,) int64, `BLOCK_S` apart from the first sample on."""

    def digest(self, start_s: Fraction, stop_s: Fraction) -> str:
        """Hash a part of the sound.

        Args:
            start_s: From where, in seconds; the block that it falls in counts.
            stop_s: To where; the same.
        """
        first, last = max(floor(start_s / BLOCK_S), 0), max(ceil(stop_s / BLOCK_S), 0)
        hashed = hashlib.sha256(f"{self.origin} {start_s} {stop_s}".encode())
        hashed.update(self.marks[first:last].contiguous().numpy().tobytes())
        return hashed.hexdigest()


def mark_sound(sound: Tensor, sample_rate: int, origin: str) -> SoundMarks:
    """Mark a sound.

    Args:
        sound: (N,) float32.
        sample_rate: Samples per second.
        origin: What else features depend on.
    """
    blocks = sound.split(max(1, round(BLOCK_S * sample_rate)))
    hashes = (hashlib.blake2b(block.contiguous().numpy().tobytes(), digest_size=8).digest() for block in blocks)
    marks = [int.from_bytes(each, "little", signed=True) for each in hashes]
    return SoundMarks(origin, torch.tensor(marks, dtype=torch.int64))
