"""README says of every model what its manifest entry says."""

import pytest

from motionweave.errors import InputError
from motionweave.weights.manifest import PACK_ROOT, load_manifest
from motionweave.weights.table import END, START, models_table, with_table, write_table

README = PACK_ROOT / "README.md"


def test_readme_holds_the_table_that_the_manifest_makes():
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m motionweave models table --write README.md"


def test_every_model_has_a_row_that_says_what_was_verified():
    rows = models_table().splitlines()[2:]
    for entry, row in zip(load_manifest().models, rows, strict=True):
        assert f"`{entry.id}`" in row
        assert f"| {entry.verified} | {entry.verified_by} |" in row
        assert row.count("|") == 7


def test_only_what_is_between_the_marks_is_written(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"above\n{START}\nwords of before\n{END}\nbelow\n")
    write_table(path)
    text = path.read_text()
    assert text.startswith(f"above\n{START}\n")
    assert text.endswith(f"{END}\nbelow\n")
    assert models_table() in text
    assert "words of before" not in text


def test_a_file_without_the_marks_is_left_alone(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"{END} {START}")
    with pytest.raises(InputError, match="no place for the table"):
        write_table(path)
    assert path.read_text() == f"{END} {START}"
    with pytest.raises(InputError, match=r"gone\.md cannot be read"):
        write_table(tmp_path / "gone.md")
