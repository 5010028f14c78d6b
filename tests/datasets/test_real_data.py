"""The real datasets, where they are available: FUSIONBENCH_TEST_DATA (default: ../shared beside the
repository).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.datasets.label_boxes import MSRS_RULE
from fusionbench.datasets.labels import read_labels
from fusionbench.plugins import catalog

DATA = Path(os.environ.get("FUSIONBENCH_TEST_DATA") or Path(__file__).parents[3] / "shared") / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA}; set FUSIONBENCH_TEST_DATA"
)


def open_dataset(name: str, root: Path) -> Any:
    spec = catalog.datasets.get(name)
    return catalog.build(spec.factory)(spec, root)


MSRS_COUNTS = {"test": 361, "train": 36, "semantic-boxes": 326, "detection": 23, "detection-train": 8}


@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("msrs", "msrs", MSRS_COUNTS),
        ("msrs", "msrs/test", MSRS_COUNTS),
        ("msrs", "", MSRS_COUNTS),
        ("roadscene", "roadscene", {"test50": 50, "all": 221, "train": 171}),
        ("tno", "tno", {"test": 21}),
        ("m3fd", "m3fd", {"test": 28, "all": 28}),
        ("llvip", "llvip", {"test": 12}),
        ("llvip", "", {"test": 12, "train": 52}),
        ("llvip", "train/llvip", {"train": 52}),
        ("m3svd", "train/m3svd", {"train": 45}),
    ],
)
def test_counts(name: str, folder: Any, counts: Any) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip(f"{folder} is not available")
    dataset = open_dataset(name, DATA / folder)
    published = {s for s in dataset.available_splits if "tenth" in s or ("-" in s and s[0].isdigit())}
    assert {s: len(dataset.pairs(s)) for s in dataset.available_splits if s not in published} == counts
    for split in counts:
        pair = dataset.pairs(split)[len(dataset.pairs(split)) // 2]
        images = dataset.load(pair, labels=True)
        assert images.infrared.shape == images.visible.shape[:2]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (
            "m3fd",
            {
                "3150-1050-test": 1050,
                "3150-1050-train": 3150,
                "2727-633-840-test": 840,
                "2727-633-840-val": 633,
            },
        ),
        ("llvip", {"tenth-test": 347, "tenth-train": 1203}),
    ],
)
def test_published_splits_hold_what_their_lists_name(name: str, counts: Any) -> None:
    """Whether or not the images are here: a pair without them says so when it is loaded."""
    dataset = open_dataset(name, DATA)
    assert {s: len(dataset.pairs(s)) for s in counts} == counts
    splits = [{p.name for p in dataset.pairs(s)} for s in counts]
    assert not set.intersection(*splits)


def test_msrs_label_shares_are_the_published_ones() -> None:
    dataset = open_dataset("msrs", DATA / "msrs")
    counts = np.zeros(9, np.int64)
    for pair in dataset.pairs("test"):
        counts += np.bincount(read_labels(pair.labels, (480, 640), pair.name).ravel(), minlength=9)
    shares = 100 * counts / counts.sum()
    published = [92.4, 3.85, 1.13, 0.92, 0.57, 0.48, 0.105, 0.19, 0.33]
    assert shares == pytest.approx(published, rel=0.03)


def test_msrs_detection_boxes() -> None:
    dataset = open_dataset("msrs", DATA / "msrs")
    classes = np.concatenate([dataset.load(p, labels=True).boxes.classes for p in dataset.pairs("detection")])
    assert np.bincount(classes).tolist() == [39, 12]


def test_msrs_boxes_from_semantic_labels() -> None:
    """804 people and 335 cars on 326 pairs, as counted beforehand; bikes only where there is one of those."""
    dataset = open_dataset("msrs", DATA / "msrs")
    pairs = dataset.pairs("semantic-boxes")
    boxes = [dataset.load(p, labels=True).boxes for p in pairs]
    assert len(pairs) == 326
    assert np.bincount(np.concatenate([b.classes for b in boxes])).tolist() == [804, 335, 163]
    assert {b.rule for b in boxes} == {str(MSRS_RULE)}
    assert {p.name for p in pairs} <= {p.name for p in dataset.pairs("test")}


def test_no_pair_of_the_official_training_boxes_is_a_test_pair() -> None:
    dataset = open_dataset("msrs", DATA / "msrs")
    test = {p.name for p in dataset.pairs("test")}
    assert not test & {p.name for p in dataset.pairs("detection-train")}
    assert {p.name for p in dataset.pairs("detection")} <= test


@pytest.mark.parametrize(
    ("name", "split"), [("tno", "test"), ("m3fd", "test"), ("llvip", "test"), ("msrs", "detection")]
)
def test_verify_finds_nothing_wrong(name: str, split: Any) -> None:
    findings = open_dataset(name, DATA / name).verify(split)
    assert [f for f in findings if f.problem != "warning"] == []
