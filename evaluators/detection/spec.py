"""The detection evaluator as data: its protocols and judges; imports no torch.

Judges are networks of the package ultralytics (AGPL-3.0), which is used as a library and never copied. Its weights are AGPL-3.0 too and
are not redistributed here; the judge of the demo scenes is our own training (MIT, as far as it is ours) of a network of that package.
"""

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.evaluator import ConventionSpec, EvaluatorSpec

from .metric_specs import METRICS

_ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.3.0"
_FINDING = {"confidence": 0.001, "nms_iou": 0.6, "max_detections": 300}


def _official(name: str, git_blob: str) -> Artifact:
    return Artifact(
        name=name,
        filename=f"{name}.pt",
        git_blob=git_blob,
        urls=(f"{_ASSETS}/{name}.pt",),
        licence="AGPL-3.0 (ultralytics)",
        instructions="Or name a file of your own: --task-option detection.model=PATH.",
        optional=True,
    )


ARTIFACTS = (
    _official("yolov5nu", "41a34b0ef2238b24d33992852e8862a9bcfded98"),
    _official("yolov8n", "0db4ca4b4d25d68a4497220353592645ca4f71bf"),
    _official("yolo11n", "45b273b46165267f2d4c90df94468b547f43cf67"),
    Artifact(
        name="demo-yolo",
        filename="demo-yolo.safetensors",
        resource="fusionbench.evaluators.detection:weights/demo-yolo.safetensors",
        sha256="7dd8abd620aaf0ea2b23a6f9e20200c7d686080cb5f5143d52f04425c2b64289",
        bytes=3092586,
        licence="MIT",
    ),
)

PROTOCOLS = (
    ConventionSpec(
        name="det-zeroshot",
        title="Zero-shot detection",
        task="detection",
        summary="A COCO-trained YOLO, never trained here; its classes are mapped to the dataset's by name, others dropped "
        "(M3FD's Lamp has no COCO class and is left out of the mean)",
        source="PIAFusion and followers use YOLOv5 on MSRS's 80 labelled pairs; their script was never published",
        recipe={"model": "yolov5nu.pt", "image_size": 640, **_FINDING},
    ),
    ConventionSpec(
        name="det-retrain",
        title="Detection, retrained per method",
        task="detection",
        summary="The detector fine-tuned on each method's fused training split: same pairs, order, schedule and seeds for all, "
        "evaluated on the fused test split",
        source="As TarDAL and CDDFuse do on M3FD; their schedules differ",
        recipe={
            "model": "yolov5nu.pt", "image_size": 640, "epochs": 30, "batch": 16, "lr": 0.001, "weight_decay": 0.02, "augment": True,
            "bfloat16": False, **_FINDING,
        },
        retrains=True,
        training_split="train",
        seeds=3,
    ),
    ConventionSpec(
        name="demo-det",
        title="Detection on the demo scenes",
        task="detection",
        summary="The shipped judge: a small YOLOv5 trained from scratch on the mean of visible and infrared of the demo's training "
        "scenes, never on any method's output (evaluators/detection/README.md)",
        recipe={"model": "demo-yolo", "image_size": 320, **_FINDING},
    ),
)  # fmt: skip

SPEC = EvaluatorSpec(
    name="detection",
    title="Object detection",
    task="detection",
    summary="Does fusion help a detector? AP as COCO defines it, per class, with both single sensors beside the methods. Option model: "
    "any ultralytics detector by name or file",
    scope="dataset",
    needs=frozenset({"fused", "boxes"}),
    metrics=METRICS,
    default_metrics=tuple(metric.name for metric in METRICS),
    conventions=PROTOCOLS,
    default_convention="det-zeroshot",
    default_conventions={"demo": "demo-det"},
    reference_methods=("infrared", "visible"),
    artifacts=ARTIFACTS,
    factory="fusionbench.evaluators.detection.evaluator:build",
    trainer="fusionbench.evaluators.detection.judge.train_judge:train_judge",
)
