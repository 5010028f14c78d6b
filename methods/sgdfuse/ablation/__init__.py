"""Ablations of SGDFuse: plan, runs, tables, held-out scores."""
