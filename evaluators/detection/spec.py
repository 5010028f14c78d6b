"""The detection evaluator as data: its protocols and judges; imports no torch.

Judges are networks of the package ultralytics (AGPL-3.0), which is used as a library and never copied. Its
weights are AGPL-3.0 too and are not redistributed here; the judge of the demo scenes is our own training
(MIT, as far as it is ours) of a network of that package.
"""

from collections.abc import Mapping
from typing import Any

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.evaluator import ConventionSpec, EvaluatorSpec

from .metric_specs import METRICS

_ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.3.0"
_OFFICIAL_V5 = "https://github.com/ultralytics/yolov5/releases/download/v7.0"
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


YOLOV5N = Artifact(
    name="yolov5n",
    filename="yolov5n.pt",
    sha256="4f180cf23ba0717ada0badd6c685026d73d48f184d00fc159c2641284b2ac0a3",
    bytes=4_062_133,
    urls=(f"{_OFFICIAL_V5}/yolov5n.pt",),
    licence="AGPL-3.0 (ultralytics)",
    instructions=(
        "Its pickle is read without running anything in it. Or name another judge: --task-option"
        " detection.model=PATH."
    ),
    optional=True,
    alternatives=(
        Artifact(
            name="yolov5n-tensors",
            filename="weights.safetensors",
            sha256="813ebe0717fa59aa8a0950ca116e24cf858630d9cd1fc30294f1d56f3ff88faf",
            licence="AGPL-3.0 (ultralytics)",
            optional=True,
        ),
    ),
)
"""YOLOv5n as released with v7.0 (anchor-based), the judge of most papers; ``yolov5nu`` is a later network of
the same name.
"""

ARTIFACTS = (
    YOLOV5N,
    _official("yolov5nu", "41a34b0ef2238b24d33992852e8862a9bcfded98"),
    _official("yolov8n", "0db4ca4b4d25d68a4497220353592645ca4f71bf"),
    _official("yolo11n", "45b273b46165267f2d4c90df94468b547f43cf67"),
    Artifact(
        name="demo-yolo",
        filename="demo-yolo.safetensors",
        resource="fusionbench.evaluators.detection:weights/demo-yolo.safetensors",
        sha256="37c2f4d8a6f17bda936aa095cf825bef15ff92f7aa412b7a9df4dc220b49f79a",
        bytes=3092674,
        licence="MIT",
    ),
)

_RETRAIN: Mapping[str, Any] = {
    "model": "yolov5nu.pt",
    "image_size": 640,
    "letterbox": "detect",
    "epochs": 30,
    "batch": 16,
    "lr": 0.001,
    "weight_decay": 0.02,
    "augment": True,
    "bfloat16": False,
    **_FINDING,
}

PROTOCOLS = (
    ConventionSpec(
        name="det-zeroshot",
        title="Zero-shot detection",
        task="detection",
        summary=(
            "A COCO-trained YOLO (YOLOv5n v7.0 unless another is named), never trained here; its classes are"
            " mapped to the dataset's by name, others dropped (M3FD's Lamp has no COCO class and is left out"
            " of the mean)"
        ),
        source=(
            "PIAFusion and followers use YOLOv5 on MSRS's 80 labelled pairs; their script was never published"
        ),
        recipe={"model": "yolov5n.pt", "image_size": 640, "letterbox": "val", **_FINDING},
    ),
    ConventionSpec(
        name="det-retrain",
        title="Detection, retrained per method",
        task="detection",
        summary=(
            "The detector fine-tuned on each method's fused training split: same pairs, order, schedule and"
            " seeds for all, evaluated on the fused test split"
        ),
        source="As TarDAL and CDDFuse do on M3FD; their schedules differ",
        recipe=_RETRAIN,
        retrains=True,
        training_split="train",
        seeds=3,
    ),
    ConventionSpec(
        name="dcevo-m3fd",
        title="Detection as DCEvo does on M3FD",
        task="detection",
        summary=(
            "YOLOv8s fine-tuned on each method's fused training split at 1024 pixels for 30 epochs; use the"
            " split 8-1-1-test. What the paper doesn't state is as in det-retrain"
        ),
        source="DCEvo (CVPR 2025): YOLOv8s, image size 1024, 30 epochs, M3FD 8:1:1",
        recipe={**_RETRAIN, "model": "yolov8s.pt", "image_size": 1024, "epochs": 30},
        retrains=True,
        training_split="8-1-1-train",
        seeds=3,
    ),
    ConventionSpec(
        name="tardal-m3fd",
        title="Detection as TarDAL does on M3FD",
        task="detection",
        summary=(
            "YOLOv5s fine-tuned on each method's fused training split; use the split 2727-633-840-test. The"
            " paper states no schedule: it is that of det-retrain, and the network is ultralytics'"
            " anchor-free YOLOv5s"
        ),
        source="TarDAL (CVPR 2022): YOLOv5s retrained per method, M3FD 2727/633/840",
        recipe={**_RETRAIN, "model": "yolov5su.pt"},
        retrains=True,
        training_split="2727-633-840-train",
        seeds=3,
    ),
    ConventionSpec(
        name="demo-det",
        title="Detection on the demo scenes",
        task="detection",
        summary=(
            "The shipped judge: a small YOLOv5 trained from scratch on neutral blends of visible and infrared"
            " of the demo's training scenes, never on any method's output (evaluators/detection/README.md)"
        ),
        recipe={"model": "demo-yolo", "image_size": 416, "letterbox": "detect", **_FINDING},
    ),
)

SPEC = EvaluatorSpec(
    name="detection",
    title="Object detection",
    task="detection",
    summary=(
        "Does fusion help a detector? AP as COCO defines it, per class, with both single sensors beside the"
        " methods. Option model: any ultralytics detector by name or file"
    ),
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
