"""Evaluators: one folder a task (quality, detection, segmentation, …); each turns fused images into rows of
numbers.

No evaluator knows a method: they meet through fused images only.
"""

from fusionbench.plugins.catalog import specs_below


def discover() -> list[object]:
    """The specs of the built-in evaluators (entry point ``fusionbench.evaluators``)."""
    return specs_below(__name__, __path__)
