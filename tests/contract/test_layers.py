"""What import-linter cannot see: relative imports across the pack's two halves, and what an import drags in."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = sorted((ROOT / "motionweave").rglob("*.py"))
NODES = sorted((ROOT / "nodes").rglob("*.py"))
HEAVY = ("diffusers", "transformers", "accelerate", "cv2", "onnxruntime", "matplotlib", "scipy")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Give (relative level, module, imported names) of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", tuple(alias.name for alias in node.names)


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_the_library_imports_itself_relatively(path):
    """ComfyUI does not put the pack on `sys.path`, so an absolute import would find another copy or none."""
    absolute = [module for level, module, _ in imports(ast.parse(path.read_bytes())) if level == 0]
    assert not [module for module in absolute if module.split(".")[0] == "motionweave"]


@pytest.mark.parametrize("path", NODES, ids=name_of)
def test_nodes_take_only_the_librarys_public_names(path):
    import motionweave

    up = len(path.relative_to(ROOT).parts)
    for level, module, names in imports(ast.parse(path.read_bytes())):
        if level == 0:
            assert module.split(".")[0] not in {"motionweave", "nodes"}, f"absolute import of {module}"
        elif level == up:
            assert module == "motionweave", f"import from .{module or '.'} instead of the library's public names"
            assert set(names) <= set(motionweave.__all__)


def test_the_door_imports_nothing_before_comfyui_asks():
    door = ROOT / "__init__.py"
    if not door.is_file():
        pytest.skip("this checkout has no root __init__.py")
    at_module_level = [
        node
        for node in ast.parse(door.read_bytes()).body
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", None) != "__future__"
    ]
    assert not at_module_level


def test_importing_the_library_leaves_its_heavy_friends_alone():
    """They load when something first runs; ComfyUI starts every pack's imports one after the other."""
    program = f"import sys, motionweave; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", [*LIBRARY, *NODES], ids=name_of)
def test_every_character_survives_a_windows_code_page(path):
    path.read_text(encoding="utf-8").encode("cp1252")
