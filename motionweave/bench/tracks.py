"""Every extractor of a track against Marionette's truth, on held-out characters, motions, lights and voices.

What each key means stands where it is measured: `pose`, `depth`, `light`, `speech`, `audio_motion`, `identity`,
`camera`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

CLIPS = 200
CHARACTERS = 100


def tracks(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many held-out clips.
        on_clip: Told of each clip whose poses were read, the longest part.
        keep: Not used; there are no made frames to show.

    Returns:
        ``figures`` of every signal, and no baselines.
    """
    from .audio_motion import measure_audio_motion
    from .camera import measure_camera
    from .depth import measure_depth
    from .identity import measure_identity
    from .light import measure_light
    from .pose import measure_pose
    from .speech import measure_speech

    del keep
    figures = measure_pose(clips, on_clip)
    figures |= measure_depth(clips) | measure_light(clips) | measure_speech(clips)
    figures |= measure_audio_motion(clips)
    figures |= measure_identity(min(clips, CHARACTERS)) | measure_camera(clips)
    return {"figures": figures, "baselines": {}}
