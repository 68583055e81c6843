"""ComfyUI's door to MotionWeave: nothing is imported until ComfyUI asks for the nodes."""

WEB_DIRECTORY = "web"


async def comfy_entrypoint():  # noqa: ANN201 - ComfyUI's class, which is not imported here
    """Give ComfyUI the pack's nodes."""
    from .nodes import MotionWeaveExtension

    return MotionWeaveExtension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
