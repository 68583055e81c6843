"""What a run takes on disk, before it is made."""

from __future__ import annotations

from ..backbones.base import BackboneFacts
from ..types import Size
from .plan import ChunkPlan
from .store import ChunkStore

CLIP_SHARE = 0.31
"""Bytes of a lossless clip for each byte of its pixels. Measured: 0.23 to 0.25 for Mini's frames at 128x128, 0.11 to
0.31 for six films of people from 640x480 to 720x1080, and for the same at half their size."""

FILE_BYTES = 4096
"""What each file takes beside its data: headers, its line in the journal, the rest of its last block."""


def disk_bytes(plan: ChunkPlan, size: Size, facts: BackboneFacts, share: float = CLIP_SHARE) -> int:
    """Predict what a finished run directory holds: clips, and the latents that chunks carry on from.

    Windows that are denoised together keep the video's latents once more. While they are, a step's are written beside
    those of the step before, with what the solver remembers; clips come only after that, and are larger.

    Args:
        plan: How the video is cut.
        size: Its picture size.
        facts: The backbone's.
        share: Bytes of a clip for each byte of pixels; `clip_share` gives that of chunks which are made already.

    Returns:
        Bytes.
    """
    windows = plan.windows()
    lead = sum(min(window.context, plan.fade) for window in windows)
    pixels = 3 * size.width * size.height
    cells = (size.width // facts.spatial_compression) * (size.height // facts.spatial_compression)
    latents = 4 * facts.latent_channels * cells * -(-plan.frame_count // facts.temporal_compression)
    latents *= 1 + plan.together
    return round((plan.frame_count + lead) * pixels * share) + latents + 2 * FILE_BYTES * len(windows)


def clip_share(store: ChunkStore) -> float:
    """Measure how many bytes a run's clips take for each byte of their pixels.

    Args:
        store: The run; `CLIP_SHARE` holds as long as none of its chunks is made.
    """
    records = store.records().values()
    pixels = 3 * store.size.width * store.size.height * sum(record.frame_count + record.lead for record in records)
    taken = sum((store.folder / record.clip).stat().st_size for record in records)
    return taken / pixels if pixels else CLIP_SHARE
