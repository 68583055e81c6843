"""What of a run does not fit together: lengths, frame rates, sound, the pose and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ..controls.base import Control, TrackControl
from ..controls.speech import SpeechControl
from ..errors import InputError
from ..tracks.pose import KeypointTrack, PoseTrack
from ..tracks.retarget import retarget_pose
from ..tracks.retarget_report import RetargetReport
from .findings import Finding
from .planned import PlannedRun

HELD = ("pose", "depth")
"""Tracks whose frames are pictures: at another rate frames are held or left out, where other tracks are blended."""
MOST_SIZE_RATIO = 1.25
"""From which difference in size between driving figure and reference on it is told."""
LEAST_OVERLAP = 0.5
"""Below which overlap of the two figures' boxes it is told."""
LEAST_SEEN = 0.9
"""Below which share of frames with somebody in them it is told."""
ENCODER_MULTIPLE = 2
"""Sides of a video in 4:2:0, as nearly every player expects it."""


def fit_together(run: PlannedRun) -> Iterator[Finding]:
    """Look at everything that can disagree.

    Args:
        run: What is to be made.

    Returns:
        One finding or more for each thing that was looked at.
    """
    for control in run.controls:
        yield from _length(run, control)
        yield from _rate(run, control)
    yield from _sound(run)
    yield from _poses(run)
    size = run.final_size
    if size.width % ENCODER_MULTIPLE or size.height % ENCODER_MULTIPLE:
        yield Finding(
            "stop",
            "size",
            f"the finished video would be {size}, and sides of videos must be even",
            "change the picture size in Encode Identity",
        )


def long_enough(run: PlannedRun) -> tuple[Control, ...]:
    """Give the controls that cover the video, on the plan's frame rate."""
    read = (control.resample(run.plan.fps) for control in run.controls)
    return tuple(control for control in read if control.frame_count >= run.plan.frame_count)


def name_of(control: Control) -> str:
    """Say what a control is of."""
    return str(getattr(control, "name", type(control).__name__))


def _length(run: PlannedRun, control: Control) -> Iterator[Finding]:
    if not isinstance(control, TrackControl):
        return
    fps, wanted, what = run.plan.fps, run.plan.frame_count, f"{control.name} length"
    covered = control.resample(fps).frame_count
    if covered < wanted:
        shorter = " (the shorter one of speech and pose)" if isinstance(control, SpeechControl) else ""
        yield Finding(
            "stop",
            what,
            f"the track{shorter} lasts {_s(covered / fps)}, the plan {_s(wanted / fps)}",
            f"plan at most {covered} frames, or give a longer track",
        )
    elif covered - wanted > fps:
        yield Finding(
            "note",
            what,
            f"the track lasts {_s(covered / fps)}; its last {_s((covered - wanted) / fps)} are not used",
            f"plan {covered} frames for all of it",
        )
    else:
        yield Finding("ok", what, f"{_s(covered / fps)} for a video of {_s(wanted / fps)}")


def _rate(run: PlannedRun, control: Control) -> Iterator[Finding]:
    track = getattr(control, "track", None)
    if track is None or name_of(control) not in HELD or track.fps == run.plan.fps:
        return
    ours, theirs = run.plan.fps, Fraction(track.fps)
    told = f"the track has {float(theirs):g} frames a second, the plan {float(ours):g}"
    if theirs < ours:
        yield Finding(
            "note", f"{name_of(control)} rate", f"{told}: its frames are held, and motion goes in small steps",
            f"plan {float(theirs):g} fps, or bring footage of {float(ours):g} fps",
        )  # fmt: skip
    else:
        yield Finding("note", f"{name_of(control)} rate", f"{told}: some of its frames are left out")


