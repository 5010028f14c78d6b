"""The adapter between the scorer and the harness's evaluator contract."""

from __future__ import annotations

from collections.abc import Sequence

from fusionbench.contracts import EvaluatorSettings, EvaluatorSpec, PairImages, UInt8Array, Value

from .scoring import score_arrays


class QualityEvaluator:
    """Scores one fused image after another in one convention, or in several (`all`); safe to call from several threads."""

    def __init__(self, metrics: Sequence[str] | None, conventions: Sequence[str]) -> None:
        self._metrics = metrics
        self._conventions = conventions

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """The metrics of a fused image (uint8, H×W or H×W×3 RGB) in the evaluator's conventions."""
        values: list[Value] = []
        for convention in self._conventions:
            scores = score_arrays(sources.infrared, sources.visible, fused, metrics=self._metrics, convention=convention)
            values += [Value(name, score.value, reason=score.reason or "", convention=convention) for name, score in scores.items()]
        return values


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> QualityEvaluator:
    """The evaluator for the settings; their names are checked before any image is read."""
    convention = settings.convention or spec.default_convention
    conventions = [c.name for c in spec.conventions] if convention == "all" else [convention]
    return QualityEvaluator(settings.metrics, conventions)
