"""EMMA's fusion network "U-Fuser": ``spec`` (data) and ``network`` (the ported network)."""
