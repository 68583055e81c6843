"""What `bench import` refuses, and what a pack that does not load says."""

import pytest

from motionweave.bench.import_cost import import_cost
from motionweave.errors import InputError, MotionWeaveError


def test_other_packs_need_a_comfyui(tmp_path):
    with pytest.raises(InputError, match="--comfyui"):
        import_cost(pack=[tmp_path])


def test_a_folder_that_is_no_comfyui_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no nodes\.py"):
        import_cost(comfyui=tmp_path)


def test_a_folder_that_is_no_pack_is_named(tmp_path):
    (tmp_path / "nodes.py").touch()
    with pytest.raises(InputError, match=r"nobody holds no __init__\.py"):
        import_cost(comfyui=tmp_path, pack=[tmp_path / "nobody"])


def test_a_comfyui_that_does_not_start_is_said_in_its_own_words(tmp_path):
    (tmp_path / "nodes.py").touch()
    with pytest.raises(MotionWeaveError, match=r"does not load: ModuleNotFoundError: No module named 'comfy'"):
        import_cost(comfyui=tmp_path)
