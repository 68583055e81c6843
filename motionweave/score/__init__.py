"""A finished video's measures: what `motionweave score`, the node Score Video and benchmarks report."""

from .chart import score_chart
from .files import ScoreRequest, find_recogniser, score_file
from .measure import ScoreOptions, joins_of, joins_of_plan, score_video
from .result import FrameMeasures, VideoScore

__all__ = [
    "FrameMeasures",
    "ScoreOptions",
    "ScoreRequest",
    "VideoScore",
    "find_recogniser",
    "joins_of",
    "joins_of_plan",
    "score_chart",
    "score_file",
    "score_video",
]
