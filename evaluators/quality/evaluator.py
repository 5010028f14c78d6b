"""The adapter between the scorer and the harness's evaluator contract."""

from __future__ import annotations

from collections.abc import Sequence

from fusionbench.contracts import EvaluatorSettings, EvaluatorSpec, PairImages, UInt8Array, Value

from .catalogue import FORMULAS
from .scoring import chosen_metrics, score_triple
from .triple import Triple


class QualityEvaluator:
    """Scores one fused image after another in one convention, or in several; safe to call from several threads."""

    def __init__(self, metrics: Sequence[str] | None, conventions: Sequence[str]) -> None:
        self._metrics = {convention: _offered(metrics, convention) for convention in conventions}

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """The metrics of a fused image (uint8, H×W or H×W×3 RGB) in the evaluator's conventions."""
        triple = Triple.of(sources.infrared, sources.visible, fused)
        values: list[Value] = []
        for convention, metrics in self._metrics.items():
            scores = score_triple(triple, metrics=metrics, convention=convention)
            values += [
                Value(name, score.value, reason=score.reason or "", convention=convention)
                for name, score in scores.items()
            ]
        return values


def _offered(metrics: Sequence[str] | None, convention: str) -> list[str]:
    """The metrics to compute: those asked for that the convention defines, or, if it defines none of them, all (each NaN with that reason)."""
    chosen = chosen_metrics(metrics, convention)
    return [name for name in chosen if name in FORMULAS[convention]] or chosen


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> QualityEvaluator:
    """The evaluator for the settings; their names are checked before any image is read. Convention `all` gives every one."""
    convention = settings.convention or spec.default_convention
    conventions = [c.name for c in spec.conventions] if convention == "all" else [convention]
    return QualityEvaluator(settings.metrics, conventions)
