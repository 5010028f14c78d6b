"""The quality evaluator on the CPU: the adapter between `conventions/` and the harness's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fusionbench.contracts import UInt8Array
from fusionbench.contracts.dataset import PairImages
from fusionbench.contracts.evaluator import Value

from .conventions.scoring import MetricValue, chosen_metrics, score_triple
from .conventions.table import FORMULAS
from .inputs.triple import Triple


class QualityEvaluator:
    """Scores one fused image after another in one convention, or in several; safe to call from several
    threads.
    """

    def __init__(self, metrics: Sequence[str] | None, conventions: Sequence[str]) -> None:
        self._metrics = {convention: _offered(metrics, convention) for convention in conventions}

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """The metrics of a fused image (uint8, H×W or H×W×3 RGB) in the evaluator's conventions."""
        return self._values(Triple.of(sources.infrared, sources.visible, fused), {})

    def _values(self, triple: Triple, known: Mapping[tuple[str, str], float]) -> list[Value]:
        """All values in their order; `known` has those that needn't be computed, by (convention, metric)."""
        values: list[Value] = []
        for convention, metrics in self._metrics.items():
            missing = [name for name in metrics if (convention, name) not in known]
            scores = score_triple(triple, metrics=missing, convention=convention) if missing else {}
            scores |= {name: MetricValue(known[convention, name]) for name in metrics if name not in scores}
            values += [
                Value(name, score.value, reason=score.reason or "", convention=convention)
                for name, score in ((name, scores[name]) for name in metrics)
            ]
        return values


def _offered(metrics: Sequence[str] | None, convention: str) -> list[str]:
    """The metrics to compute: those asked for that the convention defines, or, if it defines none of them,
    all (each NaN with that reason).
    """
    chosen = chosen_metrics(metrics, convention)
    return [name for name in chosen if name in FORMULAS[convention]] or chosen
