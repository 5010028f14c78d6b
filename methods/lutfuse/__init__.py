"""LUT-Fuse: ``spec`` (data) and ``network`` (the ported network)."""
