"""The quality evaluator on a CUDA device: whole batches in torch, within 1e-9 of the definitions."""
