import json
from pathlib import Path

import pytest

from motionweave.errors import InputError
from motionweave.weights.manifest import PACK_ROOT, load_manifest

BUNDLED = {
    "id": "small",
    "role": "backbone",
    "title": "Small",
    "bundled": "mini/small",
    "licence": "Apache-2.0",
    "licence_note": "Ours.",
    "comfy_folder": "diffusers",
}
FETCHED = {
    "id": "large-1.1",
    "role": "controlnet",
    "title": "Large",
    "repo": "owner/large-model",
    "files": [
        {"path": "controlnet/config.json"},
        {"path": "controlnet/weights.safetensors", "size_bytes": 120, "sha256": "ab" * 32},
    ],
    "licence": None,
    "licence_note": "None is stated.",
    "comfy_folder": "controlnet",
}


def write(folder: Path, *models: dict[str, object]) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps({"models": models}), encoding="utf-8")
    return path


def test_a_model_is_found_by_id_and_by_role(tmp_path):
    manifest = load_manifest(write(tmp_path, BUNDLED, FETCHED))
    assert manifest.ids() == ("small", "large-1.1")
    assert manifest.get("large-1.1").files[1].sha256 == "ab" * 32
    assert [model.id for model in manifest.with_role("backbone")] == ["small"]
    assert manifest.with_role("upscaler") == ()


def test_an_unknown_id_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"no model 'smal' .* known are small, large-1\.1"):
        load_manifest(write(tmp_path, BUNDLED, FETCHED)).get("smal")


def test_a_bundled_model_lies_below_the_pack(tmp_path):
    manifest = load_manifest(write(tmp_path, BUNDLED, FETCHED))
    assert manifest.get("small").bundled_path == PACK_ROOT / "mini" / "small"
    assert manifest.get("large-1.1").bundled_path is None


def test_a_download_is_sized_by_its_large_files_and_unknown_if_one_of_them_is(tmp_path):
    unsized = {**FETCHED, "id": "unsized", "files": [{"path": "a.safetensors"}]}
    rounded = {**FETCHED, "id": "rounded", "files": [{"path": "a.safetensors", "approx_bytes": 9_560_000_000}]}
    manifest = load_manifest(write(tmp_path, BUNDLED, FETCHED, unsized, rounded))
    sizes = {model.id: model.download_bytes for model in manifest.models}
    assert sizes == {"small": None, "large-1.1": 120, "unsized": None, "rounded": 9_560_000_000}


@pytest.mark.parametrize("path", ["/etc/passwd", "../mini", "mini/../../x", "C:/mini", "mini\\svd", "", "a/.."])
def test_a_path_that_leaves_its_folder_is_refused(tmp_path, path):
    with pytest.raises(InputError, match=r"models\.0\.bundled.*stays inside"):
        load_manifest(write(tmp_path, {**BUNDLED, "bundled": path}))
    with pytest.raises(InputError, match=r"models\.0\.files\.0\.path.*stays inside"):
        load_manifest(write(tmp_path, {**FETCHED, "files": [{"path": path}]}))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": "Not A Slug"}, r"models\.0\.id"),
        ({"title": ""}, r"models\.0\.title"),
        ({"repo": "no-owner"}, r"models\.0\.repo"),
        ({"files": [{"path": "a", "sha256": "AB" * 32}]}, r"models\.0\.files\.0\.sha256"),
        ({"files": [{"path": "a", "size_bytes": "12"}]}, r"models\.0\.files\.0\.size_bytes"),
        ({"licences": "MIT"}, r"models\.0\.licences"),
        ({"repo": None}, "models.0: .*'repo'"),
        ({"files": []}, "models.0: .*'files'"),
    ],
)
def test_a_wrong_entry_is_named_by_its_place(tmp_path, change, place):
    with pytest.raises(InputError, match=place):
        load_manifest(write(tmp_path, {**FETCHED, **change}))


def test_two_models_of_one_id_are_refused(tmp_path):
    with pytest.raises(InputError, match="more than once: small"):
        load_manifest(write(tmp_path, BUNDLED, BUNDLED))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_file_that_is_no_manifest_gets_one_clear_line(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="model manifest"):
        load_manifest(path)


def test_a_missing_manifest_says_where_it_was_expected(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json cannot be read"):
        load_manifest(tmp_path / "nowhere.json")


def test_entries_cannot_be_changed(tmp_path):
    entry = load_manifest(write(tmp_path, BUNDLED)).get("small")
    with pytest.raises(ValueError, match="frozen"):
        entry.title = "Other"
