"""The detector that judges: network, training, inference."""
