"""Keypoints on disk: OpenPose's folders, COCO's annotations, tables."""

import json
from fractions import Fraction

import numpy as np
import pytest

from motionweave.errors import InputError, MediaError, MotionWeaveError
from motionweave.tracks.coco import COCO_NAMES
from motionweave.tracks.pose_files import read_pose_file
from motionweave.types import Size

FPS = Fraction(30)
HEADING = ",".join(f"{name}_{axis}" for name in COCO_NAMES for axis in "xy")


def pose(x: float):
    return {"version": 1.3, "people": [{"pose_keypoints_2d": [x, 50.0, 0.9] * 25}]}


def annotation(image: int, visibility: int = 2, x: float = 100.0):
    labelled = [value for i in range(17) for value in (x + i, 60.0 + i, visibility)]
    return {"id": 7, "image_id": image, "keypoints": labelled if visibility else [0] * 51}


def coco(annotations, sizes=((640, 480), (640, 480))):
    return {
        "images": [{"id": i, "width": w, "height": h} for i, (w, h) in enumerate(sizes)],
        "annotations": annotations,
        "categories": [{"name": "person", "keypoints": list(COCO_NAMES)}],
    }


def written(path, data):
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_a_folder_of_openposes_files_is_read_in_the_order_of_its_numbers(tmp_path):
    for number in (9, 10, 11):
        written(tmp_path / f"dance_{number:012}_keypoints.json", pose(float(number)))
    written(tmp_path / "dance_000000000012_keypoints.json", {"version": 1.3, "people": []})
    track = read_pose_file(tmp_path, FPS, Size(640, 480))
    assert [people[0].body[0, 0] if people else None for people in track.frames] == [9, 10, 11, None]


def test_numbers_without_leading_zeros_are_ordered_as_numbers(tmp_path):
    for number in range(8, 12):
        written(tmp_path / f"f{number}.json", [pose(float(number))])
    assert [people[0].body[0, 0] for people in read_pose_file(tmp_path, FPS, Size(99, 99)).frames] == [8, 9, 10, 11]


def test_a_folder_that_lacks_a_frame_or_holds_two_videos_is_refused(tmp_path):
    for name in ("a_1", "a_2", "a_4", "a_5"):
        written(tmp_path / f"{name}.json", pose(9.0))
    with pytest.raises(InputError, match="has no frame 3;"):
        read_pose_file(tmp_path, FPS, Size(99, 99))
    written(tmp_path / "b_3.json", pose(9.0))
    with pytest.raises(InputError, match=r"2 videos \(a_, b_\)"):
        read_pose_file(tmp_path, FPS, Size(99, 99))


def test_a_json_file_holds_a_frame_a_list_of_frames_or_annotations(tmp_path):
    size = Size(640, 480)
    assert len(read_pose_file(written(tmp_path / "one.json", pose(5.0)), FPS, size)) == 1
    assert len(read_pose_file(written(tmp_path / "list.json", [pose(5.0)] * 3), FPS, size)) == 3
    assert len(read_pose_file(written(tmp_path / "coco.json", coco([annotation(0)])), FPS)) == 2


def test_people_without_labelled_points_are_left_out_and_counted(tmp_path, caplog):
    data = coco([annotation(0), annotation(0, 0), annotation(1, 0), {"image_id": 1, "id": 3}])
    track = read_pose_file(written(tmp_path / "coco.json", data), FPS)
    assert [len(people) for people in track.frames] == [1, 0]
    assert "3 of 4 annotated people have no labelled keypoint" in caplog.text
    with pytest.raises(InputError, match="none of the 1 annotations"):
        read_pose_file(written(tmp_path / "empty.json", coco([annotation(0, 0)])), FPS)


def test_a_hidden_but_labelled_point_is_half_as_sure_and_the_neck_lies_between_the_shoulders(tmp_path):
    track = read_pose_file(written(tmp_path / "coco.json", coco([annotation(0, 1)])), FPS)
    body = track.frames[0][0].body
    assert body[0].tolist() == [100, 60, 0.5]
    assert body[1].tolist() == [105.5, 65.5, 1]
    assert body[2].tolist() == [106, 66, 0.5]


def test_pictures_of_several_sizes_need_a_canvas_and_are_fitted_into_it_whole(tmp_path):
    path = written(tmp_path / "coco.json", coco([annotation(0), annotation(1)], ((400, 400), (800, 400))))
    with pytest.raises(InputError, match=r"2 sizes \(400x400, 800x400\)"):
        read_pose_file(path, FPS)
    track = read_pose_file(path, FPS, Size(400, 400))
    assert track.frames[0][0].body[0, :2].tolist() == [100, 60]
    assert track.frames[1][0].body[0, :2].tolist() == [50, 130]


def test_annotations_of_animals_are_told_apart(tmp_path):
    data = coco([annotation(0)])
    data["categories"] = [{"name": "horse", "keypoints": ["left_eye", "right_eye", "nose", "neck", "root_of_tail"]}]
    with pytest.raises(InputError, match="annotations of 'horse'"):
        read_pose_file(written(tmp_path / "coco.json", data), FPS)


def test_a_table_of_17_points_is_one_person_a_row(tmp_path):
    rows = [",".join(str(10 * i + axis) for i in range(17) for axis in (1, 2)), "," * 32 + "5,6"]
    track = read_pose_file(written(tmp_path / "truth.csv", "\n".join([HEADING, *rows]) + "\n"), FPS, Size(384, 640))
    assert track.frames[0][0].body[0].tolist() == [1, 2, 1]
    assert track.frames[0][0].body[4].tolist() == [101, 102, 1]
    body = track.frames[1][0].body
    assert body[10].tolist() == [5, 6, 1]
    assert np.count_nonzero(body[:, 2]) == 1


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("truth.csv", "a,b\n1,2\n", "lacks 34 of 34 columns, such as nose_x"),
        ("truth.csv", HEADING + "\n" + ",".join(["x"] * 34), "line 2 .* no number"),
        ("truth.csv", HEADING + "\n", "any of the table's 0 rows"),
        ("cut.json", '{"people": [', "is not JSON"),
        ("poses.txt", "{}", "expected a .json, a .csv"),
        ("coco.json", coco([{**annotation(0), "keypoints": [1] * 12}]), "has 12 numbers"),
        ("coco.json", {"annotations": []}, "list no pictures"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(tmp_path, name, content, line):
    with pytest.raises(MotionWeaveError, match=line):
        read_pose_file(written(tmp_path / name, content), FPS, Size(384, 640))


def test_a_table_needs_a_canvas_and_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="set the canvas by hand"):
        read_pose_file(written(tmp_path / "truth.csv", HEADING + "\n" + ",".join(["5"] * 34)), FPS)
    with pytest.raises(MediaError, match=r"gone\.json: is not there"):
        read_pose_file(tmp_path / "gone.json", FPS)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"holds no \.json files"):
        read_pose_file(empty, FPS)
