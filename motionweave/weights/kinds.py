"""The kinds of weights that lie in an artist's folders: ours, and those often mistaken for ours.

The first kind all of whose marks are found is a file's, so the narrow ones come first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shape = tuple[int, ...]

LOAD_BACKBONE = "Load Backbone"
LOAD_CONTROL = "Load ControlNet (SVD)"
LOAD_FACE = "Load Face Adapter"
LOAD_UNET = "Load UNet Weights"
LOAD_LORA = "Load LoRA (SVD)"
UPSCALE = "Upscale Chunks"
COMFY = "ComfyUI's own "
CHECKPOINT = f"{COMFY}Load Checkpoint"
DIFFUSION_MODEL = f"{COMFY}Load Diffusion Model"


@dataclass(frozen=True)
class Mark:
    """A tensor by which a kind is known."""

    name: str | re.Pattern[str]
    """Its name, or a pattern to search for in a list of names."""
    axis: int = 0
    """Axis whose size tells too."""
    size: int | None = None
    """What that size is; None where it does not matter."""

    def is_in(self, shapes: Mapping[str, Shape], names: str) -> bool:
        """Say whether a file has such a tensor.

        Args:
            shapes: What it holds.
            names: The same names, each between line breaks: searching them in one piece is many times faster.
        """
        if isinstance(self.name, str):
            return self.name in shapes and self._fits(shapes[self.name])
        found = self.name.search(names) is not None
        if self.size is None or not found:
            return found
        return any(self._fits(shape) for name, shape in shapes.items() if self.name.search(f"\n{name}\n"))

    def _fits(self, shape: Shape) -> bool:
        return self.size is None or (len(shape) > self.axis and shape[self.axis] == self.size)


@dataclass(frozen=True)
class Kind:
    """What a file of weights is."""

    id: str
    """Stable name."""
    title: str
    """What a person reads, with its article."""
    loader: str
    """The node that takes it; empty if none does."""
    marks: tuple[Mark, ...] = ()
    """What is found in it."""


def _names(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of whole names for searching a list of them; `.*` at an end says that more may stand there.

    A name's start is looked for as the line break before it: `^` would be tried at every character.
    """
    start, end = "" if pattern.startswith(".*") else r"\n", "" if pattern.endswith(".*") else r"\n"
    return re.compile(f"{start}(?:{pattern.removeprefix('.*').removesuffix('.*')}){end}")


def _kind(id: str, title: str, loader: str, *marks: str | re.Pattern[str] | Mark) -> Kind:
    return Kind(id, title, loader, tuple(mark if isinstance(mark, Mark) else Mark(mark) for mark in marks))


_SGM = "model.diffusion_model.input_blocks"
_SGM_VIDEO = f"{_SGM}.1.0.time_stack.in_layers.0.weight"
_SGM_VISION = _names(r"conditioner\.embedders\.0\.open_clip\.model\.visual\..*class_embedding")
_TEMPORAL = "temporal_transformer_blocks|temporal_res_block|time_stack"
_WHOLE = r"(model\.diffusion_model\.)?"

VIDEO = (
    _kind(
        "sv3d",
        "SV3D, which turns round an object",
        "",
        _SGM_VIDEO,
        Mark("model.diffusion_model.label_emb.0.0.weight", 1, 256),
    ),
    _kind(
        "sv3d",
        "SV3D, which turns round an object",
        "",
        _SGM_VIDEO,
        Mark("model.diffusion_model.label_emb.0.0.weight", 1, 1280),
    ),
    _kind("motionctrl-svd", "MotionCtrl's SVD", "", _SGM_VIDEO, f"{_SGM}.1.1.time_stack.0.cc_projection.weight"),
    _kind(
        "svd",
        "Stable Video Diffusion in a single file",
        LOAD_BACKBONE,
        _SGM_VIDEO,
        _SGM_VISION,
        "first_stage_model.decoder.mid.block_1.time_stack.in_layers.0.weight",
    ),
    _kind(
        "svd-image-decoder",
        "Stable Video Diffusion with the decoder for single pictures (get the one without 'image_decoder' in its name)",
        "",
        _SGM_VIDEO,
        _SGM_VISION,
    ),
    _kind("svd-unet-sgm", "SVD's UNet alone, in the names of a single-file checkpoint", LOAD_UNET, _SGM_VIDEO),
    _kind(
        "svd-unet-sgm",
        "SVD's UNet alone, in the names of a single-file checkpoint",
        LOAD_UNET,
        "input_blocks.1.0.time_stack.in_layers.0.weight",
    ),
    _kind(
        "mimicmotion",
        "MimicMotion: UNet and PoseNet in one file",
        f"{LOAD_UNET} and {LOAD_CONTROL}",
        "unet.conv_in.weight",
        "pose_net.conv_layers.0.weight",
    ),
    _kind(
        "sonic-unet",
        "Sonic's UNet",
        "",
        _names(r".*\.attn2\.processor\.to_k_ip.*"),
        "down_blocks.0.attentions.0.temporal_transformer_blocks.0.norm_in.weight",
    ),
    _kind(
        "stableanimator-unet",
        "StableAnimator's UNet",
        f"{LOAD_UNET} and {LOAD_FACE}",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.id_to_k.weight",
    ),
    _kind(
        "svd-controlnet",
        "a ControlNet for SVD in svd-temporal-controlnet's layout",
        LOAD_CONTROL,
        "controlnet_cond_embedding.conv_in.weight",
        "down_blocks.0.resnets.0.temporal_res_block.conv1.weight",
    ),
    _kind(
        "svd-unet",
        "an SVD UNet in diffusers' names (SVD, MimicMotion, ControlNeXt)",
        LOAD_UNET,
        "conv_in.weight",
        "down_blocks.0.resnets.0.spatial_res_block.conv1.weight",
    ),
    _kind("svd-vae", "SVD's VAE", "", "decoder.time_conv_out.weight"),
    _kind(
        "controlnext-svd-v1",
        "the control net of ControlNeXt-SVD v1, whose second version can be loaded",
        "",
        "embedding.0.weight",
        "down_res.2.conv1.weight",
    ),
    _kind(
        "controlnext-svd",
        "the control net of ControlNeXt-SVD v2",
        LOAD_CONTROL,
        "embedding.0.weight",
        "down_res.1.conv1.weight",
        "mid_convs.1.weight",
    ),
    _kind(
        "posenet",
        "a PoseNet of MimicMotion or StableAnimator",
        LOAD_CONTROL,
        "conv_layers.0.weight",
        "final_proj.weight",
    ),
    _kind("posenet", "a PoseNet of MimicMotion or StableAnimator", LOAD_CONTROL, "pose_net.conv_layers.0.weight"),
    _kind(
        "stableanimator-face",
        "StableAnimator's face encoder",
        LOAD_FACE,
        "fusion_model.proj_in.weight",
        "proj.0.weight",
    ),
    _kind("cameractrl-svd", "CameraCtrl's camera encoder", "", _names(r"pose_encoder_state_dict\..*")),
)
"""What belongs to SVD."""

