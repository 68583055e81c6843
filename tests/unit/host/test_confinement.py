"""Names from workflows cannot lead out of the folders of a run."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.host.paths import confine, list_files, locate, next_file

REFUSED = [
    "", ".", "/etc/passwd", "../secret.txt", "sub/../../secret.txt", "..", "C:\\secret.txt", "c:secret.txt",
    "\\\\server\\share\\x", "\\secret.txt", "..\\secret.txt", "sub\\..\\..\\secret.txt", "x\0.png", "//host/x",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_lead_out_are_refused_in_one_line(tmp_path, name):
    (tmp_path / "secret.txt").touch()
    with pytest.raises(InputError) as refused:
        confine(tmp_path / "input", name)
    assert "\n" not in str(refused.value)
    assert "\0" not in str(refused.value)


@pytest.mark.parametrize("name", ["x.png", "sub/x.png", "sub\\x.png", "./x.png", "..x.png", "a b.png", "x..png"])
def test_names_inside_are_kept(tmp_path, name):
    assert confine(tmp_path, name) == (tmp_path / name.replace("\\", "/")).resolve()


@given(st.text(st.sampled_from("ab./\\:\0 "), max_size=12))
def test_whatever_is_accepted_lies_inside(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp() / "confined"
    try:
        path = confine(folder, name)
    except InputError:
        return
    assert path.is_relative_to(folder.resolve())


def link_or_skip(link, target):
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no symbolic links for this user")


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.png").touch()
    link_or_skip(tmp_path / "input" / "way", tmp_path / "secret")
    link_or_skip(tmp_path / "input" / "x.png", tmp_path / "secret" / "x.png")
    for name in ("way/x.png", "x.png"):
        with pytest.raises(InputError, match="link that leaves"):
            confine(tmp_path / "input", name)


def test_a_link_that_stays_inside_and_a_folder_that_is_a_link_are_fine(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.png").touch()
    link_or_skip(tmp_path / "input", tmp_path / "real")
    link_or_skip(tmp_path / "real" / "y.png", tmp_path / "real" / "x.png")
    assert confine(tmp_path / "input", "y.png") == (tmp_path / "real" / "x.png").resolve()


def test_links_in_a_circle_are_refused_or_found_missing(place):
    link_or_skip(place.input / "a", place.input / "b")
    link_or_skip(place.input / "b", place.input / "a")
    with pytest.raises(InputError):
        locate(place.folders, "a")


def test_an_annotated_name_is_looked_for_in_its_folder(place):
    (place.folders.output / "made.png").touch()
    assert locate(place.folders, "made.png [output]") == (place.folders.output / "made.png").resolve()
    assert locate(place.folders, "clip.mp4 [input]") == locate(place.folders, "clip.mp4")
    for name in (
        "made.png",
        "made.png [temp]",
        "made.png [models]",
        "../output/made.png",
        "../input/clip.mp4 [output]",
    ):
        with pytest.raises(InputError):
            locate(place.folders, name)


def test_a_folder_is_no_file(place):
    (place.input / "sub").mkdir()
    with pytest.raises(InputError, match="no file 'sub'"):
        locate(place.folders, "sub")


def test_a_series_goes_on_above_its_highest_number(tmp_path):
    assert next_file(tmp_path, "video/clip", ".mp4") == (tmp_path / "video" / "clip_00001_.mp4").resolve()
    (tmp_path / "video" / "clip_00007_.mp4").touch()
    (tmp_path / "video" / "clip_extra_00070_.mp4").touch()
    (tmp_path / "video" / "clip_00003_.png").touch()
    assert next_file(tmp_path, "video/clip", ".mp4").name == "clip_00008_.mp4"


def test_a_prefix_may_have_the_year_and_may_not_leave(tmp_path):
    assert next_file(tmp_path, "%year%/x", ".png").parent.name == str(datetime.now().year)
    for prefix in ("../x", "/tmp/x", "a/../../x"):
        with pytest.raises(InputError):
            next_file(tmp_path, prefix, ".png")


def test_a_prefix_below_a_file_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(InputError, match="cannot be made"):
        next_file(tmp_path, "taken/x", ".png")


def test_listing_gives_names_as_workflows_have_them(place):
    (place.input / "sub").mkdir()
    (place.input / "sub" / "B.PNG").touch()
    assert list_files(place.input, (".png",)) == ["picture.png", "sub/B.PNG"]
    assert list_files(place.input / "nowhere", (".png",)) == []
