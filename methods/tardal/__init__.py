"""TarDAL's first generator ("v0"): ``spec`` (data) and ``network`` (the ported network)."""
