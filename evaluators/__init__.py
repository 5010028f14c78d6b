"""Evaluators: one folder a task (quality, detection, segmentation, …); each turns fused images into rows of numbers.

No evaluator knows a method: they meet through fused images only.
"""
