"""Larger pictures, streamed frame by frame from chunk to chunk."""
