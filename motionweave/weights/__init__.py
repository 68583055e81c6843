"""Models on disk: which there are, where their files lie, how they are loaded and kept on the device."""
