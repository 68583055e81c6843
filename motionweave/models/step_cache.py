"""Steps that reuse what the step before them found.

From one denoising step to the next, most of what the deeper blocks add hardly changes where the noise level hardly
does. So every step runs the first block; if what that block does has changed little since the last step that ran in
full, the rest of the network is taken to do what it did then.

Source: Liu et al., "Timestep Embedding Tells: It's Time to Cache for Video Diffusion Model" (TeaCache, 2024), for
deciding by the relative L1 change of an early feature; ParaAttention's first-block cache, for the feature. Otherwise
than there: a UNet's first block ends at half the resolution, so the feature is its last full-size skip; and passes
(with image, without) share a batch, so the one that has changed most decides for all.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


class StepCache:
    """What one window remembers of its last full step. Every window needs its own.

    It holds two feature maps of full size for each frame and pass: about 0.3 GB each for 25 frames of 1024 x 576 in
    16 bits, guided.
    """

    def __init__(self, threshold: float) -> None:
        """Remember nothing yet.

        Args:
            threshold: Relative change below which the last full step is reused; 0 never is.
        """
        self.threshold = threshold
        self.reused = 0
        self._under: tuple[object, ...] = ()
        self._did: Tensor | None = None
        self._rest: Tensor | None = None

    def require(self, *under: object) -> None:
        """Forget what was found under anything else than this: other passes, or other controls at work."""
        if under != self._under:
            self._under, self._did, self._rest = under, None, None

    def run(self, stem: Tensor, feature: Tensor, passes: int, rest: Callable[[], Tensor]) -> Tensor:
        """Give the network's last feature, running the rest of it only where that is needed.

        Args:
            stem: (B*F, C, h, w) that the first block read.
            feature: (B*F, C, h, w) that it made of it.
            passes: B.
            rest: Runs everything after the first block; gives (B*F, C, h, w).

        Returns:
            (B*F, C, h, w): what `rest` gives, or an estimate.
        """
        did = feature - stem
        if self._did is not None and self._rest is not None and self._change(did, self._did, passes) < self.threshold:
            self.reused += 1
            return feature + self._rest
        made = rest()
        self._did, self._rest = did, made - feature
        return made

    def _change(self, did: Tensor, before: Tensor, passes: int) -> float:
        """Measure how much the first block's work has changed in the pass in which it has changed most."""
        difference, size = (did - before).abs(), before.abs()
        ratio = difference.view(passes, -1).mean(1) / size.view(passes, -1).mean(1)
        return float(ratio.max())
