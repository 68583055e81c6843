"""The workflow as it is written into the files that it made."""

from __future__ import annotations

from typing import Any

from ..v3 import io


def workflow_tags(hidden: io.HiddenHolder) -> dict[str, Any]:
    """Give what ComfyUI writes into saved files, so that its canvas opens them as the workflow that made them.

    Args:
        hidden: The saving node's hidden values.

    Returns:
        ``prompt`` and, where there is one, ``workflow``, as values for JSON.
    """
    prompt: Any = hidden.prompt
    extra: Any = hidden.extra_pnginfo
    return {**(extra or {}), **({} if prompt is None else {"prompt": prompt})}
