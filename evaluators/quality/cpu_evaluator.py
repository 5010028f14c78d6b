"""The adapter between the scorer and the harness's evaluator contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusionbench.contracts import EvaluatorSettings, EvaluatorSpec, PairImages, UInt8Array, Value

from .conventions.table import FORMULAS
from .conventions.scoring import MetricValue, chosen_metrics, score_triple
from .inputs.triple import Triple


class QualityEvaluator:
    """Scores one fused image after another in one convention, or in several; safe to call from several threads."""

    def __init__(self, metrics: Sequence[str] | None, conventions: Sequence[str]) -> None:
        self._metrics = {convention: _offered(metrics, convention) for convention in conventions}

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """The metrics of a fused image (uint8, H×W or H×W×3 RGB) in the evaluator's conventions."""
        return self._values(Triple.of(sources.infrared, sources.visible, fused), {})

    def _values(self, triple: Triple, known: Mapping[tuple[str, str], float]) -> list[Value]:
        """All values in their order; `known` has those that needn't be computed, by (convention, metric)."""
        values: list[Value] = []
        for convention, metrics in self._metrics.items():
            lacking = [name for name in metrics if (convention, name) not in known]
            scores = score_triple(triple, metrics=lacking, convention=convention) if lacking else {}
            scores |= {name: MetricValue(known[convention, name]) for name in metrics if name not in scores}
            values += [
                Value(name, score.value, reason=score.reason or "", convention=convention)
                for name, score in ((name, scores[name]) for name in metrics)
            ]
        return values


def _offered(metrics: Sequence[str] | None, convention: str) -> list[str]:
    """The metrics to compute: those asked for that the convention defines, or, if it defines none of them, all (each NaN with that reason)."""
    chosen = chosen_metrics(metrics, convention)
    return [name for name in chosen if name in FORMULAS[convention]] or chosen


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> QualityEvaluator:
    """The evaluator for the settings; their names are checked before any image is read. Convention `all` gives every one.

    On a CUDA device it is one that scores whole batches there.
    """
    convention = settings.convention or spec.default_convention
    conventions = [c.name for c in spec.conventions] if convention == "all" else [convention]
    if settings.device.startswith("cuda"):
        from .batched_evaluator import BatchedQualityEvaluator

        return BatchedQualityEvaluator(settings.metrics, conventions, settings.device)
    return QualityEvaluator(settings.metrics, conventions)
