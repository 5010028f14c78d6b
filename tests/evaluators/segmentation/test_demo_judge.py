"""The judge that ships with the package, through the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionbench.evaluators.segmentation.judge.network import find_checkpoint, load_checkpoint
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.recipes import DEMO
from fusionbench.evaluators.segmentation.weight_artifacts import DEMO_SEGMENTER
from fusionbench.files.artifacts import locate

MSRS = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")


def test_it_is_small_and_fits_its_recipe() -> None:
    assert locate(DEMO_SEGMENTER).stat().st_size < 5e6
    checkpoint = find_checkpoint("demo-segmenter")
    assert checkpoint.metadata["trained_on"].startswith("demo/train, random blends of infrared and visible")
    load_checkpoint(checkpoint, make_recipe("demo-seg", DEMO), MSRS)


@pytest.mark.slow
def test_a_fused_image_is_segmented_better_than_either_sensor_at_night(cli: Any, tmp_path: Path) -> None:
    result = cli(
        "run",
        "-m",
        "average",
        "-d",
        "demo",
        "-t",
        "segmentation",
        "--images",
        "*N",
        "-o",
        tmp_path,
        "-n",
        "night",
        "--report",
        "table",
    )
    assert result.code == 0, result.err
    rows = pd.concat(map(pd.read_parquet, (tmp_path / "night" / "rows").glob("*.parquet")))
    miou = rows[(rows.metric == "mIoU") & (rows.image == "")].set_index("method").value
    assert miou["average"] > max(miou["infrared"], miou["visible"])
    assert rows.convention.str.startswith("demo-seg/deeplabv3plus-timm-tf_efficientnet_lite0@").all()


def test_a_dataset_without_labels_is_skipped_with_the_reason(cli: Any, pairs: Path, tmp_path: Path) -> None:
    result = cli(
        "run",
        "-m",
        "max",
        "-d",
        "folder",
        "--data-root",
        pairs,
        "-t",
        "quality,segmentation",
        "--metrics",
        "EN",
        "-o",
        tmp_path,
        "-n",
        "bare",
    )
    assert "segmentation on folder: skipped" in result.out + result.err
    assert result.code == 0
