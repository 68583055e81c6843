"""Carry out a recipe: data, network, loop, and files that the loaders take as they are."""

from __future__ import annotations

import json
import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .data import ClipStore
from .denoiser import CONTEXT_SIGMA, ControlledUNet, DropRates, denoiser_losses
from .image_encoder import CLIP_MEAN, CLIP_STD, IdentityReader, identities, identity_losses
from .job import Job
from .latents import LatentStore
from .loop import LoopOptions, fit
from .recipe import DenoiserRecipe, ImageEncoderRecipe, LoopRecipe, VAERecipe, read_recipe
from .tuning_recipe import TuningLoop
from .vae import latent_scale, vae_losses

logger = logging.getLogger(__name__)

SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "sigma_max": 700.0,
    "sigma_min": 0.002,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "timestep_type": "continuous",
    "trained_betas": None,
    "use_karras_sigmas": True,
}
"""SVD-XT's scheduler, as published."""


TRAINERS: dict[str, tuple[str, str]] = {
    "adapters": (".adapters", "train_adapters"),
    "depth": (".depth", "train_depth"),
    "detector": (".detector", "train_detector"),
    "pose_estimator": (".pose_estimator", "train_pose_estimator"),
    "face_detector": (".face_detector", "train_face_detector"),
    "face_embedder": (".face_embedder", "train_face_embedder"),
    "speech": (".speech", "train_speech"),
    "audio_motion": (".audio_motion", "train_audio_motion"),
    "upscaler": (".upscaler", "train_upscaler"),
    "tuning": (".tuning_loop", "train_tuning"),
}
"""For each kind of recipe that is one file: its module and function, which takes the recipe and the job."""


def run_recipe(path: Path, output: Path, cache: Path, steps: int | None = None, run: Path | None = None) -> Path:
    """Train what a recipe says.

    Args:
        path: The recipe.
        output: Where models go; recipes that build on others find them there.
        cache: Where rendered clips, latents and checkpoints are kept; a second call goes on from there.
        steps: Steps to take in place of the recipe's.
        run: Checkpoints and log; None for a folder of the recipe's name in the cache.

    Returns:
        The folder, or file, of the finished model.

    Raises:
        InputError: If the recipe is wrong.
    """
    recipe = read_recipe(path)
    options = loop_options(recipe.loop, steps)
    torch.manual_seed(options.seed)
    run = run or cache / f"run-{path.stem}"
    if not isinstance(recipe, VAERecipe | ImageEncoderRecipe | DenoiserRecipe):
        module, function = TRAINERS[recipe.kind]
        train: Any = getattr(import_module(module, __package__), function)
        return train(recipe, Job(options, output, cache, run))
    clips = ClipStore(cache, recipe.data)
    if isinstance(recipe, VAERecipe):
        return _train_vae(recipe, options, clips, output, run)
    if isinstance(recipe, ImageEncoderRecipe):
        return _train_image_encoder(recipe, options, clips, output, run)
    return _train_denoiser(recipe, options, clips, output, run)


def loop_options(loop: LoopRecipe | TuningLoop, steps: int | None) -> LoopOptions:
    """Give the loop's options, with other steps where some are named."""
    return LoopOptions(
        steps=steps or loop.steps,
        learning_rate=loop.learning_rate,
        warmup=loop.warmup,
        ema=loop.ema,
        seed=loop.seed,
    )


def _write(module: Any, folder: Path) -> None:
    """Save in half precision: what is committed and shipped, and what held-out figures are measured on."""
    module.half().save_pretrained(folder)
    # Files name diffusers' own class, of which ours is a subclass with the same weights.
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"SVDUNet"', '"UNetSpatioTemporalConditionModel"'), encoding="utf-8")


def _train_vae(recipe: VAERecipe, options: LoopOptions, clips: ClipStore, output: Path, run: Path) -> Path:
    from diffusers import AutoencoderKLTemporalDecoder

    build: Any = AutoencoderKLTemporalDecoder  # whose annotations name tuples of one
    vae = build(
        block_out_channels=recipe.widths,
        down_block_types=("DownEncoderBlock2D",) * len(recipe.widths),
        layers_per_block=1,
        sample_size=recipe.data.size,
        force_upcast=False,
    )

    def losses(step: int, generator: torch.Generator) -> dict[str, Tensor]:
        whole = step >= recipe.whole_from * options.steps
        count, size = (1, recipe.data.size) if whole else (recipe.clips, recipe.crop)
        return vae_losses(vae, clips, generator, clips=count, frames=recipe.frames, size=size)

    vae.load_state_dict(fit(vae, losses, options, run))
    vae.register_to_config(scaling_factor=round(latent_scale(vae, clips), 5))
    _write(vae, output / "svd/vae")
    return output / "svd/vae"


