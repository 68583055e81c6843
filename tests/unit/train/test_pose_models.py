"""What Mini's pose models learn from, and the files that they become."""

import numpy as np
import onnxruntime
import pytest
import torch

from motionweave.errors import InputError
from motionweave.train.detector import Detector, Published, compose, detector_losses, placed_boxes, targets
from motionweave.train.export import export_onnx
from motionweave.train.people import PeopleStore, silhouette_box
from motionweave.train.pose_estimator import PoseNet, SimCC, augmented, pose_losses
from motionweave.train.recipe import DetectorRecipe, PoseEstimatorRecipe
from motionweave.types import Size

LOOP = {"steps": 1, "learning_rate": 0.01}
POSE = PoseEstimatorRecipe(
    kind="pose_estimator", characters=4, views=2, size=64, batch=3, loop=LOOP, width=48, height=64,
    widths=(4, 4, 8, 8), token=8,
)  # fmt: skip
FOUND = DetectorRecipe(
    kind="detector", characters=4, views=2, size=64, batch=3, loop=LOOP, side=64, widths=(4, 4, 8, 8)
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def store(folder):
    return PeopleStore(folder, POSE)


def test_rendered_people_are_kept_and_read_again(store, folder):
    pictures, keypoints, boxes = store.sample(5, torch.Generator().manual_seed(0))
    assert (pictures.shape, keypoints.shape, boxes.shape) == ((5, 3, 64, 64), (5, 133, 3), (5, 4))
    assert pictures.max() > 1
    again = PeopleStore(folder, POSE)
    np.testing.assert_array_equal(again.pictures, store.pictures)


def test_evaluation_seeds_are_never_rendered_for_training(tmp_path):
    with pytest.raises(InputError, match="evaluation range"):
        PeopleStore(tmp_path, POSE.model_copy(update={"characters": 1_000_001}))


def test_a_silhouettes_box_holds_it_with_a_little_room():
    alpha = np.zeros((50, 80), np.float32)
    alpha[10:30, 20:60] = 1
    x0, y0, x1, y1 = silhouette_box(alpha)
    assert x0 < 20 < 60 < x1
    assert y0 < 10 < 30 < y1
    assert not silhouette_box(np.zeros((5, 5), np.float32)).any()


def test_points_of_augmented_crops_lie_where_the_picture_shows_them(store):
    """A picture that is bright at one point only keeps it under its keypoint through every turn and shift."""
    marked = torch.zeros(len(store.keypoints), 3, 64, 64)
    for index, points in enumerate(store.keypoints):
        x, y = (points[0, :2] + 0.5).astype(int).clip(1, 62)
        marked[index, :, y - 1 : y + 2, x - 1 : x + 2] = 255

    class Marked:
        def sample(self, count, generator):
            chosen = torch.randint(len(marked), (count,), generator=generator).numpy()
            return marked[chosen], torch.from_numpy(store.keypoints[chosen]), torch.from_numpy(store.boxes[chosen])

    pictures, points, seen = augmented(Marked(), 16, Size(48, 64), torch.Generator().manual_seed(3))
    checked = 0
    for picture, place, visible in zip(pictures, points[:, 0], seen[:, 0], strict=True):
        if visible and 4 < place[0] < 44 and 4 < place[1] < 60:
            row, column = divmod(int(picture.sum(0).argmax()), 48)
            assert abs(column - float(place[0])) < 5
            assert abs(row - float(place[1])) < 5
            checked += 1
    assert checked >= 3


def test_the_detectors_own_targets_decode_to_the_boxes(store):
    _, boxes = compose(store, 6, 64, torch.Generator().manual_seed(1))
    mine, wanted = targets(boxes, 64)
    for index, each in enumerate(boxes):
        for box in each:
            assert any(torch.equal(box, other) for other in wanted[index][mine[index]])
    raw = torch.zeros(1, 84, 85)
    assert placed_boxes(raw, 64)[0, 0].tolist() == [-4, -4, 4, 4]  # half a stride about the first cell's corner


@pytest.mark.parametrize("kind", ["pose", "detector"])
def test_a_step_of_training_lowers_the_loss_on_what_it_saw(store, kind):
    torch.manual_seed(0)
    net = PoseNet(POSE) if kind == "pose" else Detector(FOUND.widths)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    seen = []
    for _ in range(30):
        generator = torch.Generator().manual_seed(5)
        step = pose_losses if kind == "pose" else detector_losses
        loss = step(net, store, POSE if kind == "pose" else FOUND, generator)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append(float(loss.detach()))
    assert seen[-1] < 0.9 * seen[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pose", "detector"])
def test_an_exported_network_takes_any_number_of_pictures_and_gives_the_contracts_shapes(tmp_path, kind):
    if kind == "pose":
        module, shape, names = SimCC(PoseNet(POSE)), (1, 3, 64, 48), ("simcc_x", "simcc_y")
    else:
        module, shape, names = Published(Detector(FOUND.widths)), (1, 3, 64, 64), ("output",)
    path = export_onnx(module, tmp_path / "net.onnx", shape, ("input",), names)
    session = onnxruntime.InferenceSession(str(path))
    for count in (1, 3):
        pictures = torch.rand(count, *shape[1:], generator=torch.Generator().manual_seed(count))
        outputs = session.run(None, {"input": pictures.numpy()})
        with torch.inference_mode():
            expected = module.eval()(pictures)
        for found, true in zip(outputs, expected if kind == "pose" else (expected,), strict=True):
            np.testing.assert_allclose(found, true.numpy(), atol=0.02)
    shapes = [output.shape for output in outputs]
    assert shapes == ([(3, 133, 96), (3, 133, 128)] if kind == "pose" else [(3, 84, 85)])
