"""Muon: momentum whose every direction is given the same length, for matrices and convolutions.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with its quintic Newton-Schulz
coefficients. torch's own `torch.optim.Muon` takes matrices only; here a convolution is the matrix (out, in * taps).
Marionette's pictures differ far more in brightness than in colour, and AdamW learns in that order; with Muon the same
VAE has its colours after tens of steps instead of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def orthogonalised(matrix: Tensor) -> Tensor:
    """Give the matrix with its singular values brought near 1, (rows, columns)."""
    a, b, c = _COEFFICIENTS
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide else x.T).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for weights of two and more axes, AdamW for the rest, under one learning rate schedule.

    A matrix's update has length ``lr * sqrt(max(1, rows / columns))`` in every direction.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, adam_ratio: float = 0.05) -> None:
        """Split the parameters by their axes.

        Args:
            parameters: What to train.
            lr: Muon's learning rate.
            adam_ratio: AdamW's learning rate over Muon's, for biases and norms.
        """
        every = list(parameters)
        groups: list[dict[str, Any]] = [
            {"params": [p for p in every if p.ndim >= 2], "muon": True, "ratio": 1.0},
            {"params": [p for p in every if p.ndim < 2], "muon": False, "ratio": adam_ratio},
        ]
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every parameter once."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if group["muon"]:
                    self._muon(parameter, parameter.grad, group["lr"])
                else:
                    self._adam(parameter, parameter.grad, group["lr"] * group["ratio"])

    def _muon(self, parameter: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[parameter]
        momentum = state.setdefault("momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 0.05)
        nesterov = gradient.lerp(momentum, 0.95).reshape(len(gradient), -1)
        scale = max(1.0, nesterov.shape[0] / nesterov.shape[1]) ** 0.5
        parameter.add_(orthogonalised(nesterov).view_as(parameter), alpha=-lr * scale)

    def _adam(self, parameter: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[parameter]
        count = state["count"] = state.get("count", 0) + 1
        mean = state.setdefault("mean", torch.zeros_like(gradient)).lerp_(gradient, 0.1)
        square = state.setdefault("square", torch.zeros_like(gradient)).lerp_(gradient.square(), 0.01)
        parameter.addcdiv_(mean / (1 - 0.9**count), (square / (1 - 0.99**count)).sqrt() + 1e-8, value=-lr)
