"""What the doctor says about models, runtimes and OpenCV."""

import pytest

from motionweave.host.doctor import diagnose
from motionweave.runtime import Folders


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    pack = tmp_path / "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose"
    pack.mkdir(parents=True)
    for name in ("yolox_l.onnx", "dw-ll_ucoco_384.onnx"):
        (pack / name).touch()
    return Folders(tmp_path, tmp_path / "output", tmp_path, (tmp_path / "models",))


def test_a_copy_that_another_pack_downloaded_is_called_here(folders, tmp_path):
    found = diagnose(folders)
    assert found.models["dwpose"] == str(tmp_path / "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose")
    assert any("dwpose in " in line for line in found.lines())


def test_missing_models_are_listed_with_the_way_to_get_them(folders):
    text = "\n".join(diagnose(folders).lines())
    (missing,) = [line for line in text.splitlines() if "not here:" in line]
    assert "svd-xt" in missing
    assert "dwpose" not in missing
    assert "motionweave models download" in text
    assert "antelopev2: https://github.com/deepinsight" in text


def test_the_opencv_that_is_imported_is_named_with_what_it_can(folders):
    (line,) = [line for line in diagnose(folders).lines() if line.startswith("OpenCV")]
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert cv2.__version__ in line
    assert "contrib" in line


def test_a_runtime_without_a_gpu_is_called_what_it_is(folders):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (line,) = [line for line in diagnose(folders).lines() if line.startswith("ONNX")]
    on_gpu = {"CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider"}
    assert ("on the processor" in line) == (not on_gpu & set(runtime.get_available_providers()))
