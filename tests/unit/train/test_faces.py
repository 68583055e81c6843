"""What Mini's face models learn from, the targets they are given, and that InsightFace reads what is exported."""

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.train.face_detector import (
    SCRFD,
    STRIDES,
    FaceDetector,
    anchor_centres,
    assign,
    export_face_detector,
    face_losses,
    sides_of,
)
from motionweave.train.face_embedder import (
    CROP_PX,
    TEMPLATE,
    FaceNet,
    FaceReader,
    aligned_crops,
    embedding_losses,
    pairs,
    truths,
)
from motionweave.train.face_scenes import FaceTruth, compose
from motionweave.train.faces import FaceStore, face_boxes, render_faces
from motionweave.train.recipe import FaceDetectorRecipe, FaceEmbedderRecipe, FacesRecipe

LOOP = {"steps": 1, "learning_rate": 0.01}
COMMON = {"characters": 2, "views": 4, "size": 48, "batch": 4, "loop": LOOP}
RECIPE = FacesRecipe.model_validate(COMMON)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return FaceStore(tmp_path_factory.mktemp("faces"), RECIPE)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_rendering_gives_the_same_pictures_again_and_another_place_in_each(store):
    first, again = render_faces(3, 4, 48)[0], render_faces(3, 4, 48)[0]
    assert np.array_equal(first, again)
    corners = first[:, :, :3, :3].reshape(4, -1)
    assert len({tuple(corner) for corner in corners.tolist()}) == 4
    assert np.array_equal(store.identity[0], store.identity[3])
    assert not np.array_equal(store.identity[0], store.identity[4])


def test_evaluation_seeds_are_kept_out(tmp_path):
    with pytest.raises(InputError, match="evaluation range"):
        FaceStore(tmp_path, RECIPE.model_copy(update={"characters": 1_000_001}))


def test_points_and_boxes_are_where_the_face_is():
    keypoints = np.zeros((1, 133, 3))
    keypoints[0, 23:91, :2] = np.random.default_rng(0).uniform(10, 20, (68, 2))
    box = face_boxes(keypoints)[0]
    assert 10 <= box[0] < box[2] <= 20
    assert box[1] < keypoints[0, 23:91, 1].min()


