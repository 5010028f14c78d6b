"""The segmentation evaluator as data; imports neither NumPy nor torch."""

from fusionbench.contracts.evaluator import EvaluatorSpec

from .metric_specs import METRICS
from .protocols import PROTOCOLS
from .weight_artifacts import ARTIFACTS

SPEC = EvaluatorSpec(
    name="segmentation",
    title="Semantic segmentation",
    task="segmentation",
    summary=(
        "DeepLabV3+ judges fused images against semantic labels: IoU, mIoU, pixel accuracy, boundary F-score,"
        " by named protocols"
    ),
    scope="dataset",
    needs=frozenset({"fused", "labels"}),
    metrics=METRICS,
    default_metrics=tuple(m.name for m in METRICS),
    conventions=PROTOCOLS,
    default_convention="seg-retrain",
    default_conventions={"demo": "demo-seg"},
    reference_methods=("infrared", "visible"),
    artifacts=ARTIFACTS,
    factory="fusionbench.evaluators.segmentation.evaluator:build",
    trainer="fusionbench.evaluators.segmentation.judge.train_judge:train",
)