LORAS = (
    _kind(
        "lora-unknown-form",
        "an adapter in a form other than LoRA (LoHa, LoKr, DoRA)",
        f"{COMFY}Load LoRA",
        _names(r".*(hada_w1|lokr_w|dora_scale|lora_magnitude).*"),
    ),
    _kind("svd-lora", "a LoRA for SVD", LOAD_LORA, _names(rf".*({_TEMPORAL}).*lora.*")),
    _kind(
        "flux-lora",
        "a LoRA for Flux",
        f"{COMFY}Load LoRA",
        _names(r".*(single_transformer_blocks|single_blocks|double_blocks).*lora.*"),
    ),
    _kind(
        "sdxl-lora",
        "a LoRA for Stable Diffusion XL",
        f"{COMFY}Load LoRA",
        _names(
            r"lora_te2_.*|text_encoder_2\..*|.*attentions?[._]\d+[._]transformer_blocks[._][1-9].*lora.*|lora_unet_(in|out)put_blocks_\d+_1_transformer_blocks_[1-9].*"
        ),
    ),
    _kind(
        "sdxl-lora",
        "a LoRA for Stable Diffusion XL",
        f"{COMFY}Load LoRA",
        Mark(_names(r".*attn2.*to_k.*(lora_A|down)\.weight"), 1, 2048),
    ),
    _kind("sd-lora", "a LoRA for Stable Diffusion", f"{COMFY}Load LoRA", _names(r"(lora_te|text_encoder).*lora.*")),
    _kind(
        "sd-lora",
        "a LoRA for Stable Diffusion 1.5",
        f"{COMFY}Load LoRA",
        Mark(_names(r".*attn2.*to_k.*(lora_A|down)\.weight"), 1, 768),
    ),
    _kind(
        "unet-lora",
        "a LoRA for a UNet with layers of SVD's names",
        LOAD_LORA,
        _names(r".*(down_blocks|input_blocks).*lora.*"),
    ),
    _kind("lora", "a LoRA for another model", f"{COMFY}Load LoRA", _names(r".*lora.*")),
)
"""Low-rank adapters."""

FACE_RESTORERS = (
    _kind(
        "face-restorer",
        "GFPGAN, which restores faces",
        UPSCALE,
        "toRGB.0.weight",
        "stylegan_decoder.style_mlp.1.weight",
    ),
    _kind(
        "face-restorer",
        "CodeFormer, which restores faces",
        UPSCALE,
        "position_emb",
        "idx_pred_layer.1.weight",
    ),
    _kind(
        "face-restorer",
        "RestoreFormer, which restores faces",
        UPSCALE,
        "quantize.embedding.weight",
        "encoder.mid.attn_1.norm2.weight",  # other autoencoders of this family have one head, and one norm
        "decoder.conv_out.weight",
    ),
)
"""What Upscale Chunks takes as its face model, beside upscalers."""

