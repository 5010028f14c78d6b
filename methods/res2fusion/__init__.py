"""Res2Fusion: ``spec`` (data) and ``network`` (the ported network)."""
