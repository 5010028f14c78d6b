"""A synthetic input of the site: quality, both tasks, and a dataset whose every name hurts. Made-up numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from fusionbench.contracts.dataset import DatasetSpec, PairImages
from fusionbench.contracts.method import MethodSpec
from fusionbench.contracts.report import ReportInput
from tests.support.report_rows import frame, quality_rows, report_input, row, synthetic_pair
from tests.support.task_rows import IMAGES, detection, segmentation, task_input, task_pair

METHODS = ("visible", "average", "max", "laplacian")
HURTFUL = (
    "<script>window.hurt=1</script>",
    "\"quotes\" & 'apostrophes'",
    "../../etc/passwd",
    "x" * 200,
    "红外可见光融合",
    "红外融合",
    "شبكة الدمج",
)
HURTFUL_DATASET = "数据</script><img src=x onerror=window.hurt=1>"


def synthetic_site_input(folder: Path) -> ReportInput:
    """Quality of eight scenes, both tasks, and a second dataset whose every name hurts."""
    parts = [detection(folder, METHODS), segmentation(folder, METHODS)]
    quality = quality_rows(METHODS, images=len(IMAGES))
    names = dict(zip((f"{i:03d}" for i in range(len(IMAGES))), IMAGES, strict=True))
    quality["image"] = quality["image"].map(names)
    hurt = frame(
        row(method, metric, 1.0 + i + j / 10, dataset=HURTFUL_DATASET, image=image)
        for i, method in enumerate(HURTFUL)
        for j, image in enumerate(HURTFUL)
        for metric in ("EN", "SD")
    )
    base = task_input(folder, *parts, fused=True)
    rows = pd.concat([quality, base.rows, hurt], ignore_index=True)
    whole = report_input(pd.concat([quality, base.rows]), fused=base.fused_dir, details=base.details)
    # Specs refuse such names; a damaged or foreign run folder may hold them all the same.
    methods = {
        name: MethodSpec.model_construct(
            name=name,
            title=name,
            licence="MIT <b>",
            year=2020 + i,
            note="A deviation in `code`.",
            code_url="javascript:window.hurt=1" if name in HURTFUL else "https://example.org/code",
            trained_on=("demo:train",) if name == "max" else (),
        )
        for i, name in enumerate((*METHODS, *HURTFUL))
    }
    hurtful = DatasetSpec.model_construct(name=HURTFUL_DATASET, title=HURTFUL_DATASET)

    def load(dataset: str, split: str, image: str) -> PairImages:
        return (task_pair if dataset == "demo" else synthetic_pair)(dataset, split, image)

    vif = quality[quality["metric"] == "VIF"]
    corrupted = [
        vif.assign(
            value=vif["value"] * share, corruption=name, severity=severity, variant=f"demo-{name}-{severity}"
        )
        for name, severity, share in (("fog", 1, 0.9), ("fog", 5, 0.3), ("noise", 3, 1.2))
    ]
    return replace(
        whole,
        rows=rows,
        corrupted=pd.concat(corrupted, ignore_index=True),
        methods=methods,
        load_pair=load,
        datasets={**base.datasets, HURTFUL_DATASET: hurtful},
        metrics={**base.metrics, **whole.metrics},
    )
