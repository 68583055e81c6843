"""One window without control is diffusers' own pipeline; a control of strength 0 is no control."""

import json
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from motionweave.backbones.base import Conditioning
from motionweave.backbones.svd_files import load_svd
from motionweave.controls import LoadedControlNet, PoseControl
from motionweave.models.svd_controlnet import SVDControlNet
from motionweave.models.svd_unet import SVDUNet
from motionweave.sampling import DenoiseOptions, Guidance, KnownFrames, denoise_window, frame_noise
from motionweave.tracks.pose import PoseMapFrames
from motionweave.train.run import SCHEDULER
from motionweave.types import Size, Window

SIZE = Size(64, 64)
FRAMES, STEPS, SEED, FPS = 4, 3, 11, 7
UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "layers_per_block": 2,
    "num_attention_heads": 8,
    "cross_attention_dim": 32,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 96,
    "num_frames": FRAMES,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
}


@pytest.fixture(scope="module")
def parts():
    from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4, layers_per_block=1, sample_size=64
    )
    tower = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4, projection_dim=32,
            image_size=224, patch_size=56,
        )
    )  # fmt: skip
    unet = UNetSpatioTemporalConditionModel(**UNET)
    return SimpleNamespace(vae=vae.eval(), tower=tower.eval(), unet=unet.eval())


@pytest.fixture(scope="module")
def backbone(parts, tmp_path_factory):
    """The same weights through our loader."""
    folder = tmp_path_factory.mktemp("svd")
    parts.unet.save_pretrained(folder / "unet")
    parts.vae.save_pretrained(folder / "vae")
    parts.tower.save_pretrained(folder / "image_encoder")
    for name, data in {
        "scheduler/scheduler_config.json": SCHEDULER,
        "feature_extractor/preprocessor_config.json": {
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
        "motionweave.json": {"name": "tiny", "window": FRAMES, "size": [64, 64], "spatial_multiple": 16},
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(data))
    return load_svd(folder)


@pytest.fixture(scope="module")
def picture():
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    return (pixels * 255).round() / 255


def pipeline_frames(parts, picture, first, last):
    from diffusers import EulerDiscreteScheduler, StableVideoDiffusionPipeline
    from transformers import CLIPImageProcessor

    pipe = StableVideoDiffusionPipeline(
        parts.vae, parts.tower, parts.unet, EulerDiscreteScheduler.from_config(SCHEDULER), CLIPImageProcessor()
    )
    pipe.set_progress_bar_config(disable=True)
    image = Image.fromarray((picture[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy())
    made = pipe(
        image, height=64, width=64, num_frames=FRAMES, num_inference_steps=STEPS, min_guidance_scale=first,
        max_guidance_scale=last, fps=FPS, generator=torch.Generator().manual_seed(SEED), output_type="pt",
    )  # fmt: skip
    return made.frames[0]


def our_latents(backbone, identity, options, conditioning=None, known=None):
    noise = frame_noise(SEED, 0, FRAMES, (4, 8, 8), FRAMES, skip=3 * 64 * 64)
    with torch.no_grad():
        return denoise_window(backbone, conditioning or Conditioning(identity, FPS), noise, options, known)


@pytest.mark.parametrize(("first", "last"), [(1.0, 3.0), (2.5, 2.5)])
def test_one_window_equals_the_svd_pipeline(parts, backbone, picture, first, last):
    expected = pipeline_frames(parts, picture, first, last)
    with torch.no_grad():
        identity = backbone.encode_image(picture, SIZE, 0.02, SEED)
        latents = our_latents(backbone, identity, DenoiseOptions(STEPS, Guidance(last, first)))
        frames = backbone.decode_clip(latents)
    assert frames.shape == expected.shape
    torch.testing.assert_close(frames, expected, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def controlnet():
    torch.manual_seed(1)
    net = SVDControlNet(**UNET, conditioning_embedding_out_channels=(16, 16, 16, 16)).eval()
    for zero in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
        torch.nn.init.normal_(zero.weight, std=0.2)
    return LoadedControlNet(net.requires_grad_(False), "tiny")


def test_a_control_changes_the_video_and_at_strength_0_not_one_bit(backbone, controlnet, picture):
    options = DenoiseOptions(STEPS, Guidance(2.0))
    with torch.no_grad():
        identity = backbone.encode_image(picture, SIZE, 0.02, SEED)
    plain = Conditioning(identity, FPS)
    maps = PoseMapFrames(torch.rand(FRAMES, 3, 64, 64, generator=torch.Generator().manual_seed(2)), Fraction(FPS))
    window = Window(0, 0, FRAMES, 0)

    def made(strength):
        control = PoseControl(controlnet, maps, strength)
        return our_latents(backbone, identity, options, control.apply_to(plain, window))

    without = our_latents(backbone, identity, options)
    assert torch.equal(made(0.0), without)
    assert (made(1.0) - without).abs().max() > 1e-3
    # Neutral not only because the control is left out early: a zero factor inside the window is left out as well.
    control = PoseControl(controlnet, maps, 1.0).apply_to(plain, window)
    silent = replace(control, controls=(replace(control.controls[0], strength=torch.zeros(FRAMES)),))
    assert torch.equal(our_latents(backbone, identity, options, silent), without)


def test_known_frames_come_back_as_they_were_given(backbone, picture):
    with torch.no_grad():
        identity = backbone.encode_image(picture, SIZE, 0.02, SEED)
    known = KnownFrames(torch.randn(2, 4, 8, 8), torch.tensor([0, 1]))
    made = our_latents(backbone, identity, DenoiseOptions(STEPS, Guidance(1.0)), known=known)
    assert torch.equal(made[:2], known.latents)


def test_the_unet_without_residuals_is_diffusers_to_the_bit(parts):
    ours = SVDUNet(**UNET).eval()
    ours.load_state_dict(parts.unet.state_dict())
    inputs = (torch.randn(2, FRAMES, 8, 8, 8), torch.tensor(0.3), torch.randn(2, 1, 32), torch.rand(2, 3))
    with torch.no_grad():
        assert torch.equal(ours(*inputs), parts.unet(*inputs, return_dict=False)[0])


def test_residuals_are_added_as_often_as_the_published_network_adds_them(controlnet):
    """svd-temporal-controlnet's UNet adds every residual collected so far once in each turn of its down loop."""
    blocks, per_block = 2, 2
    counts: list[int] = [0]
    for block in range(blocks):
        counts += [0] * (per_block + (block < blocks - 1))
        counts = [count + 1 for count in counts]
    assert controlnet.net.repeats == tuple(counts)


def test_a_full_size_controlnet_has_the_published_layout():
    with torch.device("meta"):
        net = SVDControlNet()
    state = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    assert state["controlnet_cond_embedding.conv_out.weight"] == (320, 256, 3, 3)
    assert [state[f"controlnet_down_blocks.{i}.weight"][0] for i in range(12)] == [320] * 4 + [640] * 3 + [1280] * 5
    assert state["controlnet_mid_block.weight"] == (1280, 1280, 1, 1)
    assert state["conv_in.weight"] == (320, 8, 3, 3)
    assert not any(name.startswith("up_blocks") for name in state)
    assert net.repeats == (4, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1)
