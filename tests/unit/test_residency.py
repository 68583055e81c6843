"""How modules live in memory changes where weights are, and never a bit of the result."""

import pytest
import torch
from diffusers.hooks import HookRegistry
from torch import nn

import motionweave.residency as residency
from motionweave.errors import InputError
from motionweave.residency import (
    BY_LAYER,
    BY_MODEL,
    EVERYTHING,
    GIB,
    RESIDENCIES,
    Need,
    bytes_on,
    divides,
    hold,
    least_bytes,
    module_bytes,
    plan_memory,
    residency_of,
)
from motionweave.runtime import Folders, LocalRuntime

CPU = torch.device("cpu")


class Sized(nn.Module):
    """Layers of so many GiB each, which take no memory."""

    def __init__(self, *gib: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(1024, round(size * 2**18), bias=False, device="meta") for size in gib)


@pytest.fixture
def any_size_divides(monkeypatch):
    monkeypatch.setattr(residency, "WHOLE_BYTES", 0)


def hooked(module: nn.Module) -> list[nn.Module]:
    registries = [(each, getattr(each, "_diffusers_hook", None)) for each in module.modules()]
    return [each for each, registry in registries if isinstance(registry, HookRegistry) and registry.hooks]


def test_bytes_are_counted_once_whatever_shares_them():
    layer = nn.Linear(10, 10)
    assert module_bytes(layer) == 440
    assert module_bytes(nn.Sequential(layer, layer)) == 440


def test_layer_by_layer_two_layers_are_there_at_once():
    assert least_bytes(Sized(1, 2, 0.5)) == 4 * GIB


def test_small_modules_stay_whole():
    assert not divides(nn.Linear(10, 10))
    assert least_bytes(nn.Linear(10, 10)) == 440


def test_the_fastest_way_that_fits_is_chosen():
    unet, vae = Sized(*[0.25] * 16), Sized(1)
    needs = (Need("denoise", (unet,), 3 * GIB), Need("decode", (vae,), 2 * GIB))
    chosen = {gib: plan_memory(needs, gib * GIB).residency for gib in (10, 9, 8, 7, 5)}
    assert chosen == {10: EVERYTHING, 9: EVERYTHING, 8: BY_MODEL, 7: BY_LAYER, 5: BY_LAYER}


def test_peaks_are_those_of_the_largest_stage():
    unet, vae = Sized(*[0.25] * 16), Sized(1)
    needs = (Need("denoise", (unet,), 3 * GIB), Need("decode", (vae,), 4 * GIB))
    peaks = [plan_memory(needs, None, each).peak_bytes / GIB for each in RESIDENCIES]
    assert peaks == [5 + 4, 4 + 3, 2 + 4]


def test_where_nothing_tells_what_is_free_everything_stays():
    plan = plan_memory((Need("denoise", (Sized(100),), GIB),), None)
    assert (plan.residency, plan.fits) == (EVERYTHING, True)


def test_a_plan_that_does_not_fit_says_so_and_what_would_help():
    needs = (Need("denoise", (Sized(1),), GIB), Need("decode", (), 20 * GIB))
    plan = plan_memory(needs, 12 * GIB)
    assert plan.residency == BY_LAYER
    assert not plan.fits
    assert "layer by layer; predicted peak 20.0 GiB of 12.0 GiB free" in str(plan)
    assert "decode_frames" in str(plan)


def test_a_plan_is_told_in_one_line_and_in_json():
    plan = plan_memory((Need("denoise", (Sized(1),), GIB), Need("decode", (), GIB // 2)), 4 * GIB)
    assert str(plan) == (
        "memory: everything on the device; predicted peak 2.0 GiB of 4.0 GiB free (denoise 2.0, decode 1.5)"
    )
    assert plan.row() == {
        "residency": "device",
        "predicted_peak_gib": 2.0,
        "predicted_stages_gib": {"denoise": 2.0, "decode": 1.5},
        "free_gib": 4.0,
        "fits": True,
        "line": str(plan),
    }


def test_an_unknown_way_lists_the_known():
    assert residency_of("auto") is None
    assert residency_of("layer") == BY_LAYER
    with pytest.raises(InputError, match="auto, device, model, layer"):
        residency_of("disk")


def test_modules_leave_after_their_stage_unless_everything_stays():
    for each, moves in ((EVERYTHING, 1), (BY_MODEL, 2)):
        layer = nn.Linear(10, 10)
        moved: list[torch.device] = []
        to = layer.to
        layer.to = lambda device, to=to, moved=moved: moved.append(torch.device(device)) or to(device)
        with hold((layer,), each, CPU):
            assert bytes_on(CPU, (layer,)) == 440
        assert [device.type for device in moved] == ["cpu"] * moves


def test_every_residency_gives_the_same_bits(tiny_backbone, any_size_divides):
    unet = tiny_backbone.unet
    sample, tokens = torch.randn(1, 4, 8, 4, 4), torch.randn(1, 1, 32)
    inputs = (sample, torch.tensor(0.5), tokens, torch.zeros(1, 3))
    latents = torch.randn(2, 4, 4, 4)
    modules = (unet, tiny_backbone.autoencoder, tiny_backbone.image_encoder)
    with torch.inference_mode():
        expected = unet(*inputs), tiny_backbone.decode_clip(latents)
        for each in RESIDENCIES:
            with hold(modules, each, CPU):
                assert unet.device == CPU
                made = unet(*inputs), tiny_backbone.decode_clip(latents)
            assert all(torch.equal(*pair) for pair in zip(made, expected, strict=True)), each.id


def test_layer_by_layer_only_the_layer_that_runs_is_on_the_device(tiny_backbone, any_size_divides):
    """The hooks of each layer are counted, on a device that is also where weights wait."""
    unet = tiny_backbone.unet
    leaves = {each for each in unet.modules() if next(each.parameters(recurse=False), None) is not None}
    with hold((unet,), BY_LAYER, CPU):
        assert leaves <= set(hooked(unet))
        ids = {id(each) for each in unet.parameters()}
    assert hooked(unet) == []
    assert ids == {id(each) for each in unet.parameters()}


def test_hooks_come_off_when_the_work_fails(tiny_backbone, any_size_divides):
    with pytest.raises(torch.OutOfMemoryError), hold((tiny_backbone.unet,), BY_LAYER, CPU):
        raise torch.OutOfMemoryError("full")
    assert hooked(tiny_backbone.unet) == []


def test_a_local_runtime_takes_the_residency_that_it_is_given(tmp_path):
    here = LocalRuntime(Folders(tmp_path, tmp_path, tmp_path), residency=BY_MODEL)
    settled, plan = here.settle((Need("denoise", (nn.Linear(2, 2),), 100),))
    assert (settled.residency, plan.residency, plan.peak_bytes) == (BY_MODEL, BY_MODEL, 124)
    free = LocalRuntime(here.folders)
    settled, plan = free.settle((Need("denoise", (nn.Linear(2, 2),), 100),))
    assert settled.residency == plan.residency == EVERYTHING
