"""Pictures of help pages: few, small, all there, none left over."""

import re
from pathlib import Path

import pytest
from PIL import Image

PAGES = Path(__file__).resolve().parents[2] / "web" / "docs"
PICTURES = sorted((PAGES / "pictures").iterdir())
MOST_BYTES_TOGETHER = 1_000_000
WIDEST_PX = 700

SHOWN = [
    (page, alt, target)
    for page in sorted(PAGES.glob("*.md"))
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page.read_text(encoding="utf-8"))
]


def test_every_picture_is_shown_and_every_shown_one_is_there():
    assert SHOWN
    assert {target for _, _, target in SHOWN} == {path.relative_to(PAGES).as_posix() for path in PICTURES}


def test_every_page_shows_a_picture():
    assert {page.name for page, _, _ in SHOWN} == {page.name for page in PAGES.glob("*.md")}


def test_every_picture_is_told_in_words():
    assert [(page.name, target) for page, alt, target in SHOWN if len(alt.split()) < 4] == []


def test_pictures_are_light():
    assert sum(path.stat().st_size for path in PICTURES) <= MOST_BYTES_TOGETHER


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_fits_a_side_panel(path):
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        assert picture.width <= WIDEST_PX
