"""The segmenter that judges: network, training, inference."""
