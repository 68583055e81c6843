"""What a Wav2Vec2 makes of a whole sound, computed piece by piece: the same numbers, memory that hardly grows.

Three things in the network look at all of a sound at once, so that a model run on cut-out pieces gives other numbers
than a run on the whole. Each of them is kept whole here:

- the sound's mean and variance, and the group norm behind the first convolution, which takes the mean and variance of
  each channel over time: both are counted over the whole sound first, then used in every piece;
- the convolutions: a piece is cut with all the samples, or frames, that its frames hear;
- attention: one layer is computed for all pieces before the next one begins, so that every piece sees the keys and
  values of the whole sound (or of `attention_s` to either side, if that is asked for).

What grows with length are the states of one layer with its keys and values, about 28 MB a minute of sound for the base
model. Time grows with the square of the length where attention sees everything.

Source: the network's own modules, in the order of transformers' ``Wav2Vec2Model.forward``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .speech_model import SpeechModel

PIECE_FRAMES = 250
"""Frames at a time, 5 s: the first convolution of the base model gives 33 MB for that long."""
VARIANCE_FLOOR = 1e-7
"""Added to a sound's variance, as transformers' feature extractor does."""
MOMENT_SAMPLES = 1 << 20


def hidden_states(
    sound: Tensor,
    model: SpeechModel,
    attention_s: float | None = None,
    piece_frames: int = PIECE_FRAMES,
    on_piece: Callable[[int, int], None] | None = None,
) -> Iterator[Tensor]:
    """Compute the hidden states of a sound, layer by layer.

    Without `attention_s` they are those that ``Wav2Vec2Model`` gives for the whole sound at once, from the first frame
    to the last, to within rounding. With it, a frame attends to frames at most that far away: the same for every sound
    that is not longer than `attention_s`, another network's answer for longer ones, however pieces are cut.

    Args:
        sound: (N,) at the model's sample rate, at least as long as one frame's reach.
        model: Its network runs where it is.
        attention_s: How far attention sees to either side, in seconds; None for all of the sound.
        piece_frames: Frames computed at a time.
        on_piece: Told of every finished piece: its number from 1, and how many there are.

    Yields:
        (T, D) on the network's device: what enters the first layer, then what leaves each layer, the last one after the
        final norm where the network has one. Each is overwritten when the next one is asked for.
    """
    network, count = model.network, model.clock.frame_count(len(sound))
    pieces = [(start, min(start + piece_frames, count)) for start in range(0, count, piece_frames)]
    total, done = len(pieces) * (model.layer_count + 1), 0

    def tell() -> None:
        nonlocal done
        done += 1
        if on_piece is not None:
            on_piece(done, total)

    heard = _Heard(sound, model, piece_frames)
    states = torch.empty(count, model.width, device=heard.device, dtype=heard.dtype)
    with torch.inference_mode():
        for start, stop in pieces:
            states[start:stop] = heard.projected(start, stop)
            tell()
        _add_positions(network, states, pieces)
        yield states
        reach = count if attention_s is None else max(0, round(attention_s * model.clock.fps))
        for index, layer in enumerate(network.encoder.layers):
            for start, stop, made in _layer(layer, states, pieces, reach, network.config.do_stable_layer_norm):
                states[start:stop] = made
                tell()
            if index + 1 == model.layer_count and network.config.do_stable_layer_norm:
                for start, stop in pieces:
                    states[start:stop] = network.encoder.layer_norm(states[start:stop])
            yield states


class _Heard:
    """The convolutions' side: from samples to what enters the transformer."""

    def __init__(self, sound: Tensor, model: SpeechModel, piece_frames: int) -> None:
        self._sound, self._clock, self._network = sound, model.clock, model.network
        weight = model.network.feature_projection.projection.weight
        self.device, self.dtype = weight.device, weight.dtype
        mean, variance = _moments(sound.split(MOMENT_SAMPLES)) if model.normalises else (0.0, 1.0)
        self._mean = float(mean)
        self._scale = float(variance + VARIANCE_FLOOR) ** -0.5 if model.normalises else 1.0
        self._layers = list(model.network.feature_extractor.conv_layers)
        self._moments: tuple[Tensor, Tensor] | None = None
        if model.network.config.feat_extract_norm == "group":
            with torch.inference_mode():
                self._moments = _moments(self._first_channels(piece_frames))

    def projected(self, start: int, stop: int) -> Tensor:
        """Give what the transformer is told of frames [start, stop), (T, D)."""
        hop = self._clock.hop
        features = self._samples(start * hop, (stop - 1) * hop + self._clock.reach)
        for index, layer in enumerate(self._layers):
            features = layer(features) if index or self._moments is None else self._first(layer, features)
        return self._network.feature_projection(features.transpose(1, 2))[0][0]  # 1 C T -> T D

    def _samples(self, start: int, stop: int) -> Tensor:
        """Give samples [start, stop) as the model wants them, (1, 1, N)."""
        piece = (self._sound[start:stop].float() - self._mean) * self._scale
        return piece[None, None].to(self.device, self.dtype)

    def _first(self, layer: Any, samples: Tensor) -> Tensor:
        """Run the first convolution, and its norm with the whole sound's mean and variance, one for each channel."""
        assert self._moments is not None
        norm, (mean, variance) = layer.layer_norm, self._moments
        scale = norm.weight * (variance + norm.eps).rsqrt().to(self.dtype)
        shift = norm.bias - mean.to(self.dtype) * scale
        return layer.activation(torch.addcmul(shift[:, None], layer.conv(samples), scale[:, None]))

    def _first_channels(self, piece_frames: int) -> Iterator[Tensor]:
        """Give what the first convolution makes of the whole sound, (C, N') at a time; none twice, none left out."""
        conv = self._layers[0].conv
        (kernel,), (stride,) = conv.kernel_size, conv.stride
        count = (len(self._sound) - kernel) // stride + 1
        step = max(1, piece_frames * self._clock.hop // stride)
        for start in range(0, count, step):
            stop = min(start + step, count)
            yield conv(self._samples(start * stride, (stop - 1) * stride + kernel))[0]


def _moments(pieces: Any) -> tuple[Tensor, Tensor]:
    """Give mean and variance over the last axis of all pieces together, in float64.

    Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979):
    squares are summed about each piece's own mean, so that nothing cancels.
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for piece in pieces:
        more, values = piece.shape[-1], piece.double()
        middle = values.mean(-1)
        apart, together = middle - mean.to(middle), count + more
        squares = (
            squares.to(middle) + (values - middle[..., None]).square().sum(-1) + apart**2 * count * more / together
        )
        mean, count = mean.to(middle) + apart * more / together, together
    return mean, squares / max(count, 1)


def _add_positions(network: Any, states: Tensor, pieces: list[tuple[int, int]]) -> None:
    """Add the positional convolution to the states, and norm them where the network does so before its layers."""
    encoder = network.encoder
    halo = int(network.config.num_conv_pos_embeddings) // 2
    # What a convolution needs of the piece before was overwritten by then, so it is kept.
    before = states[:0]
    for start, stop in pieces:
        ahead = states[start : stop + halo]
        around = torch.cat([before, ahead])[None]
        positions = encoder.pos_conv_embed(around)[0, len(before) : len(before) + stop - start]
        before = torch.cat([before, states[start:stop]])[-halo:].clone()
        summed = states[start:stop] + positions
        states[start:stop] = summed if network.config.do_stable_layer_norm else encoder.layer_norm(summed)


def _layer(
    layer: Any, states: Tensor, pieces: list[tuple[int, int]], reach: int, norm_first: bool
) -> Iterator[tuple[int, int, Tensor]]:
    """Run one transformer layer; gives each piece with its place, to be written over what it was made from."""
    attention = layer.attention
    heads = int(attention.num_heads)

    def split(values: Tensor) -> Tensor:
        return values.unflatten(-1, (heads, -1)).transpose(0, 1)[None]  # T D -> 1 heads T d

    keys, values = torch.empty_like(states), torch.empty_like(states)
    for start, stop in pieces:
        seen = layer.layer_norm(states[start:stop]) if norm_first else states[start:stop]
        keys[start:stop], values[start:stop] = attention.k_proj(seen), attention.v_proj(seen)
    for start, stop in pieces:
        state = states[start:stop]
        query = attention.q_proj(layer.layer_norm(state) if norm_first else state)
        low, high = max(0, start - reach), min(len(states), stop + reach)
        found = F.scaled_dot_product_attention(
            split(query),
            split(keys[low:high]),
            split(values[low:high]),
            attn_mask=_near(start, stop, low, high, reach, states.device),
            scale=float(attention.scaling),
        )
        state = state + attention.out_proj(found[0].transpose(0, 1).flatten(1))  # 1 heads T d -> T D
        if norm_first:
            yield start, stop, state + layer.feed_forward(layer.final_layer_norm(state))
        else:
            state = layer.layer_norm(state)
            yield start, stop, layer.final_layer_norm(state + layer.feed_forward(state))


def _near(start: int, stop: int, low: int, high: int, reach: int, device: torch.device) -> Tensor | None:
    """Say which of frames [low, high) each of [start, stop) may see, (T, T'); None where all may."""
    if stop - 1 - low <= reach and high - 1 - start <= reach:
        return None
    places = torch.arange(low, high, device=device)
    return (places - torch.arange(start, stop, device=device)[:, None]).abs() <= reach