OTHERS = (
    _kind(
        "svd-unet-part",
        "a part of SVD's UNet",
        LOAD_UNET,
        _names(r"(unet\.)?(down|up|mid)_block.*temporal_transformer_blocks.*"),
    ),
    _kind(
        "controlnet",
        "a ControlNet for Stable Diffusion images",
        f"{COMFY}Load ControlNet Model",
        _names(r"controlnet_cond_embedding\..*|(control_model\.)?input_hint_block\..*"),
    ),
    _kind(
        "controlnet",
        "a ControlNet for Flux, Stable Diffusion 3 or another transformer of images",
        f"{COMFY}Load ControlNet Model",
        _names(r"controlnet(_single)?_blocks\..*|controlnet_x_embedder\..*|pos_embed_input\..*"),
    ),
    _kind("controlnet", "a T2I-Adapter", f"{COMFY}Load ControlNet Model", _names(r"(adapter\.)?body\.0\.in_conv\..*")),
    _kind("embedding", "a textual inversion, which prompts of image models name", "", _names(r"emb_params|clip_[gl]")),
    _kind(
        "sdxl",
        "a Stable Diffusion XL checkpoint",
        CHECKPOINT,
        Mark(f"{_SGM}.4.1.transformer_blocks.0.attn2.to_k.weight", 1, 2048),
    ),
    _kind(
        "sd15",
        "a Stable Diffusion 1.5 checkpoint",
        CHECKPOINT,
        Mark(f"{_SGM}.1.1.transformer_blocks.0.attn2.to_k.weight", 1, 768),
    ),
    _kind(
        "sd2",
        "a Stable Diffusion 2 checkpoint",
        CHECKPOINT,
        Mark(f"{_SGM}.1.1.transformer_blocks.0.attn2.to_k.weight", 1, 1024),
    ),
    _kind("sd", "a checkpoint of the Stable Diffusion family", CHECKPOINT, f"{_SGM}.0.0.weight"),
    _kind(
        "sd15-unet",
        "the UNet of Stable Diffusion 1.5",
        DIFFUSION_MODEL,
        "conv_in.weight",
        Mark("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1, 768),
    ),
    _kind(
        "sdxl-unet",
        "the UNet of Stable Diffusion XL",
        DIFFUSION_MODEL,
        "conv_in.weight",
        Mark("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1, 2048),
    ),
    _kind("sd3", "Stable Diffusion 3", CHECKPOINT, _names(rf"{_WHOLE}joint_blocks\.0\.x_block\..*")),
    _kind("hunyuan-video", "HunyuanVideo", DIFFUSION_MODEL, _names(r".*txt_in\.individual_token_refiner\..*")),
    _kind("flux", "Flux", DIFFUSION_MODEL, _names(rf"{_WHOLE}double_blocks\.0\.img_attn\..*")),
    _kind("wan", "Wan", DIFFUSION_MODEL, _names(rf"{_WHOLE}blocks\.0\.self_attn\.q\.weight")),
    _kind("ltx", "LTX-Video", DIFFUSION_MODEL, _names(rf"{_WHOLE}transformer_blocks\.0\.scale_shift_table")),
    _kind("qwen-image", "Qwen-Image", DIFFUSION_MODEL, _names(rf"{_WHOLE}transformer_blocks\.0\.img_mod\..*")),
    _kind("motion-module", "a motion module of AnimateDiff or AnimateAnyone", "", _names(r".*motion_modules\.0\..*")),
    _kind("ip-adapter", "an IP-Adapter", "", _names(r"(ip_adapter|image_proj)\..*")),
    _kind(
        "depth",
        "a depth model (it loads from a folder with its config.json)",
        "Load Depth Model",
        _names(r"(depth_head|neck\.fusion_stage)\..*"),
    ),
    _kind(
        "speech",
        "a Wav2Vec2 (it loads from a folder with its config.json)",
        "Load Speech Model",
        _names(r"wav2vec2\..*"),
    ),
    _kind(
        "clip-vision",
        "a CLIP vision model",
        f"{COMFY}Load CLIP Vision",
        _names(r"(vision_model\.embeddings|visual)\.class_embedding"),
    ),
    _kind(
        "text-encoder",
        "a text encoder",
        f"{COMFY}Load CLIP",
        _names(r"text_model\.encoder\..*|encoder\.block\.0\.layer\.0\..*|model\.embed_tokens\.weight"),
    ),
    _kind("vae", "a VAE for images", f"{COMFY}Load VAE", _names(r"(first_stage_model\.)?decoder\.conv_in\.weight")),
    _kind("upscaler", "an upscaler", f"{COMFY}Load Upscale Model", "conv_first.weight", "conv_last.weight"),
    _kind("upscaler", "an upscaler", f"{COMFY}Load Upscale Model", _names(r"model\.1\.sub\.0\.RDB1\..*")),
    _kind(
        "upscaler",
        "an upscaler",
        f"{COMFY}Load Upscale Model",
        Mark("body.0.weight", 1, 3),
        "body.1.weight",
        "body.2.weight",
    ),
)
"""What lies beside them."""

KINDS = (*VIDEO, *LORAS, *FACE_RESTORERS, *OTHERS)
"""Every kind, in the order in which they are asked for."""

UNKNOWN = Kind("unknown", "nothing that is known here", "")
"""What a file is that no kind fits."""
