"""Intervals, paired tests, rank correlations and means of per-image values."""
