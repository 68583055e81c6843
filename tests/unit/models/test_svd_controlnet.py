"""The ControlNet's residuals against diffusers' own blocks, wired by hand as svd-temporal-controlnet wires them."""

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.unets.unet_3d_blocks import UNetMidBlockSpatioTemporal, get_down_block
from torch import nn

from motionweave.models.injections import UNetInputs
from motionweave.models.svd_controlnet import SVDControlNet

FRAMES = 3
CONFIG = {
    "block_out_channels": (32, 64, 64),
    "layers_per_block": 2,
    "num_attention_heads": (2, 4, 4),
    "cross_attention_dim": 32,
    "addition_time_embed_dim": 32,
    "projection_class_embeddings_input_dim": 96,
    "num_frames": 4,
    "down_block_types": (*["CrossAttnDownBlockSpatioTemporal"] * 2, "DownBlockSpatioTemporal"),
    "up_block_types": ("UpBlockSpatioTemporal", *["CrossAttnUpBlockSpatioTemporal"] * 2),
}
PICTURE_WIDTHS = (16, 16, 24, 32)


class HandWired(nn.Module):
    """diffusers' blocks under the published names."""

    def __init__(self):
        super().__init__()
        widths, heads = CONFIG["block_out_channels"], CONFIG["num_attention_heads"]
        first, last, time = widths[0], widths[-1], 4 * widths[0]
        self.conv_in = nn.Conv2d(8, first, 3, padding=1)
        self.time_proj, self.time_embedding = Timesteps(first, True, 0), TimestepEmbedding(first, time)
        self.add_time_proj, self.add_embedding = Timesteps(32, True, 0), TimestepEmbedding(96, time)
        self.controlnet_cond_embedding = ControlNetConditioningEmbedding(first, 3, PICTURE_WIDTHS)
        self.down_blocks = nn.ModuleList()
        zeros = [first]
        for index, (kind, width) in enumerate(zip(CONFIG["down_block_types"], widths, strict=True)):
            is_last = index == len(widths) - 1
            self.down_blocks.append(
                get_down_block(
                    kind, num_layers=2, in_channels=widths[max(0, index - 1)], out_channels=width,
                    temb_channels=time, add_downsample=not is_last, resnet_eps=1e-5, cross_attention_dim=32,
                    num_attention_heads=heads[index], transformer_layers_per_block=1, resnet_act_fn="silu",
                )
            )  # fmt: skip
            zeros += [width] * (2 if is_last else 3)
        self.mid_block = UNetMidBlockSpatioTemporal(
            last, temb_channels=time, transformer_layers_per_block=1, cross_attention_dim=32,
            num_attention_heads=heads[-1],
        )  # fmt: skip
        self.controlnet_down_blocks = nn.ModuleList(nn.Conv2d(width, width, 1) for width in zeros)
        self.controlnet_mid_block = nn.Conv2d(last, last, 1)

    def forward(self, inputs, pictures):
        """The published forward: frames folded, the picture after `conv_in`, a zero convolution on every skip."""
        batch, frames = inputs.sample.shape[:2]
        time = self.time_embedding(self.time_proj(inputs.timestep.expand(batch)))
        time = time + self.add_embedding(self.add_time_proj(inputs.time_ids.flatten()).reshape(batch, -1))
        time, context = (each.repeat_interleave(frames, 0) for each in (time, inputs.tokens))
        image_only = torch.zeros(batch, frames)
        hidden = self.conv_in(inputs.sample.flatten(0, 1)) + self.controlnet_cond_embedding(pictures.flatten(0, 1))
        skips = [hidden]
        for block, kind in zip(self.down_blocks, CONFIG["down_block_types"], strict=True):
            extra = {"encoder_hidden_states": context} if kind.startswith("CrossAttn") else {}
            hidden, made = block(hidden_states=hidden, temb=time, image_only_indicator=image_only, **extra)
            skips += made
        hidden = self.mid_block(hidden, time, context, image_only)
        down = [zero(skip) for zero, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return down, self.controlnet_mid_block(hidden)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(3)
    net = SVDControlNet(**CONFIG, conditioning_embedding_out_channels=PICTURE_WIDTHS).eval()
    for zero in (*net.controlnet_down_blocks, net.controlnet_mid_block):
        nn.init.normal_(zero.weight, std=0.2)
    for layer in net.controlnet_cond_embedding.modules():  # so that the picture counts as much as the sample
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.2)
    return net


def test_residuals_are_those_of_diffusers_blocks_wired_by_hand(net):
    generator = torch.Generator().manual_seed(4)
    pictures = torch.rand(FRAMES, 3, 64, 64, generator=generator) * 2 - 1
    inputs = UNetInputs(
        torch.randn(2, FRAMES, 8, 8, 8, generator=generator),
        torch.tensor(0.4),
        torch.randn(2, 1, 32, generator=generator),
        torch.tensor([[6.0, 127.0, 0.02]] * 2),
    )
    wired = HandWired().eval()
    wired.load_state_dict(net.state_dict())
    with torch.no_grad():
        ours = net(inputs, net.encode(pictures)).residuals
        down, mid = wired(inputs, torch.stack([pictures] * 2))
        other = net(inputs, net.encode(-pictures)).residuals
    for made, plain, times in zip(ours.down, down, net.repeats, strict=True):
        torch.testing.assert_close(made, times * plain, rtol=0, atol=1e-5)
        assert plain.abs().max() > 0.01
    torch.testing.assert_close(ours.mid, mid, rtol=0, atol=1e-5)
    assert (ours.mid - other.mid).abs().max() > 0.01
