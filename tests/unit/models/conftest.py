"""Parts of SVD's UNet wired by hand, for tests that hold ours to the published wiring."""

import pytest


@pytest.fixture(scope="session")
def decoder_half():
    """Runs diffusers' up blocks on hidden states and all skips, as the published UNets do."""

    def run(unet, hidden, skips, given):
        for block in unet.up_blocks:
            count = len(block.resnets)
            extra = {"encoder_hidden_states": given.context} if getattr(block, "has_cross_attention", False) else {}
            hidden = block(hidden, skips[-count:], given.time, image_only_indicator=given.image_only, **extra)
            skips = skips[:-count]
        return hidden

    return run
