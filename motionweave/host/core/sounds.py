"""Core nodes for sound."""

from __future__ import annotations

import json
from typing import Any

from ...errors import MediaError
from ...media import read_audio, write_audio
from ..context import current_runtime
from ..paths import list_files, locate, next_file
from ..remux import remux
from ..v3 import io, ui
from ..v3.ui import saved
from ..v3.video import audio_from_socket, audio_to_socket
from .tags import workflow_tags
from .videos import VIDEO_SUFFIXES

SOUND_SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", *VIDEO_SUFFIXES)
"""Endings that Load Audio lists; a file of another name can be typed."""


class LoadAudio(io.ComfyNode):
    """Read a sound, or a video's sound, from the input folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        options = list_files(current_runtime().folders.input, SOUND_SUFFIXES)
        return io.Schema(
            node_id="LoadAudio",
            display_name="Load Audio",
            category="audio",
            inputs=[io.Combo.Input("audio", options=options, upload=io.UploadType.audio)],
            outputs=[io.Audio.Output(display_name="AUDIO")],
        )

    @classmethod
    def execute(cls, audio: str) -> io.NodeOutput:
        """Read the sound."""
        path = locate(current_runtime().folders, audio)
        sound = read_audio(path)
        if sound is None:
            raise MediaError(path, "has no sound; choose another file, or leave the sound unconnected")
        return io.NodeOutput(audio_to_socket(sound))


class SaveAudio(io.ComfyNode):
    """Write a sound to the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="SaveAudio",
            display_name="Save Audio (FLAC)",
            category="audio",
            inputs=[io.Audio.Input("audio"), io.String.Input("filename_prefix", default="audio/ComfyUI")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, audio: dict[str, Any], filename_prefix: str) -> io.NodeOutput:
        """Write the sound, then its tags."""
        folder = current_runtime().folders.output
        path = next_file(folder, filename_prefix, ".flac")
        untagged = next_file(current_runtime().folders.temp, "untagged", ".flac")
        write_audio(untagged, audio_from_socket(audio))
        tags = {key: json.dumps(value) for key, value in workflow_tags(cls.hidden).items()}
        remux(untagged, path, tags)
        untagged.unlink()
        return io.NodeOutput(ui=ui.SavedAudios([saved(path, folder, io.FolderType.output)]))


class PreviewAudio(io.ComfyNode):
    """Write a sound to the temp folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="PreviewAudio",
            display_name="Preview Audio",
            category="audio",
            inputs=[io.Audio.Input("audio")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, audio: dict[str, Any]) -> io.NodeOutput:
        """Write the sound."""
        return io.NodeOutput(ui=ui.PreviewAudio(audio, cls=cls))


NODES: tuple[type[io.ComfyNode], ...] = (LoadAudio, SaveAudio, PreviewAudio)
