"""The quality metrics and conventions as data; imports neither NumPy nor OpenCV."""

from fusionbench.contracts import ConventionSpec, EvaluatorSpec, MetricSpec

DEFAULT_METRICS = ("EN", "SD", "SF", "AG", "MI", "SCD", "CC", "VIF", "Qabf")

METRICS = tuple(MetricSpec(name=name, title=name) for name in DEFAULT_METRICS)

CONVENTIONS = (ConventionSpec(name="cddfuse", title="CDDFuse"),)

SPEC = EvaluatorSpec(
    name="quality",
    title="Fusion quality metrics",
    task="quality",
    summary="Full-reference and no-reference image metrics, each in the conventions in use",
    scope="image",
    needs=frozenset({"fused", "sources"}),
    metrics=METRICS,
    default_metrics=DEFAULT_METRICS,
    conventions=CONVENTIONS,
    default_convention="cddfuse",
    factory="fusionbench.evaluators.quality.evaluator:build",
)
