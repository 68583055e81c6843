"""Mini's UNet and pose ControlNet learn: on one batch under one noise the loss falls below a twentieth."""

import copy

import torch
from overfit import learns_by_heart

from motionweave.train.denoiser import ControlledUNet, DropRates, LatentBatch, denoiser_losses


def test_one_batch_is_learnt_by_heart_under_one_noise(tiny_backbone, tiny_controlnet):
    unet, pose = (copy.deepcopy(net).float().requires_grad_(True) for net in (tiny_backbone.unet, tiny_controlnet.net))
    nets, made = ControlledUNet(unet, pose), torch.Generator().manual_seed(1)
    batch = LatentBatch(
        latents=torch.randn(1, 2, 4, 4, 4, generator=made),
        reference=torch.randn(1, 4, 4, 4, generator=made),
        tokens=torch.randn(1, 1, unet.config.cross_attention_dim, generator=made),
        poses=torch.rand(1, 2, 3, 32, 32, generator=made),
        fps=torch.full((1,), 8.0),
    )

    def loss() -> torch.Tensor:
        return denoiser_losses(nets, batch, DropRates(0.0, 0.0, 0.0), torch.Generator().manual_seed(0))["loss"]

    assert learns_by_heart(nets.parameters(), 5e-3, 50, loss)
