"""A finished video's measures: what `motionweave score`, the node Score Video and benchmarks report."""

from .chart import score_chart
from .measure import ScoreOptions, joins_of, score_video
from .result import FrameMeasures, VideoScore

__all__ = ["FrameMeasures", "ScoreOptions", "VideoScore", "joins_of", "score_chart", "score_video"]
