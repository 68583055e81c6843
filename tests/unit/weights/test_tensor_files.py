"""Tensors come out of files as they are, and no file runs code."""

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from motionweave.errors import InputError, MissingModelError
from motionweave.weights.tensor_files import read_metadata, read_shapes, read_tensors


class Burglar:
    """Runs a command when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


def as_zip(value, path):
    torch.save(value, path)


def as_old_format(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def as_plain_pickle(value, path):
    path.write_bytes(pickle.dumps(value, protocol=2))


@pytest.mark.parametrize("save", [as_zip, as_old_format, as_plain_pickle])
@pytest.mark.parametrize("suffix", [".pth", ".bin", ".ckpt"])
def test_a_pickle_that_runs_code_is_refused_and_runs_none(tmp_path, save, suffix):
    trace, path = tmp_path / "trace", tmp_path / f"model{suffix}"
    save({"weight": torch.zeros(2), "burglar": Burglar(trace)}, path)
    for read in (read_tensors, read_shapes):
        if read is read_shapes and save is not as_zip:
            continue
        with pytest.raises(InputError, match=r"could run code.*was not opened.*safetensors"):
            read(path)
    assert not trace.exists()
    torch.load(path, weights_only=False) if save is not as_plain_pickle else pickle.loads(path.read_bytes())
    assert trace.exists(), "the pickle would not have run anything"


@pytest.mark.parametrize("save", [as_zip, as_old_format])
def test_honest_pickles_give_their_tensors_and_nothing_else(tmp_path, save):
    path = tmp_path / "model.pth"
    inner = {"a.weight": torch.ones(2), "part": {"b": torch.arange(3)}}
    save({"state_dict": inner, "epoch": 3, "optimizer": {"state": torch.zeros(9)}}, path)
    read = read_tensors(path)
    assert {name: value.tolist() for name, value in read.items()} == {"a.weight": [1, 1], "part.b": [0, 1, 2]}


def test_precision_changes_floats_only_and_only_wanted_names_are_read(tmp_path):
    tensors = {"a.weight": torch.full((2,), 1 / 3), "a.steps": torch.tensor(7), "b.weight": torch.zeros(2)}
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    torch.save(tensors, tmp_path / "model.pth")
    for name in ("model.safetensors", "model.pth"):
        read = read_tensors(tmp_path / name, torch.bfloat16, lambda name: name.startswith("a."))
        assert read.keys() == {"a.weight", "a.steps"}
        assert torch.equal(read["a.weight"], tensors["a.weight"].bfloat16())
        assert read["a.steps"].dtype == torch.int64
        assert read_shapes(tmp_path / name) == {"a.weight": (2,), "a.steps": (), "b.weight": (2,)}
    assert read_metadata(tmp_path / "model.safetensors") == {"format": "pt"}
    assert read_metadata(tmp_path / "model.pth") == {}


def test_files_that_were_cut_off_or_are_none_are_said(tmp_path):
    torch.save({"weight": torch.zeros(1000)}, tmp_path / "model.pth")
    (tmp_path / "model.pth").write_bytes((tmp_path / "model.pth").read_bytes()[:-500])
    (tmp_path / "model.bin").write_text("<html>please log in</html>")
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0")
    for name in ("model.pth", "model.bin", "model.safetensors"):
        with pytest.raises(InputError, match=rf"{name}.*get it again"):
            read_tensors(tmp_path / name)
    with pytest.raises(MissingModelError, match="gone"):
        read_tensors(tmp_path / "gone.pth")
    (tmp_path / "model.onnx").touch()
    with pytest.raises(InputError, match="holds no weights"):
        read_tensors(tmp_path / "model.onnx")


@pytest.mark.parametrize("suffix", [".SAFETENSORS", ".PTH", ".Bin"])
def test_suffixes_may_be_in_capitals(tmp_path, suffix):
    path, held = tmp_path / f"model{suffix}", {"weight": torch.ones(2)}
    save_file(held, path) if suffix == ".SAFETENSORS" else torch.save(held, path)
    assert read_shapes(path) == {"weight": (2,)}
    assert torch.equal(read_tensors(path)["weight"], held["weight"])
