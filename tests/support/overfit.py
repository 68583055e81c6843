"""Learning one example by heart: what any training must be able to do."""

from collections.abc import Callable, Iterable

import torch

SHARE = 0.05


def learns_by_heart(
    parameters: Iterable[torch.nn.Parameter], rate: float, steps: int, loss_of: Callable[[], torch.Tensor]
) -> bool:
    """Say whether so many steps bring the loss below a twentieth of the first."""
    optimizer = torch.optim.AdamW(parameters, rate)
    first = None
    for _ in range(steps):
        loss = loss_of()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        first = float(loss.detach()) if first is None else first
        if float(loss.detach()) < SHARE * first:
            return True
    return False
