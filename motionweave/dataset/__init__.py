"""Footage to train on: a folder of videos, what was read from it once, and windows of that for training."""
