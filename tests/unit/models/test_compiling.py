"""Compiled blocks give the same numbers, and a machine without a compiler is told so beforehand."""

import copy
import os

import pytest
import torch

from motionweave.errors import UnsupportedError
from motionweave.models import compiling
from motionweave.models.compiling import BLOCKS, compile_blocks

CPU = torch.device("cpu")


def test_a_machine_without_a_compiler_is_told_before_anything_runs(tiny_backbone, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UnsupportedError, match="Install a C\\+\\+ compiler"):
        compile_blocks(tiny_backbone.unet, CPU)
    monkeypatch.setattr(compiling, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match="Install triton"):
        compile_blocks(tiny_backbone.unet, torch.device("cuda"))


def test_nearly_all_weights_are_in_the_blocks(tiny_backbone):
    unet = tiny_backbone.unet
    inside = {id(p) for m in unet.modules() if type(m).__name__ in BLOCKS for p in m.parameters()}
    share = sum(p.numel() for p in unet.parameters() if id(p) in inside) / sum(p.numel() for p in unet.parameters())
    assert share > 0.7


@pytest.mark.skipif("MOTIONWEAVE_SLOW_TESTS" not in os.environ, reason="takes minutes; set MOTIONWEAVE_SLOW_TESTS=1")
def test_a_compiled_block_gives_the_same_numbers(tiny_backbone):
    block = copy.deepcopy(tiny_backbone.unet.down_blocks[0].attentions[0].transformer_blocks)
    names = set(block.state_dict())
    hidden, tokens = torch.randn(3, 16, 32), torch.randn(3, 1, 32)
    with torch.no_grad():
        plain = block[0](hidden, encoder_hidden_states=tokens)
        compile_blocks(block, CPU)
        assert set(block.state_dict()) == names
        torch.testing.assert_close(block[0](hidden, encoder_hidden_states=tokens), plain, rtol=0, atol=1e-5)
