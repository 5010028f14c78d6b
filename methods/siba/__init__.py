"""SIBA: ``spec`` (data) and ``network`` (the ported network)."""
