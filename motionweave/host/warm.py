"""Models that stay loaded from one workflow to the next."""

from __future__ import annotations

import json
from collections.abc import Callable

from .catalogue import LocalSpec
from .execute import Made
from .graph import GraphNode

LOADERS = "MotionWeave/load"
"""Category of the nodes that load models."""


class WarmModels:
    """Keeps what nodes that load models gave, for other workflows that load the same."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[str, Made] = {}

    def get(self, node: GraphNode, spec: LocalSpec, make: Callable[[], Made]) -> Made:
        """Give what a node makes, from memory where it is a loader that ran before with the same values.

        Args:
            node: The node.
            spec: Its kind.
            make: Runs it.
        """
        if node.links or spec.node.GET_SCHEMA().category != LOADERS:
            return make()
        key = f"{node.kind} {json.dumps(node.inputs, sort_keys=True)}"
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]