def _sound(run: PlannedRun) -> Iterator[Finding]:
    frame = 1 / run.plan.fps
    video_s = run.plan.frame_count / run.plan.fps
    audio_s = None if run.audio is None else run.audio.duration_s
    for control in run.controls:
        if isinstance(control, SpeechControl) and audio_s is not None:
            heard_s = len(control.track) / Fraction(control.track.fps)
            if abs(heard_s - audio_s) > 2 * frame:
                yield Finding(
                    "note", "speech and sound", f"the mouth follows {_s(heard_s)} of speech, the video's sound lasts "
                    f"{_s(audio_s)}: they may not be the same", "give both nodes one sound",
                )  # fmt: skip
    if audio_s is None or run.audio is None:
        yield Finding("ok", "sound", "none was given; the video is silent, or gets it at Stitch Chunks")
    elif run.audio.waveform.shape[1] == 0:
        yield Finding("stop", "sound", "it has no samples", "give another sound, or none")
    elif audio_s < video_s - frame:
        yield Finding(
            "note", "sound", f"it lasts {_s(audio_s)}, the video {_s(video_s)}: silence follows it",
            f"plan {int(audio_s * run.plan.fps)} frames to end with it",
        )  # fmt: skip
    elif audio_s > video_s + frame:
        yield Finding("note", "sound", f"it lasts {_s(audio_s)}, the video {_s(video_s)}: the rest is cut off")
    else:
        yield Finding("ok", "sound", f"{_s(audio_s)} at {run.audio.sample_rate} Hz")
    yield from _sound_rate(run)


def _sound_rate(run: PlannedRun) -> Iterator[Finding]:
    from ..media.soundtrack import AAC_FALLBACK_RATE, AAC_RATES

    if run.audio is not None and run.audio.sample_rate not in AAC_RATES:
        told = f"videos cannot hold {run.audio.sample_rate} Hz; it is resampled to {AAC_FALLBACK_RATE}"
        yield Finding("note", "sample rate", told)


def _poses(run: PlannedRun) -> Iterator[Finding]:
    for control in run.controls:
        track = getattr(control, "track", None)
        if name_of(control) != "pose" or track is None:
            continue
        reference: PoseTrack | None = run.reference_pose or getattr(control, "reference_pose", None)
        yield from _shape(run, track)
        if isinstance(track, KeypointTrack):
            yield from _seen(track)
            if isinstance(reference, KeypointTrack):
                yield from _misfit(track, reference)
            else:
                yield Finding(
                    "ok", "pose and reference", "not compared: connect reference_pose to Extract Pose of the reference"
                )


def _shape(run: PlannedRun, track: PoseTrack) -> Iterator[Finding]:
    theirs, ours = track.canvas, run.identity.size
    difference = (theirs.width / theirs.height) / (ours.width / ours.height)
    if max(difference, 1 / difference) > 1.02:
        yield Finding(
            "note", "pose shape", f"poses lie on {theirs}, the video is {ours}: they are fitted in whole, with bars",
            "Retarget Pose puts them onto the reference's picture",
        )  # fmt: skip


def _seen(track: KeypointTrack) -> Iterator[Finding]:
    share = sum(map(bool, track.frames)) / len(track)
    if share < LEAST_SEEN:
        yield Finding(
            "note", "pose", f"nobody is seen in {1 - share:.0%} of its frames, where nothing steers the character",
            "cut the driving video to where somebody is, or try another pose model",
        )  # fmt: skip


def _misfit(track: KeypointTrack, reference: KeypointTrack) -> Iterator[Finding]:
    """Say how the driving figure and the reference's lie on one another, as Retarget Pose measures it."""
    try:
        report = retarget_pose(track, reference, "bones").report
    except InputError as error:
        yield Finding("note", "pose and reference", f"they cannot be compared: {error}")
        return
    if _far_apart(report):
        yield Finding(
            "note", "pose and reference", f"the driving figure is {report.size_ratio:.2g} times as large as the "
            f"reference and overlaps it by {report.overlap_before:.0%}: the character would grow, shrink or move",
            "put Retarget Pose before Apply Pose",
        )  # fmt: skip
    else:
        told = f"size {report.size_ratio:.2g} of the reference's, overlap {report.overlap_before:.0%}"
        yield Finding("ok", "pose and reference", told)


def _far_apart(report: RetargetReport) -> bool:
    apart = max(report.size_ratio, 1 / report.size_ratio) if report.size_ratio > 0 else float("inf")
    return apart > MOST_SIZE_RATIO or report.overlap_before < LEAST_OVERLAP


def _s(seconds: Fraction | float) -> str:
    return f"{float(seconds):.4g} s"
