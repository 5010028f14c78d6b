"""Synthetic rows and report inputs: made-up numbers, clearly not measurements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from fusionbench.contracts.dataset import DatasetSpec, PairImages
from fusionbench.contracts.evaluator import MetricSpec
from fusionbench.contracts.method import MethodSpec
from fusionbench.contracts.report import ReportInput
from fusionbench.images.codec import read_image

COLUMNS = [
    "run",
    "method",
    "dataset",
    "split",
    "image",
    "evaluator",
    "convention",
    "metric",
    "class_name",
    "seed",
    "value",
    "reason",
]

LOWER = {"Params", "FLOPs", "Latency"}


def row(method: str, metric: str, value: float, **changes: Any) -> dict[str, Any]:
    """One row of quality on the split ``test`` of ``demo``, image ``a``, with changes."""
    return {
        "run": "run",
        "method": method,
        "dataset": "demo",
        "split": "test",
        "image": "a",
        "evaluator": "quality",
        "convention": "cddfuse",
        "metric": metric,
        "class_name": "",
        "seed": 0,
        "value": value,
        "reason": "",
    } | changes


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as the store gives them."""
    return pd.DataFrame(list(rows), columns=COLUMNS).astype({"value": float, "seed": int})


def quality_rows(
    methods: Iterable[str] = ("visible", "average", "max", "laplacian"),
    metrics: Iterable[str] = ("EN", "SD", "VIF"),
    images: int = 12,
    convention: str = "cddfuse",
) -> pd.DataFrame:
    """Scores of several methods on several images, each method a little better than the one before."""
    random = np.random.default_rng(0)
    rows = []
    for metric in metrics:
        scene = random.normal(scale=0.2, size=images)
        for rank, method in enumerate(methods):
            noise = random.normal(scale=0.05, size=images)
            for i in range(images):
                value = 5 + 0.1 * rank + scene[i] + noise[i]
                rows.append(row(method, metric, value, image=f"{i:03d}", convention=convention))
    return frame(rows)


def report_input(
    rows: pd.DataFrame,
    *,
    methods: Mapping[str, MethodSpec] | None = None,
    fused: Path = Path("absent"),
    details: pd.DataFrame | None = None,
    **options: Any,
) -> ReportInput:
    """What a report gets, with plain specs for all that the rows name."""
    named = {
        name: MethodSpec(name=re.sub(r"[^A-Za-z0-9._-]", "", name) or "other", title=name)
        for name in dict.fromkeys(rows["method"])
    }
    return ReportInput(
        rows=rows,
        run={"invocations": [{"provenance": {"commit": "abc1234"}}]},
        methods=named | dict(methods or {}),
        metrics={
            name: MetricSpec(
                name=name, title=name, digits=2, direction="lower" if name in LOWER else "higher"
            )
            for name in dict.fromkeys(rows["metric"])
        },
        datasets={
            name: DatasetSpec(name=name, title=name.upper()) for name in dict.fromkeys(rows["dataset"])
        },
        fused_dir=fused,
        load_pair=synthetic_pair,
        read_fused=read_image,
        options=options,
        **cast("dict[str, Any]", {} if details is None else {"details": details}),
    )


def synthetic_pair(dataset: str, split: str, image: str) -> PairImages:
    """A scene with one hot square (infrared) and a coloured ramp (visible), 96×128."""
    infrared = np.full((96, 128), 40, np.uint8)
    infrared[10:30, 90:110] = 250
    ramp = np.linspace(30, 200, 128).astype(np.uint8)
    visible = np.stack(
        [np.tile(ramp, (96, 1)), np.tile(ramp[::-1], (96, 1)), np.full((96, 128), 90, np.uint8)], 2
    )
    return PairImages(infrared=infrared, visible=visible)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows one by one."""
    return [{str(name): value for name, value in one.items()} for one in rows.to_dict("records")]