def test_scenes_ask_for_faces_that_can_be_seen_and_for_no_others(store):
    pictures, faces = compose(store, 24, 128, draw())
    assert pictures.shape == (24, 3, 128, 128)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) < 255.1
    assert {len(truth.boxes) for truth in faces} >= {0, 1}
    for truth in faces:
        seen = truth.boxes.clamp(0, 128)
        area = (seen[:, 2:] - seen[:, :2]).prod(-1) / (truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(-1)
        assert bool((area > 0.65).all())


def test_targets_are_decoded_by_insightface_to_the_boxes_they_were_made_from():
    """The published decoding, by the package that will read the file: the anchors' order and units are its own."""
    scrfd = pytest.importorskip("insightface.model_zoo.scrfd", reason="InsightFace is not installed")
    box, points = torch.tensor([30.0, 20.0, 70.0, 75.0]), torch.rand(5, 2) * 40 + 20
    anchors = anchor_centres(96, 128)
    owner, asked = assign(FaceTruth(box[None], points[None], torch.zeros(0, 4)), anchors)
    mine = owner == 0
    assert bool(asked.all())
    assert set(anchors[mine, 2].tolist()) == {16.0}
    centres, stride = anchors[mine, :2], anchors[mine, 2:]
    sides = torch.cat([centres - box[:2], box[2:] - centres], -1) / stride
    offsets = ((points[None] - centres[:, None]) / stride[:, None]).flatten(1)
    boxes = scrfd.distance2bbox(centres.numpy(), (sides * stride).numpy())
    kps = scrfd.distance2kps(centres.numpy(), (offsets * stride).numpy())
    assert np.allclose(boxes, box.numpy(), atol=1e-4)
    assert np.allclose(kps.reshape(-1, 5, 2), points.numpy(), atol=1e-4)


def test_a_face_of_which_too_little_is_seen_is_asked_neither_way():
    anchors = anchor_centres(64, 64)
    owner, asked = assign(FaceTruth(torch.zeros(0, 4), torch.zeros(0, 5, 2), torch.tensor([[0.0, 0, 32, 32]])), anchors)
    assert bool((owner == -1).all())
    inside = ((anchors[:, :2] > 0) & (anchors[:, :2] < 32)).all(-1)
    assert torch.equal(asked, ~inside)


@pytest.mark.slow
def test_exported_detectors_take_any_size_and_give_the_published_nine_outputs(tmp_path):
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    torch.manual_seed(0)
    net = FaceDetector((8, 8, 8, 8, 8)).eval()
    session = runtime.InferenceSession(str(export_face_detector(net, tmp_path / "det.onnx")))
    for height, width in ((64, 96), (160, 128)):
        picture = torch.randn(1, 3, height, width)
        outputs = session.run(None, {"input": picture.numpy()})
        cells = [2 * (height // stride) * (width // stride) for stride in STRIDES]
        assert [each.shape for each in outputs] == [(count, width) for width in (1, 4, 10) for count in cells]
        with torch.no_grad():
            expected = SCRFD(net)(picture)
        assert max(float(np.abs(a - b.numpy()).max()) for a, b in zip(outputs, expected, strict=True)) < 0.02


def test_distances_to_a_boxs_sides_are_never_negative():
    assert bool((sides_of(torch.linspace(-100, 100, 11)) > 0).all())


def test_points_that_lie_on_the_template_are_not_moved():
    picture = torch.rand(1, 3, CROP_PX, CROP_PX)
    # Rendered points count from a pixel's corner, the template from its middle.
    crop = aligned_crops(picture, TEMPLATE[None] + 0.5)
    assert torch.allclose(crop, picture, atol=1e-3)


def test_crops_are_those_that_insightface_cuts():
    align = pytest.importorskip("insightface.utils.face_align", reason="InsightFace is not installed")
    y, x = torch.meshgrid(torch.linspace(0, 6, 160), torch.linspace(0, 6, 160), indexing="ij")
    picture = 127 + 100 * torch.stack([torch.sin(x), torch.cos(y), torch.sin(x + y)])
    points = TEMPLATE * 0.8 + torch.tensor([20.0, 30.0]) + torch.randn(5, 2, generator=draw())
    ours = aligned_crops(picture[None], points[None] + 0.5)[0]
    theirs = align.norm_crop(picture.permute(1, 2, 0).numpy(), points.numpy())
    assert float((ours.permute(1, 2, 0) - torch.from_numpy(theirs)).abs().max()) < 1.0


def test_pairs_show_one_character_twice_in_two_pictures(store):
    chosen = pairs(store, 2, draw())
    assert sorted(chosen[:2] // 4) == [0, 1]
    assert np.array_equal(chosen[:2] // 4, chosen[2:] // 4)
    assert not set(chosen[:2]) & set(chosen[2:])


def test_every_loss_reaches_every_weight(store):
    torch.manual_seed(0)
    detector = FaceDetector((8, 8, 8, 8, 8))
    recipe = FaceDetectorRecipe.model_validate({**COMMON, "kind": "face_detector", "side": 160, "widths": [8] * 5})
    losses = face_losses(detector, store, recipe, draw())
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in detector.parameters())
    reader = FaceReader((8, 8, 8, 8), truths(store.identity[:1]).shape[-1])
    embedder = FaceEmbedderRecipe.model_validate({**COMMON, "kind": "face_embedder", "widths": [8] * 4})
    losses = embedding_losses(reader, store, embedder, draw())
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in reader.parameters())


def test_embeddings_have_the_published_length():
    assert FaceNet((8, 8, 8, 8)).eval()(torch.zeros(2, 3, CROP_PX, CROP_PX)).shape == (2, 512)
