"""Measures methods themselves (evaluators of scope ``method``)."""

from __future__ import annotations

from ..contracts.evaluator import EvaluatorSettings, MethodEvaluator, Value
from ..contracts.method import MethodContext
from ..planning.config import RunConfig
from ..planning.units import MethodUnit
from ..plugins import catalog
from ..store.run_store import RunStore


def measure_method(
    unit: MethodUnit, context: MethodContext, config: RunConfig, store: RunStore, device: str
) -> list[Value]:
    """Build a method on a device and measure it, at the unit's sizes."""
    settings = EvaluatorSettings(
        unit.score.metrics,
        "",
        config.seed,
        device,
        store.folder / "cache",
        {"precision": config.precision, "batch_size": config.batch_size},
    )
    evaluator: MethodEvaluator = catalog.build(unit.score.evaluator.factory)(unit.score.evaluator, settings)
    return evaluator.score(unit.method.spec, context, unit.sizes)
