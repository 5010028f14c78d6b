"""Corruptions of pairs: what they are called (``spec``), how they are chosen (``choice``) and applied (``engine``).

A corruption changes what methods see. Metrics compare with the clean pair, tasks with its labels."""