def _train_image_encoder(
    recipe: ImageEncoderRecipe, options: LoopOptions, clips: ClipStore, output: Path, run: Path
) -> Path:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=recipe.width,
        intermediate_size=3 * recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        projection_dim=recipe.embedding,
        image_size=224,
        patch_size=recipe.patch,
    )
    reader = IdentityReader(CLIPVisionModelWithProjection(config))
    truth = identities(clips)
    reader.load_state_dict(
        fit(reader, lambda _, g: identity_losses(reader, clips, truth, g, recipe.batch), options, run)
    )
    _write(reader.tower, output / "svd/image_encoder")
    processor = {
        "crop_size": {"height": 224, "width": 224},
        "do_normalize": True,
        "do_resize": True,
        "image_mean": CLIP_MEAN,
        "image_processor_type": "CLIPImageProcessor",
        "image_std": CLIP_STD,
        "size": {"shortest_edge": 224},
    }
    _write_json(output / "svd/feature_extractor/preprocessor_config.json", processor)
    return output / "svd/image_encoder"


def _train_denoiser(recipe: DenoiserRecipe, options: LoopOptions, clips: ClipStore, output: Path, run: Path) -> Path:
    from diffusers import AutoencoderKLTemporalDecoder
    from transformers import CLIPVisionModelWithProjection

    from ..models.svd_controlnet import SVDControlNet
    from ..models.svd_unet import SVDUNet

    # Latents are encoded by the very weights that are shipped, which are in half precision.
    vae: Any = AutoencoderKLTemporalDecoder.from_pretrained(output / recipe.vae, torch_dtype=torch.float32)
    tower: Any = CLIPVisionModelWithProjection.from_pretrained(output / recipe.image_encoder, dtype=torch.float32)
    latents = LatentStore(clips, vae.eval().requires_grad_(False), tower.eval().requires_grad_(False), run.parent)
    levels, embedding = len(recipe.widths), int(tower.config.projection_dim)
    torch.manual_seed(options.seed)
    unet = SVDUNet(
        sample_size=recipe.data.size // 8,
        block_out_channels=recipe.widths,
        layers_per_block=recipe.layers,
        num_attention_heads=recipe.heads,
        cross_attention_dim=embedding,
        addition_time_embed_dim=embedding,
        projection_class_embeddings_input_dim=3 * embedding,
        num_frames=recipe.data.frames,
        down_block_types=(*["CrossAttnDownBlockSpatioTemporal"] * (levels - 1), "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", *["CrossAttnUpBlockSpatioTemporal"] * (levels - 1)),
    )
    nets = ControlledUNet(unet, SVDControlNet.from_unet(unet, recipe.control_widths))

    def losses(step: int, generator: torch.Generator) -> dict[str, Tensor]:
        del step
        chosen = torch.randint(recipe.data.clips, (recipe.batch,), generator=generator).numpy()
        return denoiser_losses(nets, latents.batch(chosen), DropRates(), generator)

    nets.load_state_dict(fit(nets, losses, options, run))
    _write(nets.unet, output / "svd/unet")
    _write(nets.controlnet, output / "controlnet-pose")
    _write_json(output / "svd/scheduler/scheduler_config.json", SCHEDULER)
    frames, size = recipe.data.frames, recipe.data.size
    facts = {
        "name": "Mini",
        "window": frames,
        "chunk_frames": frames - recipe.overlap,
        "overlap": recipe.overlap,
        "fps": "30",
        "size": [size, size],
        "spatial_multiple": 8 * 2 ** (levels - 1),
        "image_role": "reference",
        "context_sigma": CONTEXT_SIGMA,
        "steps": 8,
        "guidance": 1.0,
        "noise_augmentation": 0.0,
    }
    _write_json(output / "svd/motionweave.json", facts)
    return output / "svd"


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
