"""A backbone in the precision that is asked for: its numbers, its error, its digest."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from motionweave.backbones.precision import PRECISIONS, load_backbone, quantised
from motionweave.errors import InputError, UnsupportedError
from motionweave.residency import BY_LAYER, divides, hold, module_bytes
from motionweave.weights.quantise import quantise

MINI = Path(__file__).parents[3] / "mini" / "svd"
needs_bitsandbytes = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes")
needs_mini = pytest.mark.skipif(not MINI.is_dir(), reason="the bundled Mini is not in this checkout")


def step(unet) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, 8, 16, 16, generator=generator)
    token = torch.randn(1, 1, unet.config.cross_attention_dim, generator=generator)
    with torch.inference_mode():
        return unet(sample, torch.tensor(0.5), token, torch.tensor([[6.0, 127.0, 0.02]]))


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("auto", torch.bfloat16), ("fp32", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16)],
)
def test_numbers_have_the_precision_that_is_asked_for(tiny_svd_folder, precision, dtype):
    assert load_backbone(tiny_svd_folder, torch.bfloat16, precision).denoiser.dtype == dtype


def test_an_unknown_precision_lists_the_known(tiny_svd_folder):
    with pytest.raises(InputError, match="auto, fp32, bf16, fp16, int8 weights, int4 weights"):
        load_backbone(tiny_svd_folder, torch.float32, "fp8")


def test_weights_of_other_widths_are_refused():
    with pytest.raises(InputError, match="weights of 3 bits"):
        quantise(torch.nn.Linear(2, 2), 3)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is here")
def test_without_bitsandbytes_a_line_says_what_to_install(tiny_svd_folder):
    with pytest.raises(UnsupportedError, match=r"motionweave\[quantised\]"):
        load_backbone(tiny_svd_folder, torch.float32, "int8 weights")


@needs_bitsandbytes
def test_every_precision_has_a_digest_of_its_own(tiny_svd_folder):
    made = {load_backbone(tiny_svd_folder, torch.float32, each).digest for each in PRECISIONS if each != "auto"}
    assert len(made) == len(PRECISIONS) - 1


@needs_bitsandbytes
@needs_mini
@pytest.mark.parametrize(("bits", "error", "left"), [(8, 0.02, 0.76), (4, 0.12, 0.72)])
def test_few_bits_cost_little_accuracy_and_save_what_is_linear(bits, error, left):
    """On Mini in float32 one step differs by 1 % of its size with 8 bits, by 8 % with 4."""
    backbone = load_backbone(MINI, torch.float32)
    exact, before = step(backbone.denoiser), module_bytes(backbone.denoiser)
    unet = quantised(backbone, bits).denoiser
    off = float((step(unet) - exact).norm() / exact.norm())
    assert 0 < off < error
    assert module_bytes(unet) / before < left


@needs_bitsandbytes
def test_quantised_weights_stay_whole_layer_by_layer(tiny_svd_folder, monkeypatch):
    monkeypatch.setattr("motionweave.residency.WHOLE_BYTES", 0)
    unet = load_backbone(tiny_svd_folder, torch.float32, "int8 weights").denoiser
    expected = step(unet)
    assert not divides(unet)
    with hold((unet,), BY_LAYER, torch.device("cpu")):
        assert torch.equal(step(unet), expected)
