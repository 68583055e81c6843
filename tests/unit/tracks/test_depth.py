"""Depth tracks: one range for the clip, kept on disk, the same in any window, from real though tiny networks."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.bench.depth import best_rank_correlation, measure_depth, scale_jump, spread_over_depth
from motionweave.errors import InputError, MediaError, MissingModelError, UnsupportedError
from motionweave.media import FootageFrames, VideoWriter, open_footage
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.depth import DepthMaps
from motionweave.tracks.depth_estimate import DepthRange, estimate_depth
from motionweave.tracks.depth_models import load_depth_folder
from motionweave.tracks.depth_preview import depth_sheet
from motionweave.tracks.pose import PoseMapFrames, pose_map_file
from motionweave.types import Size

FPS = Fraction(24)


def tiny_depth_anything(folder, kind="relative"):
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

    backbone = Dinov2Config(
        hidden_size=8, num_hidden_layers=4, num_attention_heads=2, image_size=28, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, initializer_range=0.4,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=8, neck_hidden_sizes=[4, 4, 8, 8], fusion_hidden_size=4,
        head_hidden_size=4, depth_estimation_type=kind, initializer_range=0.4, max_depth=20 if kind == "metric" else 1,
    )  # fmt: skip
    torch.manual_seed(0)
    net = DepthAnythingForDepthEstimation(config)
    if kind == "relative":  # the last layer's ReLU would leave an untrained network silent
        torch.nn.init.constant_(net.head.conv3.bias, 1.0)
    net.save_pretrained(folder)
    DPTImageProcessor(
        size={"height": 28, "width": 28}, ensure_multiple_of=14, keep_aspect_ratio=True, do_pad=False
    ).save_pretrained(folder)
    return folder


def tiny_zoedepth(folder):
    from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

    backbone = BeitConfig(
        hidden_size=8, num_hidden_layers=4, num_attention_heads=2, intermediate_size=8, image_size=64, patch_size=16,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, use_relative_position_bias=True, initializer_range=0.4,
    )  # fmt: skip
    config = ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[4, 4, 8, 8], fusion_hidden_size=8, bottleneck_features=8,
        num_relative_features=4, bin_embedding_dim=8, num_attractors=[2, 1, 1, 1],
        bin_configurations=[{"n_bins": 4, "min_depth": 0.5, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip
    torch.manual_seed(0)
    net = ZoeDepthForDepthEstimation(config)
    for weight in net.parameters():  # untrained, it would see no differences
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.3)
    net.save_pretrained(folder)
    ZoeDepthImageProcessor(size={"height": 64, "width": 64}, ensure_multiple_of=32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def relative(tmp_path_factory):
    return load_depth_folder(tiny_depth_anything(tmp_path_factory.mktemp("relative")), torch.float32)


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp"))


@pytest.fixture(scope="module")
def footage():
    return FootageFrames(torch.rand(11, 3, 40, 60, generator=torch.Generator().manual_seed(0)), FPS)


def test_a_relative_model_keeps_the_pictures_shape_and_has_no_metres(relative, footage, runtime):
    track = estimate_depth(footage, relative, runtime)
    assert (len(track), track.fps, track.canvas, track.metric) == (11, FPS, Size(60, 40), False)
    assert track.grid.width / track.grid.height == pytest.approx(1.5, rel=0.4)  # a tiny grid of patches
    with pytest.raises(UnsupportedError, match="metric"):
        track.metres()


@pytest.mark.parametrize("make", [lambda folder: tiny_depth_anything(folder, "metric"), tiny_zoedepth])
def test_a_metric_model_gives_its_metres_back(make, tmp_path, footage, runtime):
    model = load_depth_folder(make(tmp_path / "model"), torch.float32)
    assert model.metric
    frames = next(footage.batches(2))
    pictures = model.processor(images=list(frames.numpy()), return_tensors="pt", input_data_format="channels_first")
    with torch.inference_mode():
        outputs = model.module(pixel_values=pictures["pixel_values"])
    raw = outputs.predicted_depth
    if getattr(model.processor, "do_pad", False):  # ZoeDepth's sees a border, which is no part of the picture
        rows = model.processor.post_process_depth_estimation(outputs, source_sizes=[(40, 60)] * 2)
        raw = torch.stack([row["predicted_depth"] for row in rows])
    metres = estimate_depth(FootageFrames(footage.frames[:2], FPS), model, runtime).metres()
    assert float(metres.median()) == pytest.approx(float(raw.median()), rel=0.05)


def test_any_batching_of_the_same_frames_gives_the_same_depth(relative, footage):
    whole = relative.inverse_depth(next(footage.batches(11)))
    parts = torch.cat([relative.inverse_depth(batch) for batch in footage.batches(3)])
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_black_and_white_are_the_clips_and_not_a_frames(relative, footage, runtime):
    dimmed = footage.frames * torch.linspace(0.2, 1, 11)[:, None, None, None]
    track = estimate_depth(FootageFrames(dimmed, FPS), relative, runtime, DepthRange(0, 100))
    values, near = track.inverse_depth(), track.nearness()
    expected = ((values - values.min()) / (values.max() - values.min())).clamp(0, 1)
    torch.testing.assert_close(near, expected, atol=0.1, rtol=0)  # the range is read from a sample of the pixels


def test_a_windows_depth_is_the_wholes_slice_on_any_clock(relative, footage, runtime):
    track = estimate_depth(footage, relative, runtime)
    for rate in (FPS, Fraction(60), Fraction(10)):
        whole = track.resample(rate)
        assert torch.equal(whole.window(2, 4).nearness(), whole.nearness()[2:4])
    assert torch.equal(track.resample(Fraction(48)).nearness()[::2], track.nearness())


def test_footage_is_estimated_once_and_another_range_reads_it_again(tmp_path, relative, runtime):
    path = tmp_path / "clip.mkv"
    with VideoWriter(path, fps=FPS, size=Size(32, 32), codec="ffv1") as writer:
        writer.write(torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(2)))
    first = estimate_depth(open_footage(path), relative, runtime)

    class Unable:
        digest, metric, module = relative.digest, relative.metric, relative.module

        def inverse_depth(self, _):
            raise AssertionError("estimated again")

    again = estimate_depth(open_footage(path), Unable(), runtime)
    assert torch.equal(first.nearness(), again.nearness())
    narrow = estimate_depth(open_footage(path), Unable(), runtime, DepthRange(20, 80))
    assert narrow.near < again.near
    assert narrow.far > again.far


def test_what_was_cut_off_on_disk_is_estimated_again(relative, footage, runtime):
    track = estimate_depth(footage, relative, runtime)
    expected = track.nearness()
    track.path.write_bytes(track.path.read_bytes()[:50])
    with pytest.raises(MediaError, match="cut off"):
        track.nearness()
    assert torch.equal(estimate_depth(footage, relative, runtime).nearness(), expected)


def test_an_interrupt_leaves_nothing_that_passes_for_finished(relative, footage, runtime):
    class StoppedError(Exception):
        pass

    def stop(progress):
        raise StoppedError

    with pytest.raises(StoppedError):
        estimate_depth(footage, relative, replace(runtime, on_progress=stop))
    assert not list(runtime.folders.cache.glob("depth-*"))
    assert len(estimate_depth(footage, relative, runtime)) == 11


def test_depth_is_drawn_whole_near_white_without_stretching(relative, footage, runtime):
    drawn = estimate_depth(footage, relative, runtime).window(0, 3).drawn(Size(64, 64))
    assert drawn.shape == (3, 3, 64, 64)
    assert torch.equal(drawn[:, 0], drawn[:, 2])
    assert not drawn[:, :, :9].any()
    assert drawn[:, :, 12:50].any()
    assert depth_sheet(estimate_depth(footage, relative, runtime)).shape[:2] == (1, 3)


def test_other_tools_maps_are_taken_as_they_are_or_turned_over(tmp_path):
    ramp = torch.linspace(0, 1, 32).expand(4, 3, 16, 32).contiguous()
    track = DepthMaps(PoseMapFrames(ramp, FPS))
    torch.testing.assert_close(track.nearness()[0, 0], torch.linspace(0, 1, 32), atol=0.01, rtol=0)
    torch.testing.assert_close(replace(track, inverted=True).nearness(), 1 - track.nearness())
    path = tmp_path / "maps.mkv"
    with VideoWriter(path, fps=FPS, size=Size(32, 16), codec="ffv1") as writer:
        writer.write(ramp)
    read = DepthMaps(pose_map_file(path))
    torch.testing.assert_close(read.nearness(), track.nearness(), atol=0.01, rtol=0)
    assert len(read.resample(Fraction(12)).window(1, 2)) == 1


def test_a_folder_of_another_kind_is_called_what_it_seems_to_be(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
    with pytest.raises(MissingModelError, match="'wav2vec2'"):
        load_depth_folder(tmp_path, torch.float32)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(MissingModelError, match="cannot be read"):
        load_depth_folder(tmp_path, torch.float32)


@pytest.mark.parametrize("shown", [(98, 2), (-1, 50), (50, 101)])
def test_a_range_that_makes_no_sense_is_refused(shown):
    with pytest.raises(InputError, match="percentile"):
        DepthRange(*shown)


def test_a_clip_in_which_all_is_equally_far_is_said_to_be_so(relative, runtime):
    class Flat:
        digest, metric, module = "flat", False, relative.module

        def inverse_depth(self, frames):
            return torch.ones(len(frames), 4, 4)

    with pytest.raises(InputError, match="equally far"):
        estimate_depth(FootageFrames(torch.zeros(3, 3, 8, 8), FPS), Flat(), runtime)


def test_the_benchmarks_pixels_are_spread_evenly_over_depth_and_jumps_are_seen():
    truth = np.concatenate([np.zeros(10_000), np.linspace(0, 1, 2000)])
    chosen = truth[spread_over_depth(truth, np.random.default_rng(0))]
    counts = np.histogram(chosen, 8)[0]
    assert counts.max() < 3 * counts.min()
    frames = np.stack([np.linspace(0, 1, 50)] * 3)
    assert scale_jump(frames * 2 + 1, frames) == pytest.approx(0, abs=1e-9)
    assert scale_jump(frames * np.array([[1], [1], [1.2]]), frames) == pytest.approx(0.2)


def test_among_equals_the_best_estimate_orders_at_random_and_the_benchmark_says_how_far_it_can_come():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    truth = np.concatenate([np.zeros(20_000), np.linspace(1, 2, 10_000)])
    nearly = spearmanr(truth + rng.uniform(0, 1e-5, truth.size), truth).statistic
    assert best_rank_correlation(truth) == pytest.approx(nearly, abs=1e-3)
    assert best_rank_correlation(np.arange(10.0)) == pytest.approx(1)


def test_mini_orders_held_out_marionettes_and_holds_its_scale():
    figures = measure_depth(2)
    assert figures["depth_spearman"] > 0.93
    assert figures["depth_spearman_all"] > 0.95 * figures["depth_spearman_all_best"]
    assert figures["depth_jump"] < 0.06
