import os
from pathlib import Path

import pytest

from motionweave.errors import InputError
from motionweave.host.paths import confine, list_files, locate, next_file
from motionweave.runtime import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path / "in", tmp_path / "out", tmp_path / "temp")
    for folder in (folders.input, folders.output, folders.temp):
        folder.mkdir()
        (folder / "same.png").write_bytes(folder.name.encode())
    return folders


@pytest.mark.parametrize("name", ["a.png", "sub/a.png", "sub\\a.png", "./a.png", "a b (1).png", "..a.png", "a..png"])
def test_names_below_the_folder_are_given_as_absolute_paths(tmp_path, name):
    path = confine(tmp_path, name)
    assert path.is_absolute()
    assert path.is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "a/../../x.png",
        "a/../x.png",
        "..\\x.png",
        "a\\..\\..\\x.png",
        "..",
        "/etc/passwd",
        "\\\\server\\share\\x.png",
        "\\x.png",
        "C:\\x.png",
        "c:x.png",
        "C:/x.png",
        "x\0.png",
        "",
        ".",
    ],
)
def test_names_that_lead_out_are_refused_with_one_line(tmp_path, name):
    with pytest.raises(InputError) as caught:
        confine(tmp_path / "in", name)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege on Windows")
def test_links_may_point_about_inside_the_folder_but_not_out_of_it(tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.png").touch()
    (root / "real.png").touch()
    (root / "alias.png").symlink_to(root / "real.png")
    (root / "door").symlink_to(tmp_path / "secret")
    (root / "file.png").symlink_to(tmp_path / "secret" / "x.png")
    (root / "loop").symlink_to(root / "loop")
    assert confine(root, "alias.png") == (root / "real.png").resolve()
    for name in ("door/x.png", "file.png", "loop/x.png"):
        with pytest.raises(InputError):
            confine(root, name)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege on Windows")
def test_a_folder_that_is_itself_a_link_still_holds_its_files(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "in").symlink_to(tmp_path / "real")
    assert confine(tmp_path / "in", "a.png") == tmp_path.resolve() / "real" / "a.png"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("same.png", "in"),
        ("same.png [input]", "in"),
        ("same.png [output]", "out"),
        ("same.png [temp]", "temp"),
    ],
)
def test_annotations_name_the_folder_and_input_is_the_default(folders, name, folder):
    assert locate(folders, name).read_bytes() == folder.encode()


def test_an_annotation_does_not_open_a_way_out(folders):
    for name in ("../in/same.png [output]", "/etc/passwd [temp]", " [output]"):
        with pytest.raises(InputError):
            locate(folders, name)


def test_a_missing_file_is_named_with_its_folder(folders):
    with pytest.raises(InputError) as caught:
        locate(folders, "gone.png")
    assert "gone.png" in str(caught.value)
    assert str(folders.input) in str(caught.value)


def test_a_folder_is_no_file(folders):
    (folders.input / "sub").mkdir()
    with pytest.raises(InputError):
        locate(folders, "sub")


def test_the_next_file_counts_on_from_the_highest_number(folders):
    first = next_file(folders.output, "run/clip", ".mp4")
    assert first == (folders.output / "run" / "clip_00001_.mp4").resolve()
    (first.parent / "clip_00007_.mp4").touch()
    (first.parent / "clip_extra_00099_.mp4").touch()
    assert next_file(folders.output, "run/clip", ".mp4").name == "clip_00008_.mp4"


def test_a_prefix_cannot_leave_the_output_folder_and_makes_nothing_outside(folders):
    with pytest.raises(InputError):
        next_file(folders.output, "../elsewhere/clip", ".mp4")
    assert not (folders.output.parent / "elsewhere").exists()


def test_files_are_listed_by_ending_with_forward_slashes(folders):
    (folders.input / "sub").mkdir()
    (folders.input / "sub" / "B.PNG").touch()
    (folders.input / "note.txt").touch()
    assert list_files(folders.input, (".png",)) == ["same.png", "sub/B.PNG"]
    assert list_files(folders.input / "nowhere", (".png",)) == []
