"""Which evaluator serves which device."""

from __future__ import annotations

from fusionbench.contracts.evaluator import EvaluatorSettings, EvaluatorSpec

from .cpu_evaluator import QualityEvaluator


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> QualityEvaluator:
    """The evaluator for the settings; their names are checked before any image is read. Convention `all`
    gives every one.

    On a CUDA device it is one that scores whole batches there.
    """
    convention = settings.convention or spec.default_convention
    conventions = [c.name for c in spec.conventions] if convention == "all" else [convention]
    if settings.device.startswith("cuda"):
        from .on_device.evaluator import BatchedQualityEvaluator

        return BatchedQualityEvaluator(settings.metrics, conventions, settings.device)
    return QualityEvaluator(settings.metrics, conventions)
