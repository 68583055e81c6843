"""The prediction of what SVD works in, against networks of full size on the meta device, every live tensor counted."""

import json

import pytest
import torch

from motionweave.backbones.base import ActiveControl, Conditioning, Identity, Pass, Work
from motionweave.backbones.svd import SVDBackbone
from motionweave.backbones.svd_facts import SVD_XT_FACTS
from motionweave.backbones.svd_memory import Widths, working_bytes
from motionweave.backbones.svd_single_file import CONFIGS, empty_networks
from motionweave.bench.live_tensors import count_live_tensors
from motionweave.models.slices import set_slices
from motionweave.residency import BY_LAYER, BY_MODEL, GIB, Need, plan_memory
from motionweave.types import Size

HALF = torch.float16
SIZE = Size(1024, 576)
FRAMES = 25
GUIDED = (Pass(image=False), Pass())


def config(part: str) -> dict:
    return json.loads((CONFIGS / part / "config.json").read_text())


@pytest.fixture(scope="module")
def svd_xt() -> SVDBackbone:
    unet, vae, vision = empty_networks(*(config(part) for part in ("unet", "vae", "image_encoder")))
    networks = [network.to(HALF).to("meta").eval() for network in (unet, vae, vision)]
    return SVDBackbone(*networks, {}, (0.5,) * 3, (0.5,) * 3, SVD_XT_FACTS, "full size")


@pytest.fixture(scope="module")
def nets() -> list:
    from accelerate import init_empty_weights

    from motionweave.models.reference_net import ReferenceNet
    from motionweave.models.svd_controlnet import SVDControlNet

    with init_empty_weights():
        made = [SVDControlNet(num_attention_heads=(5, 10, 20, 20)) for _ in range(2)]
        made.append(ReferenceNet(config("unet")))
    return [net.to(HALF).to("meta").eval() for net in made]


def conditioning(nets: list) -> Conditioning:
    cells = (SIZE.height // 8, SIZE.width // 8)
    who = Identity(torch.zeros(4, *cells), torch.zeros(1, 1024), SIZE, 0.02, "who")
    maps, strength = torch.zeros(FRAMES, 3, SIZE.height, SIZE.width), torch.full((FRAMES,), 0.7)
    signals = ((maps,), (maps,), (torch.zeros(1, 4, *cells), torch.zeros(1, 1, 1024)))
    controls = (
        ActiveControl(net, str(place), signals[place], strength, unconditional=place < 2)
        for place, net in enumerate(nets)
    )
    return Conditioning(who, 7.0, 127.0, tuple(controls))


def counted(backbone: SVDBackbone, nets: list) -> int:
    noise = torch.zeros(FRAMES, 4, SIZE.height // 8, SIZE.width // 8)
    with torch.inference_mode(), count_live_tensors() as live:
        backbone.predict(noise, torch.tensor(1.0), conditioning(nets), 0.5, GUIDED)
    return live.peak_bytes


@pytest.mark.parametrize("control_count", [0, 3])
def test_a_step_is_predicted_within_a_tenth_and_not_below(svd_xt, nets, control_count):
    predicted = svd_xt.working_bytes(Work(SIZE, FRAMES, len(GUIDED), control_count)).denoise
    assert 1.0 <= predicted / counted(svd_xt, nets[:control_count]) < 1.1


def test_a_decoded_piece_is_predicted_within_a_twentieth_and_not_below(svd_xt):
    predicted = svd_xt.working_bytes(Work(SIZE, FRAMES, decode_frames=4)).decode
    with torch.inference_mode(), count_live_tensors() as live:
        svd_xt.vae.decode(torch.zeros(4, 4, 72, 128, device="meta", dtype=HALF), num_frames=4)
    assert 1.0 <= predicted / live.peak_bytes < 1.05


def test_an_encoded_picture_is_predicted_within_a_twentieth_and_not_below(svd_xt):
    with torch.inference_mode(), count_live_tensors() as live:
        svd_xt.vae.encode(torch.zeros(1, 3, 576, 1024, device="meta", dtype=HALF))
    # The backbone encodes in float32, twice as wide.
    assert 1.0 <= svd_xt.working_bytes(Work(SIZE, 1)).encode / (2 * live.peak_bytes) < 1.05


def needs(svd_xt, nets, **decoding: int) -> tuple[Need, ...]:
    working = svd_xt.working_bytes(Work(SIZE, FRAMES, len(GUIDED), len(nets), **decoding))
    return (
        Need("encode", (svd_xt.vae, svd_xt.vision), working.encode),
        Need("denoise", (svd_xt.unet, *nets), working.denoise),
        Need("decode", (svd_xt.vae,), working.decode),
    )


def test_24_gb_hold_two_controlnets_and_a_reference_net(svd_xt, nets):
    """A 24 GB card has about 23.5 GiB, of which a desktop takes half a GiB."""
    plan = plan_memory(needs(svd_xt, nets), 23 * GIB)
    assert plan.fits
    assert plan.residency == BY_MODEL
    assert 17 * GIB < plan.peak_bytes < 21 * GIB


def test_12_gb_hold_them_too_layer_by_layer_in_slices_and_with_fewer_frames_decoded_together(svd_xt, nets):
    """A 12 GB card has about 11.7 GiB, of which a desktop takes half a GiB."""
    whole = plan_memory(needs(svd_xt, nets, decode_frames=7), round(11.2 * GIB))
    assert not whole.fits
    set_slices(svd_xt.unet, 4)
    try:
        plan = plan_memory(needs(svd_xt, nets, decode_frames=7), round(11.2 * GIB))
    finally:
        set_slices(svd_xt.unet, 1)
    assert plan.fits
    assert plan.residency == BY_LAYER
    assert 8 * GIB < plan.peak_bytes < 9.5 * GIB


def test_slices_are_predicted_within_a_fifth_and_not_below(svd_xt, monkeypatch):
    """A small picture: the feed-forward goes row by row, and every row is an operation to count."""
    small = Size(192, 128)
    monkeypatch.setitem(globals(), "SIZE", small)
    monkeypatch.setitem(globals(), "FRAMES", 8)
    set_slices(svd_xt.unet, 4)
    try:
        predicted, taken = svd_xt.working_bytes(Work(small, 8, 2)).denoise, counted(svd_xt, [])
    finally:
        set_slices(svd_xt.unet, 1)
    assert 1.0 <= predicted / taken < 1.2


def test_layer_by_layer_weights_take_next_to_nothing(svd_xt, nets):
    need = needs(svd_xt, nets)[1]
    weights = need.peak_bytes(BY_LAYER) - need.working_bytes
    assert weights < 0.5 * GIB < need.peak_bytes(BY_MODEL) - need.working_bytes


def test_tiles_and_few_frames_lower_what_decoding_takes():
    widths = Widths(320, 2, 128, 2, 8)

    def decode(**how: int) -> float:
        return working_bytes(widths, Work(SIZE, FRAMES, **how)).decode / GIB

    assert decode() > 15
    assert decode(decode_frames=7) == pytest.approx(decode() / 2)
    assert decode(decode_tile=512) == pytest.approx(decode() * 512 * 512 / (1024 * 576))
    assert decode(decode_frames=100) == pytest.approx(decode() * 25 / 14)
