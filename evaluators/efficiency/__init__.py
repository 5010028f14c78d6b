"""Efficiency of a method itself: parameters, MACs and FLOPs, latency, throughput, peak memory, per size and
device.

``counting`` counts, ``timing`` and ``memory`` measure, ``condition`` names what a number was measured under.
"""
