"""Marionette: a small world whose every signal is known exactly, to train on, to measure with and to demonstrate."""

from .character import FIRST_EVALUATION_SEED, IDENTITY_SIZE, Character, make_character
from .world import Clip, World, clip_times, empty_scene, make_world, portrait, render_clip

__all__ = [
    "FIRST_EVALUATION_SEED",
    "IDENTITY_SIZE",
    "Character",
    "Clip",
    "World",
    "clip_times",
    "empty_scene",
    "make_character",
    "make_world",
    "portrait",
    "render_clip",
]
