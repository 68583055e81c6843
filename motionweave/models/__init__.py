"""Bare networks: tensors in, tensors out; no files, no devices, no schedules."""
