"""The smallest real SVD and ControlNet, with random weights, on disk in the published layout."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from motionweave.backbones.svd import SVDBackbone
from motionweave.controls import LoadedControlNet

TINY_UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "num_attention_heads": (2, 4),
    "cross_attention_dim": 32,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 96,
    "num_frames": 4,
    "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
}
"""Two levels of the smallest widths that 32 norm groups allow."""

TINY_FACTS = {
    "name": "tiny",
    "window": 4,
    "chunk_frames": 4,
    "overlap": 2,
    "fps": "7",
    "size": [32, 32],
    "spatial_multiple": 16,
    "steps": 2,
    "guidance": 1.0,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--minute", action="store_true", help="make the whole minute on a real ComfyUI, half an hour")
    parser.addoption("--kills", type=int, default=4, help="how often the crash test kills a run at a random moment")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small tensors lose more to threads than they gain."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_svd_folder(tmp_path_factory) -> Path:
    from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from motionweave.train.run import SCHEDULER

    folder = tmp_path_factory.mktemp("tiny") / "svd"
    torch.manual_seed(0)
    UNetSpatioTemporalConditionModel(**TINY_UNET).save_pretrained(folder / "unet")
    AutoencoderKLTemporalDecoder(
        block_out_channels=(32,) * 4, down_block_types=("DownEncoderBlock2D",) * 4, layers_per_block=1, sample_size=32
    ).save_pretrained(folder / "vae")
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, projection_dim=32,
            image_size=224, patch_size=32,
        )
    ).save_pretrained(folder / "image_encoder")  # fmt: skip
    processor = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    files = {
        "scheduler/scheduler_config.json": SCHEDULER,
        "feature_extractor/preprocessor_config.json": processor,
        "motionweave.json": TINY_FACTS,
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(data))
    return folder


@pytest.fixture(scope="session")
def tiny_controlnet_folder(tmp_path_factory) -> Path:
    from motionweave.models.svd_controlnet import SVDControlNet

    torch.manual_seed(1)
    net = SVDControlNet(**TINY_UNET, conditioning_embedding_out_channels=(16, 16, 16, 16))
    for zero in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
        torch.nn.init.normal_(zero.weight, std=0.2)
    folder = tmp_path_factory.mktemp("tiny") / "controlnet"
    net.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_backbone(tiny_svd_folder) -> SVDBackbone:
    from motionweave.backbones.svd_files import load_svd

    return load_svd(tiny_svd_folder)


@pytest.fixture(scope="session")
def tiny_controlnet(tiny_controlnet_folder) -> LoadedControlNet:
    from motionweave.controls import load_controlnet

    return load_controlnet(tiny_controlnet_folder)


@pytest.fixture(scope="session")
def write_small_workflow() -> Callable[..., Path]:
    """Give what writes a workflow of a few seconds: chunks of 8 frames at 64 px on Mini."""
    from motionweave.media import write_image

    def write(folder: Path, chunks: int, steps: int, name: str, **weave: Any) -> Path:
        """Write `name`.json, with Weave's inputs as given, and input/me.png."""
        whole = {"backbone": ["2", 0], "identity": ["3", 0], "plan": ["4", 0], "run_name": name, "steps": steps}
        whole |= {"guidance": 1.0, "guidance_first": 0.0, "motion_bucket": 127.0, "decode_frames": 0, "seed": 1}
        prompt = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "me.png"}},
            "2": {"class_type": "MotionWeaveLoadBackbone", "inputs": {"model": "mini-svd"}},
            "3": {
                "class_type": "MotionWeaveEncodeIdentity",
                "inputs": {"backbone": ["2", 0], "image": ["1", 0], "width": 64, "height": 64,
                           "noise_augmentation": -1.0, "seed": 0},
            },
            "4": {
                "class_type": "MotionWeavePlanChunks",
                "inputs": {"backbone": ["2", 0], "frames": 8 * chunks, "fps": 8.0, "chunk_frames": 8, "overlap": 2},
            },
            "5": {"class_type": "MotionWeaveWeave", "_meta": {"title": "Weave"}, "inputs": whole | weave},
            "6": {"class_type": "MotionWeaveStitchChunks", "inputs": {"chunks": ["5", 0]}},
            "7": {"class_type": "SaveVideo", "inputs": {"video": ["6", 0], "filename_prefix": "v", "format": "auto",
                                                       "codec": "auto"}},
        }  # fmt: skip
        (folder / "input").mkdir(exist_ok=True)
        if not (folder / "input" / "me.png").is_file():
            write_image(folder / "input" / "me.png", torch.rand(1, 3, 64, 64))
        path = folder / f"{name}.json"
        path.write_text(json.dumps(prompt), encoding="utf-8")
        return path

    return write
