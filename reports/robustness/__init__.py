"""Robustness: relative scores under corruptions (``relative``), who keeps most (``ranking``), tables and figures."""
