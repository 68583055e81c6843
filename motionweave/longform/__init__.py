"""Long videos: plan, chunk store, stitching."""
