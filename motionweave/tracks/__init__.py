"""Signals in time, read from real inputs."""
