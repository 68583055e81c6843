"""The published decoding of YOLOX and SimCC, held against a plain one that is written from their description."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.tracks.estimators import simcc, yolox
from motionweave.types import Size


def plain_boxes(raw: np.ndarray, side: int, ratio: float) -> np.ndarray:
    """Walk over strides and cells one by one; greedy suppression within the class of people."""
    found, row = [], 0
    for stride in (8, 16, 32):
        for cell_y in range(side // stride):
            for cell_x in range(side // stride):
                px, py, pw, ph, objectness, person = raw[row][:6].astype(np.float64)
                row += 1
                score = objectness * person
                if score <= 0.1:
                    continue
                x, y = (px + cell_x) * stride, (py + cell_y) * stride
                w, h = np.exp(pw) * stride, np.exp(ph) * stride
                corners = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]) / ratio
                found.append([*corners, score])
    kept: list[list[float]] = []
    for box in sorted(found, key=lambda each: -each[4]):
        if all(overlap(box, other) <= 0.45 for other in kept):
            kept.append(box)
    return np.array([box for box in kept if box[4] > 0.3]).reshape(-1, 5)


def overlap(a, b) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / area


@pytest.mark.parametrize(("side", "seed"), [(64, 0), (128, 1), (160, 2), (640, 3)])
def test_boxes_are_those_of_the_published_decoding(side, seed):
    rng = np.random.default_rng(seed)
    cells = sum((side // stride) ** 2 for stride in (8, 16, 32))
    raw = rng.normal(0, 0.8, (cells, 85)).astype(np.float32)
    raw[:, 4:] = 0.02
    sure = rng.choice(cells, 24, replace=False)
    raw[sure, 4], raw[sure, 5] = rng.uniform(0.3, 1, 24), rng.uniform(0.3, 1, 24)
    found, expected = yolox.decode_boxes(raw, side, 0.37), plain_boxes(raw, side, 0.37)
    assert len(expected) > 3
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_picture_without_people_gives_no_boxes():
    raw = np.zeros((84, 85), np.float32)
    raw[:, 4] = 1.0  # sure of things, none of which is a person
    raw[:, 6] = 1.0
    assert yolox.decode_boxes(raw, 64, 1.0).shape == (0, 5)


def test_frames_are_letterboxed_at_the_top_left_on_grey():
    frames = torch.full((2, 3, 30, 60), 200, dtype=torch.uint8)
    square, ratio = yolox.letterbox(frames, 40)
    assert ratio == pytest.approx(40 / 60)
    assert (square[:, :, :20, :40] == 200).all()
    assert (square[:, :, 20:] == 114).all()


def plain_points(x: np.ndarray, y: np.ndarray, centre, extent, width: int, height: int) -> np.ndarray:
    """Read one person's rows point by point, as the published code does with its scale and centre."""
    points = []
    for row_x, row_y in zip(x, y, strict=True):
        score = min(max(row_x), max(row_y))
        place = np.array([int(np.argmax(row_x)), int(np.argmax(row_y))]) / 2.0
        if score <= 0:
            place = np.array([-1.0, -1.0])
        points.append([*(place / (width, height) * extent + centre - np.array(extent) / 2), score])
    return np.array(points)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(96, 128), (288, 384), (192, 256)]))
def test_keypoints_are_those_of_the_published_decoding(seed, shape):
    width, height = shape
    rng = np.random.default_rng(seed)
    people = int(rng.integers(1, 4))
    x = rng.normal(-0.5, 0.3, (people, 133, 2 * width)).astype(np.float32)
    y = rng.normal(-0.5, 0.3, (people, 133, 2 * height)).astype(np.float32)
    x[:, ::7] -= 9  # nowhere above 0: not seen
    boxes = rng.uniform(0, 300, (people, 4))
    boxes[:, 2:] = boxes[:, :2] + rng.uniform(20, 900, (people, 2))
    centre, extent = simcc.crop_frames(boxes, Size(width, height))
    found = simcc.decode_points(x, y, centre, extent, Size(width, height))
    for index in range(people):
        expected = plain_points(x[index], y[index], centre[index], extent[index], width, height)
        np.testing.assert_allclose(found[index], expected, atol=1e-4, rtol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(*[st.floats(-50, 500)] * 2), st.tuples(*[st.floats(1, 600)] * 2), st.sampled_from([(96, 128), (288, 384)])
)
def test_a_box_is_grown_by_a_quarter_and_to_the_inputs_shape(corner, size, shape):
    box = np.array([[*corner, corner[0] + size[0], corner[1] + size[1]]])
    centre, extent = simcc.crop_frames(box, Size(*shape))
    np.testing.assert_allclose(centre[0], np.array(corner) + np.array(size) / 2)
    assert extent[0][0] / extent[0][1] == pytest.approx(shape[0] / shape[1])
    grown = np.array(size) * 1.25
    assert (extent[0] >= grown - 1e-9).all()
    assert min(extent[0] / grown) == pytest.approx(1.0)


def test_a_crop_takes_the_pixels_that_the_published_warp_takes():
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (3, 50, 70)).astype(np.uint8)
    centre, extent, size = np.array([30.3, 20.8]), np.array([45.0, 60.0]), Size(12, 16)
    found = simcc.crop(torch.from_numpy(picture), centre, extent, size).numpy()
    padded = np.zeros((3, 50 + 80, 70 + 80))
    padded[:, 40:90, 40:110] = picture  # black around
    for row in range(16):
        for column in range(12):
            x = centre[0] + (column - 6) * extent[0] / 12 + 40
            y = centre[1] + (row - 8) * extent[1] / 16 + 40
            x0, y0 = int(np.floor(x)), int(np.floor(y))
            fx, fy = x - x0, y - y0
            top = padded[:, y0, x0] * (1 - fx) + padded[:, y0, x0 + 1] * fx
            bottom = padded[:, y0 + 1, x0] * (1 - fx) + padded[:, y0 + 1, x0 + 1] * fx
            np.testing.assert_allclose(found[:, row, column], top * (1 - fy) + bottom * fy, atol=0.02)


def test_a_box_beside_the_picture_gives_a_black_crop():
    crop = simcc.crop(torch.full((3, 20, 20), 255), np.array([90.0, 90.0]), np.array([9.0, 12.0]), Size(6, 8))
    assert crop.shape == (3, 8, 6)
    assert not crop.any()
