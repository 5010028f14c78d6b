"""Small inputs that people in the field have and that once failed (``cases`` of the reference data; skipped
where absent).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusionbench.contracts.dataset import Dataset
from fusionbench.errors import ImageError
from fusionbench.images.codec import read_image
from fusionbench.plugins import catalog

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def case(shared: Path) -> Callable[[str], Path]:
    """``case("01")``: the folder of a case."""

    def find(number: str) -> Path:
        found = sorted((shared / "cases").glob(f"{number}-*"))
        if not found:
            pytest.skip(f"no case {number} in {shared / 'cases'}")
        return found[0]

    return find


def opened(name: str, root: Path, **options: Any) -> Dataset:
    spec = catalog.datasets.get(name)
    spec = spec.model_copy(update={"options": {**spec.options, **options}})
    dataset: Dataset = catalog.build(spec.factory)(spec, root)
    return dataset


def boxes(dataset: Dataset, split: str) -> list[tuple[list[list[float]], list[int]]]:
    found = [dataset.load(pair, labels=True).boxes for pair in dataset.pairs(split)]
    return [(b.xyxy.round(3).tolist(), b.classes.tolist()) for b in found if b is not None]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("01", "u16png"),
        ("01", "u16tif"),
        ("04", "palette"),
        ("04", "palette4bit"),
        ("04", "palette_grey"),
        ("04", "binary1bit"),
    ],
)
def test_labels_are_ids(case: Callable[[str], Path], number: str, kind: str) -> None:
    dataset = opened("msrs", case(number) / kind)
    plain = opened("msrs", case("01") / "plain")
    for pair in dataset.pairs("test"):
        labels = dataset.load(pair, labels=True).labels
        assert labels is not None
        assert pair.labels is not None
        if number == "01":
            same = next(p for p in plain.pairs("test") if p.name == pair.name)
            expected = plain.load(same, labels=True).labels
        else:
            expected = np.asarray(Image.open(pair.labels)).astype(np.uint8)
        assert np.array_equal(np.asarray(labels), np.asarray(expected))
    assert [f for f in dataset.verify("test") if f.problem != "warning"] == []


def test_slivers_of_sixteen_bits(case: Callable[[str], Path]) -> None:
    root = case("02")
    dataset = opened("folder", root)
    for pair in dataset.pairs("all"):
        if pair.name in {"eight", "full16"}:
            dataset.load(pair)
            continue
        with pytest.raises(ImageError, match="a sliver of 0 to 65535"):
            dataset.load(pair)
    eight = read_image(root / "ir/eight.png")
    dataset = opened("folder", root, bits=8)
    pair = next(p for p in dataset.pairs("all") if p.name == "as8in16")
    assert np.array_equal(dataset.load(pair).infrared, eight)
    assert np.array_equal(read_image(root / "ir/full16.png"), eight)


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        (
            "suffix",
            ["--ir-pattern", "{name}_ir", "--vi-pattern", "{name}_vis", "--fused-pattern", "{name}_fused"],
        ),
        ("prefix", ["--ir-pattern", "IR{name}", "--vi-pattern", "VIS{name}", "--fused-pattern", "F{name}"]),
        ("fsuffix", ["--fused-pattern", "{name}_CDDFuse"]),
        ("flir", ["--vi-pattern", "{name}_RGB"]),
        ("flirprev", ["--ir-pattern", "{name}_PreviewData", "--vi-pattern", "{name}_RGB"]),
    ],
)
def test_names_with_sensor_or_method(
    case: Callable[[str], Path], cli: Cli, kind: str, flags: list[str]
) -> None:
    root = case("03") / kind
    folders = [root / "ir", root / "vi", root / "f", "--metrics", "EN", "--json"]
    refused = cli("score", *folders)
    assert refused.code == 2
    assert "-pattern '" in refused.err
    result = cli("score", *folders, *flags)
    assert result.code == 0, result.err
    assert json.loads(result.out)["means"][0]["count"] == 2


def test_all_methods_in_one_folder(case: Callable[[str], Path], cli: Cli) -> None:
    root = case("03") / "vifb"
    result = cli(
        "score",
        root / "IR",
        root / "VI",
        root / "fused_images",
        "--fused-pattern",
        "{name}_{method}",
        "--metrics",
        "EN",
        "--json",
    )
    assert [m["method"] for m in json.loads(result.out)["means"]] == ["ADF", "GFF"]


def test_label_files_in_pixels(case: Callable[[str], Path]) -> None:
    good, mix = opened("m3fd", case("08") / "good"), opened("m3fd", case("08") / "mix")
    assert len(boxes(good, "test")) == 4
    for pair in mix.pairs("test")[:2]:
        with pytest.raises(ImageError, match="boxes are in pixels"):
            mix.load(pair, labels=True)
    assert len([mix.load(pair, labels=True).boxes for pair in mix.pairs("test")[2:]]) == 2


def test_class_file_beside_the_labels(case: Callable[[str], Path], tmp_path: Path) -> None:
    root = case("09") / "deyolo_ids"
    lamp = catalog.datasets.get("m3fd").box_classes.index("Lamp")
    assert sum(ids.count(lamp) for _, ids in boxes(opened("m3fd", root), "test")) == 2
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    (copy / "labels/classes.txt").unlink()
    assert sum(ids.count(lamp) for _, ids in boxes(opened("m3fd", copy), "test")) == 0


@pytest.mark.parametrize("kind", ["segments", "mixed", "bom", "names", "track7"])
def test_label_formats(case: Callable[[str], Path], kind: str) -> None:
    xyxy, ids = boxes(opened("m3fd", case("13") / kind), "test")[0]
    assert xyxy[0] == [96, 48, 160, 144]
    assert ids[0] == 1
    assert len(ids) == (1 if kind == "track7" else 2)


def test_coco_and_class_names_of_a_folder(case: Callable[[str], Path]) -> None:
    assert boxes(opened("m3fd", case("13") / "json"), "test") == [([[96, 48, 160, 144]], [1])]
    dataset = opened("folder", case("13") / "fold_cls")
    assert dataset.spec.box_classes == ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")
    assert len(boxes(dataset, "all")) == 2


def test_latex_letters(case: Callable[[str], Path], cli: Cli) -> None:
    root = case("10")
    names = ("方法一", "方法二", "β-Fusion", "Łukasz")
    result = cli(
        "score",
        root / "ir",
        root / "vi",
        *(f"{root / 'f'}:{n}" for n in names),
        "--metrics",
        "EN",
        "--latex",
        "t.tex",
    )
    assert result.code == 0, result.err
    text = Path("t.tex").read_text()
    assert "?" not in text
    assert all(letter in text for letter in "方法一二Łukasz")


def test_fuse_out(case: Callable[[str], Path], cli: Cli) -> None:
    root = case("15")
    assert cli("fuse", root / "ir", root / "vi", "-m", "max", "-o", "out").code == 0
    assert sorted(p.name for p in Path("out").iterdir()) == ["00004N.png", "00111D.png", "00200D.png"]
    result = cli("fuse", root / "ir/00004N.png", root / "vi/00004N.png", "-m", "max", "-o", "one.jpg")
    assert (result.code, Path("one.jpg").exists()) == (2, False)


def test_sub_folders(case: Callable[[str], Path], cli: Cli) -> None:
    root = case("16")
    result = cli("score", root / "ir", root / "vi", root / "f")
    assert "Images lie deeper, in set00/V000/lwir" in result.err
    patterns = {"ir_pattern": "{folder}/lwir/{name}", "vi_pattern": "{folder}/visible/{name}"}
    assert [p.name for p in opened("folder", root, **patterns).pairs("all")] == ["set00_V000_I00001"]
