"""What a finished video is measured by."""
