"""The two sides of the benchmark `denoise`: our sampler and diffusers' pipeline, on the same weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import Conditioning
from ..backbones.svd import SVDBackbone
from ..backbones.svd_files import load_svd
from ..runtime import Folders
from ..sampling import DenoiseOptions, Guidance, denoise_window
from ..weights.locate import locate_model
from .denoise_case import GUIDANCE, Case, now, step_times

Run = Callable[[int], list[float]]
"""Makes a window in so many steps and gives the seconds of each but the first."""

NOWHERE = Folders(Path("input"), Path("output"), Path("temp"))
FPS = Fraction(7)
MATMUL_SIDE, MATMUL_COUNT = 8192, 20


def load_sides(case: Case) -> dict[str, Run]:
    """Load the weights once and give what runs each side, by `SIDES`."""
    backbone = _full_size() if case.full else load_svd(locate_model("backbone", "mini-svd", NOWHERE))
    picture = torch.rand(1, 3, case.size.height, case.size.width, generator=torch.Generator().manual_seed(0))
    return {"ours": _ours(backbone, case, picture), "diffusers": _diffusers(backbone, case, picture)}


def _ours(backbone: SVDBackbone, case: Case, picture: Tensor) -> Run:
    device = backbone.unet.device
    shape = (case.frames, 4, case.size.height // 8, case.size.width // 8)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))

    def run(steps: int) -> list[float]:
        clock: list[float] = []
        with torch.inference_mode():
            identity = backbone.encode_image(picture, case.size, 0.02, 0)
            denoise_window(
                backbone,
                Conditioning(identity, float(FPS)),
                noise,
                DenoiseOptions(steps, Guidance(GUIDANCE)),
                on_step=lambda *_: clock.append(now(device)),
            )
        return step_times(clock)

    return run


def _diffusers(backbone: SVDBackbone, case: Case, picture: Tensor) -> Run:
    from diffusers import StableVideoDiffusionPipeline
    from PIL import Image
    from transformers import CLIPImageProcessor

    unet, vae = _as_published(backbone)
    pipe = StableVideoDiffusionPipeline(vae, backbone.vision, unet, backbone.scheduler(), CLIPImageProcessor())
    pipe.set_progress_bar_config(disable=True)
    image = Image.fromarray((picture[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy())  # H W 3

    def run(steps: int) -> list[float]:
        clock: list[float] = []

        def on_step(pipeline: Any, step: int, timestep: Any, kept: dict[str, Any]) -> dict[str, Any]:
            del pipeline, step, timestep
            clock.append(now(unet.device))
            return kept

        pipe(
            image, height=case.size.height, width=case.size.width, num_frames=case.frames, num_inference_steps=steps,
            min_guidance_scale=GUIDANCE, max_guidance_scale=GUIDANCE, output_type="latent",
            callback_on_step_end=on_step,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        return step_times(clock)

    return run


def _as_published(backbone: SVDBackbone) -> tuple[Any, Any]:
    """Give diffusers' own UNet and VAE over the very same weights, without what we do otherwise."""
    from accelerate import init_empty_weights
    from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel

    made: list[Any] = []
    for kind, ours in ((UNetSpatioTemporalConditionModel, backbone.unet), (AutoencoderKLTemporalDecoder, backbone.vae)):
        # Buffers are no weights: none is in a state dict.
        with init_empty_weights(include_buffers=False):
            net: Any = kind.from_config(dict(ours.config))
        net.load_state_dict(ours.state_dict(), assign=True)
        made.append(net.requires_grad_(False).eval())
    return made[0], made[1]


def _full_size() -> SVDBackbone:
    """Make SVD-XT with random weights on the GPU, in 16 bits."""
    import json

    from diffusers import AutoencoderKLTemporalDecoder
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from .. import backbones
    from ..backbones.svd_facts import SVD_XT_FACTS
    from ..models.shortcuts import take_shortcuts
    from ..models.svd_unet import SVDUNet

    folder = Path(backbones.__file__).parent / "configs/svd-xt"

    def config(part: str, name: str = "config.json") -> dict[str, Any]:
        return json.loads((folder / part / name).read_text(encoding="utf-8"))

    torch.manual_seed(0)
    with torch.device("cuda"):
        networks: list[Any] = [
            SVDUNet.from_config(config("unet")),
            AutoencoderKLTemporalDecoder.from_config(config("vae")),
            CLIPVisionModelWithProjection(CLIPVisionConfig(**config("image_encoder"))),
        ]
    unet, vae, vision = (net.half().requires_grad_(False).eval() for net in networks)
    for net in (unet, vae):
        take_shortcuts(net)
    processor = config("feature_extractor", "preprocessor_config.json")
    return SVDBackbone(
        unet=unet,
        vae=vae,
        vision=vision,
        scheduler_config=config("scheduler", "scheduler_config.json"),
        image_mean=tuple(processor["image_mean"]),
        image_std=tuple(processor["image_std"]),
        facts=SVD_XT_FACTS,
        digest="random",
    )


def matmul_rate() -> float:
    """Measure how fast the GPU multiplies large matrices in 16 bits, in FLOP/s."""
    left, right = (torch.randn(MATMUL_SIDE, MATMUL_SIDE, device="cuda", dtype=torch.float16) for _ in range(2))
    for _ in range(3):
        torch.matmul(left, right)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(MATMUL_COUNT):
        torch.matmul(left, right)
    torch.cuda.synchronize()
    return MATMUL_COUNT * 2 * MATMUL_SIDE**3 / (time.perf_counter() - started)
