"""Scoring of images that are fused already: folders and arrays."""
