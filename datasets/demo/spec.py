"""The demo dataset as data."""

from __future__ import annotations

from fusionbench.contracts.dataset import DatasetSpec

SPEC = DatasetSpec(
    name="demo",
    title="Demo scenes",
    default=True,
    summary="Procedural road scenes by day, dusk and night, rendered from a seed: labels of the nine MSRS "
    "classes and boxes, no download",
    splits=("test", "train"),
    licence="MIT (rendered by this package)",
    citation="fusionbench demo scenes",
    size=(256, 320),
    semantic_classes=(
        "unlabelled",
        "car",
        "person",
        "bike",
        "curve",
        "car_stop",
        "guardrail",
        "color_cone",
        "bump",
    ),
    box_classes=("person", "bike", "car"),
    layout="rendered, nothing to put anywhere; options: count (test pairs), train_count, size "
    "(width×height, e.g. 320x256)",
    needs_root=False,
    factory="fusionbench.datasets.demo.dataset:open_demo",
    options={"count": 60, "train_count": 96, "size": "320x256"},
)
