"""Segmentation from the command line with labels that users get wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.datasets.spec import MSRS_CLASSES
from fusionbench.images.codec import write_png


def test_bad_labels_are_named_with_the_reason_and_the_rest_is_scored(
    cli: Any, pairs: Path, tmp_path: Path
) -> None:
    ids = np.zeros((80, 96), np.uint8)
    ids[20:60, 30:70] = 1
    for name, labels in {"a": ids, "b": ids[:40], "c": np.where(ids == 1, 77, ids).astype(np.uint8)}.items():
        write_png(pairs / "labels" / f"{name}.png", labels)
    for sensor in ("ir", "vi"):
        shutil.copy(pairs / sensor / "a.png", pairs / sensor / "e.png")
    (pairs / "labels" / "e.png").write_bytes(b"")
    result = cli(
        "run",
        "-m",
        "max",
        "-d",
        "folder",
        "--data-root",
        pairs,
        "--option",
        f"folder.semantic_classes={','.join(MSRS_CLASSES)}",
        "-t",
        "segmentation",
        "--convention",
        "demo-seg",
        "--jobs",
        1,
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
    )
    assert result.code == 1  # three pairs were left out
    told = " ".join(result.err.split())
    assert "1 of 5 pairs have no labels for it and don't count" in told
    assert "the label image of b is 96×40, its pair 96×80; labels must have the pair's size" in told
    assert "c.png: holds the id 77; the dataset's classes are 0 to 8 (255: ignored). Correct the file" in told
    assert "e.png: the file is empty" in told
    tables = (tmp_path / "r/report/tables.md").read_text()
    assert "3 labelled images left out: " in " ".join(tables.split())
