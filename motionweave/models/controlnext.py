"""ControlNeXt-SVD, second version: a small network whose map joins the UNet after its first block.

Source: dvlab-research/ControlNeXt, `ControlNeXt-SVD-v2/models/controlnext_vid_svd.py` (names and shapes) and
`unet_spatio_temporal_condition_controlnext.py` (the factor 0.2); Peng et al., "ControlNeXt" (2024), section 3.2. The
first version, which joins after the middle block, is not here.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.resnet import Downsample2D, ResnetBlock2D
from torch import Tensor, nn

from ..weights.tensor_files import Shapes
from .injections import Adapter, CrossNormalised, Injections, UNetInputs

STRENGTH = 0.2
"""What the published UNet multiplies the map with."""

FRAMES_TOGETHER = 8
"""Frames that the wide layers see together: a window at 1024x576 would take gigabytes. No frame sees another."""


class ControlNeXt(Adapter, ModelMixin, ConfigMixin):
    """Turns control pictures and the noise level into a map that takes on the UNet's own mean and deviation.

    It was trained together with part of the UNet: load that part too (`unet.bin`), or it means nothing. It was sampled
    with the map left out of passes without the image.
    """

    late = True

    @register_to_config
    def __init__(
        self,
        channels: int = 320,
        widths: tuple[int, int, int] = (64, 128, 256),
        time_widths: tuple[int, int] = (128, 256),
    ) -> None:
        """Build the network.

        Args:
            channels: Channels after the UNet's first block.
            widths: Channels of the first layers, of the first stage and of the second.
            time_widths: Sinusoids of the noise level, and channels of its embedding.
        """
        super().__init__()
        stem, middle, last = widths
        sinusoids, time = time_widths
        self.time_proj = Timesteps(sinusoids, True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(sinusoids, time)
        # The two convolutions without padding are published so; pooling to the UNet's size evens out the border.
        self.embedding = nn.Sequential(
            *(nn.Conv2d(3, stem, 3, stride=2, padding=1), nn.GroupNorm(2, stem), nn.ReLU()),
            *(nn.Conv2d(stem, stem, 3), nn.GroupNorm(2, stem), nn.ReLU()),
            *(nn.Conv2d(stem, middle, 3), nn.GroupNorm(2, middle), nn.ReLU()),
        )
        self.down_res = nn.ModuleList(
            [
                ResnetBlock2D(in_channels=middle, out_channels=middle, temb_channels=time, groups=4),
                ResnetBlock2D(in_channels=middle, out_channels=last, temb_channels=time, groups=8),
            ]
        )
        self.down_sample = nn.ModuleList(
            Downsample2D(width, use_conv=True, out_channels=width, padding=1, name="op") for width in (middle, last)
        )
        refine = nn.Sequential(
            *(nn.Conv2d(last, last, 3, padding=1), nn.ReLU(), nn.GroupNorm(8, last)),
            *(nn.Conv2d(last, last, 3, padding=1), nn.GroupNorm(8, last)),
        )
        self.mid_convs = nn.ModuleList([refine, nn.Conv2d(last, channels, 1)])

    @classmethod
    def sized(cls, shapes: Shapes) -> ControlNeXt:
        """Build it in the widths of published tensors."""
        time, sinusoids = shapes["time_embedding.linear_1.weight"]
        last, middle = shapes["down_res.1.conv1.weight"][:2]
        widths = (shapes["embedding.0.weight"][0], middle, last)
        return cls(shapes["mid_convs.1.weight"][0], widths, (sinusoids, time))

    def encode(self, pictures: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Do what comes before the noise level enters.

        Args:
            pictures: (F, 3, H, W) in [0, 1].

        Returns:
            (F, C, H / 2 - 4, W / 2 - 4).
        """
        return self.embedding(pictures)

    def forward(self, inputs: UNetInputs, features: Tensor) -> Injections:
        """Give the map.

        Args:
            inputs: The UNet's own; of them only the noise level counts, so all passes share one map.
            features: From `encode`.
        """
        steps = inputs.timestep.reshape(1).to(features.device)
        time = self.time_embedding(self.time_proj(steps).to(features.dtype))
        made = torch.cat([self._refined(part, time) for part in features.split(FRAMES_TOGETHER)])
        return Injections(first_block=(CrossNormalised(inputs.rows(made), torch.tensor([STRENGTH])),))

    def _refined(self, hidden: Tensor, time: Tensor) -> Tensor:
        """Finish some frames under the noise level's embedding (1, D)."""
        for resnet, halve in zip(self.down_res, self.down_sample, strict=True):
            hidden = halve(resnet(hidden, time))
        return self.mid_convs[1](self.mid_convs[0](hidden) + hidden)
