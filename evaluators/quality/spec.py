"""The quality evaluator as data; imports neither NumPy nor OpenCV, so that `fusionbench list` answers at
once.
"""

from fusionbench.contracts.evaluator import EvaluatorSpec

from .specs.artifacts import NO_REFERENCE_ARTIFACTS
from .specs.conventions import CONVENTIONS
from .specs.metrics import METRICS

DEFAULT_METRICS = ("EN", "SD", "SF", "AG", "MI", "SCD", "CC", "VIF", "Qabf")

SPEC = EvaluatorSpec(
    name="quality",
    title="Fusion quality metrics",
    task="quality",
    summary="Full-reference and no-reference image metrics, each in the conventions in use",
    default=True,
    scope="image",
    needs=frozenset({"fused", "sources"}),
    metrics=METRICS,
    default_metrics=DEFAULT_METRICS,
    conventions=CONVENTIONS,
    default_convention="cddfuse",
    artifacts=NO_REFERENCE_ARTIFACTS,
    factory="fusionbench.evaluators.quality.evaluator:build",
)
