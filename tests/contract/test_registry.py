"""What ComfyUI's registry and Manager read of the pack: https://docs.comfy.org/registry/specifications."""

import re
import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 brings it")

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
READ = tomllib.loads(TEXT)
PROJECT, COMFY = READ["project"], READ["tool"]["comfy"]
REPOSITORY = "https://github.com/somebody/motionweave"
addressed = runpy.run_path(str(ROOT / ".ci" / "addresses.py"))["addressed"]


def size_of(picture: str) -> tuple[float, float]:
    root = ET.parse(ROOT / picture).getroot()
    return float(root.get("width")), float(root.get("height"))


def bounds(lines) -> dict[str, str]:
    """Give each requirement's versions by its name."""
    found = (re.match(r"([\w-]+)([^#;]*)", line) for line in lines)
    return {each[1].lower(): each[2].strip() for each in found if each}


def test_the_name_is_one_that_the_registry_takes():
    assert re.fullmatch(r"[a-z](?:[._-]?[a-z0-9])*", PROJECT["name"])
    assert len(PROJECT["name"]) < 100
    assert "comfyui" not in PROJECT["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["version"])


def test_what_the_registry_shows_is_there():
    assert {"PublisherId", "DisplayName", "Icon", "Banner", "requires-comfyui"} <= set(COMFY)
    assert {"description", "license", "requires-python", "classifiers"} <= set(PROJECT)
    assert re.fullmatch(r">=\d+\.\d+\.\d+", COMFY["requires-comfyui"])
    systems = [each for each in PROJECT["classifiers"] if each.startswith("Operating System :: ")]
    devices = [each for each in PROJECT["classifiers"] if each.startswith("Environment :: ")]
    assert (systems, devices) == (["Operating System :: OS Independent"], ["Environment :: GPU :: NVIDIA CUDA"])


def test_the_pictures_have_the_registrys_shapes():
    (icon_width, icon_height), (width, height) = size_of(COMFY["Icon"]), size_of(COMFY["Banner"])
    assert icon_width == icon_height <= 400
    assert width * 9 == height * 21
    assert sum((ROOT / COMFY[picture]).stat().st_size for picture in ("Icon", "Banner")) < 60_000


def test_publishing_turns_files_into_addresses_and_adds_the_links():
    made = tomllib.loads(addressed(TEXT, f"{REPOSITORY}.git", "v1.2.3"))
    raw = "https://raw.githubusercontent.com/somebody/motionweave/v1.2.3"
    comfy = made["tool"]["comfy"]
    assert (comfy["Icon"], comfy["Banner"]) == (f"{raw}/{COMFY['Icon']}", f"{raw}/{COMFY['Banner']}")
    links = {
        "Repository": REPOSITORY,
        "Documentation": f"{REPOSITORY}/tree/v1.2.3/docs",
        "Bug Tracker": f"{REPOSITORY}/issues",
    }
    assert made["project"].pop("urls") == links
    assert made["project"] == PROJECT


@pytest.mark.parametrize("address", ["", "motionweave", "https://example.com/a/b", "https://github.com/somebody"])
def test_an_address_that_is_no_repository_is_refused(address):
    with pytest.raises(SystemExit, match="OWNER/NAME"):
        addressed(TEXT, address)


def test_addresses_are_not_written_twice():
    with pytest.raises(SystemExit, match="already"):
        addressed(addressed(TEXT, REPOSITORY), REPOSITORY)


def test_requirements_are_the_projects_own_and_leave_torch_to_comfyui():
    """Manager reads requirements.txt, everything else pyproject.toml."""
    asked = bounds((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    ours = bounds(PROJECT["dependencies"])
    assert asked == {name: ours[name] for name in asked}
    assert "torch" not in asked


def test_the_archive_keeps_what_nodes_and_canvas_need():
    """The registry's archive leaves out what .comfyignore names."""
    left_out = (ROOT / ".comfyignore").read_text(encoding="utf-8").split("\n")
    for name in ("nodes", "motionweave", "web", "locales", "workflows", "mini", "docs", "models_manifest.json"):
        assert (ROOT / name).exists()
        assert not [line for line in left_out if line.rstrip("/") == name]
