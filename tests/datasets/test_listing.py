"""Which files make a pair: patterns, sub-folders, Unicode forms, case, names that can't be used, COCO files."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fusionbench.contracts.dataset import Boxes, Dataset
from fusionbench.errors import ImageError, InputError, MissingDataError
from fusionbench.images.file_names import likely_patterns, parse_pattern
from fusionbench.plugins import catalog

GREY = (np.arange(40 * 50) % 251).astype(np.uint8).reshape(40, 50)
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def put(path: Path, image: np.ndarray = GREY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def open_folder(root: Path, name: str = "folder", **options: Any) -> Dataset:
    spec = catalog.datasets.get(name)
    spec = spec.model_copy(update={"options": {**spec.options, **options}})
    dataset: Dataset = catalog.build(spec.factory)(spec, root)
    return dataset


def names(dataset: Dataset) -> list[str]:
    return [p.name for p in dataset.pairs(dataset.spec.splits[0])]


@pytest.mark.parametrize(
    ("ir", "vi", "ir_pattern", "vi_pattern"),
    [
        ("00001_ir.png", "00001_vis.jpg", "{name}_ir", "{name}_vis"),
        ("00001_ir.png", "00001_vis.jpg", "*_ir.png", "*_VIS.jpg"),
        ("IR00001.png", "VIS00001.png", "IR{name}", "VIS{name}"),
        ("00001.jpeg", "00001_RGB.jpg", "", "{name}_RGB"),
        (
            "set00/V000/lwir/00001.jpg",
            "set00/V000/visible/00001.jpg",
            "{folder}/lwir/{name}",
            "{folder}/visible/{name}",
        ),
        ("lwir/00001.jpg", "visible/00001.jpg", "lwir/{name}", "visible/{name}"),
    ],
)
def test_patterns(tmp_path: Path, ir: str, vi: str, ir_pattern: str, vi_pattern: str) -> None:
    for number in ("00001", "00002"):
        put(tmp_path / "ir" / ir.replace("00001", number))
        put(tmp_path / "vi" / vi.replace("00001", number), RGB)
    put(tmp_path / "ir" / "other.txt.png.bak.bmp") if ir_pattern else None
    dataset = open_folder(tmp_path, ir_pattern=ir_pattern, vi_pattern=vi_pattern)
    start = "set00_V000_" if "{folder}" in ir_pattern else ""
    assert names(dataset) == [f"{start}00001", f"{start}00002"]
    assert dataset.load(dataset.pairs("all")[0]).infrared.shape == (40, 50)


def test_kaist_repeats_names_in_every_folder(tmp_path: Path) -> None:
    for place in ("set00/V000", "set00/V001", "set01/V000"):
        put(tmp_path / place / "lwir/I00001.png")
        put(tmp_path / place / "visible/I00001.png", RGB)
    patterns = {"ir_pattern": "{folder}/lwir/{name}", "vi_pattern": "{folder}/visible/{name}"}
    dataset = open_folder(tmp_path, ir=".", vi=".", **patterns)
    assert names(dataset) == ["set00_V000_I00001", "set00_V001_I00001", "set01_V000_I00001"]
    with pytest.raises(InputError, match="given both as ir and vi"):
        open_folder(tmp_path, ir=".", vi=".")


def test_sub_folders_without_a_pattern_are_named(tmp_path: Path) -> None:
    put(tmp_path / "ir/set00/V000/lwir/a.png")
    put(tmp_path / "vi/set00/V000/visible/a.png", RGB)
    with pytest.raises(MissingDataError, match=r"deeper, in ir/set00/V000/lwir.*\{folder\}/lwir/\{name\}"):
        open_folder(tmp_path)


@pytest.mark.parametrize("pattern", ["ir", "{name}{name}", "{name}_{name}", "**"])
def test_patterns_that_can_not_be_meant(pattern: str) -> None:
    with pytest.raises(InputError, match=r"--ir-pattern .*needs \{name\}"):
        parse_pattern(pattern, "--ir-pattern")


def test_likely_patterns_are_offered() -> None:
    assert likely_patterns(["00001_ir", "00002_ir"], ["00001_vis", "00002_vis"]) == (
        "{name}_ir",
        "{name}_vis",
    )
    assert likely_patterns(["IR1", "IR2"], ["VIS1", "VIS2"]) == ("IR{name}", "VIS{name}")
    assert likely_patterns(["FLIR_06", "FLIR_07"], ["FLIR_06_RGB", "FLIR_07_RGB"]) == ("{name}", "{name}_RGB")
    assert likely_patterns(["a", "b"], ["x", "y"]) is None
    assert likely_patterns([], ["x"]) is None


def test_unicode_forms_and_case_are_one_name(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "Straße_é")
    put(tmp_path / "ir" / f"{unicodedata.normalize('NFD', composed)}.png")
    put(tmp_path / "vi" / f"{composed}.png", RGB)
    put(tmp_path / "ir/IMG_1.PNG".replace("PNG", "png"))
    put(tmp_path / "vi/img_1.png", RGB)
    (tmp_path / "labels").mkdir()
    put(tmp_path / "labels/Img_1.png", GREY % 3)
    dataset = open_folder(tmp_path, semantic_classes="a,b,c")
    assert names(dataset) == ["IMG_1", composed]
    for pair in dataset.pairs("all"):
        assert dataset.load(pair, labels=True).visible.shape == (40, 50, 3)
    assert dataset.pairs("all")[0].labels is not None


def test_case_that_leaves_two_candidates_decides_nothing(tmp_path: Path) -> None:
    put(tmp_path / "ir/a.png")
    put(tmp_path / "ir/A.png")
    put(tmp_path / "vi/a.png", RGB)
    dataset = open_folder(tmp_path)
    assert names(dataset) == ["A", "a"]
    with pytest.raises(ImageError, match="A: has no visible image"):
        dataset.load(dataset.pairs("all")[0])
    assert dataset.load(dataset.pairs("all")[1]).visible.shape == (40, 50, 3)


def test_names_that_can_not_be_used_are_refused_and_shown_safely(tmp_path: Path) -> None:
    for role, image in (("ir", GREY), ("vi", RGB)):
        good = put(tmp_path / role / "good.png", image)
        shutil.copy(good, os.fsdecode(os.fsencode(good.parent) + b"/caf\xe9.png"))
        shutil.copy(good, good.parent / "red\x1b[31m.png")
        shutil.copy(good, good.parent / "two\nlines.png")
        shutil.copy(good, good.parent / "turn\u202egnp.png")
    dataset = open_folder(tmp_path)
    found = dataset.pairs("all")
    assert [p.name for p in found] == ["caf\\xe9", "good", "red\\x1b[31m", "turn\\u202egnp", "two\\x0alines"]
    reasons = {"caf": "isn't UTF-8", "red": "control characters", "two": "control", "turn": "control"}
    for pair in found:
        dataset.digest(pair)
        json.dumps(pair.name).encode()
        if pair.name == "good":
            dataset.load(pair)
            continue
        with pytest.raises(ImageError) as error:
            dataset.load(pair)
        assert reasons[pair.name[:3] if pair.name[:4] != "turn" else "turn"] in str(error.value)
        assert str(error.value).isprintable()
    findings = dataset.verify()
    assert all((f.file + f.message).isprintable() for f in findings)
    assert sum(f.problem == "unreadable" for f in findings) == 4


def test_fifos_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "ir/a.png")
    put(tmp_path / "vi/a.png", RGB)
    put(tmp_path / "vi/b.png", RGB)
    os.mkfifo(tmp_path / "ir/b.png")
    dataset = open_folder(tmp_path)
    a, b = dataset.pairs("all")
    dataset.digest(b)
    dataset.load(a)
    with pytest.raises(ImageError, match=r"b\.png: can't be read: it is a FIFO"):
        dataset.load(b)
    assert any("FIFO" in f.message for f in dataset.verify())


def coco(path: Path, *files: str, category: str = "car") -> None:
    content = {
        "images": [{"id": i, "file_name": f, "width": 50, "height": 40} for i, f in enumerate(files)],
        "categories": [{"id": 1, "name": category}],
        "annotations": [{"image_id": i, "category_id": 1, "bbox": [5, 5, 10, 10]} for i in range(len(files))],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def test_one_coco_file_for_a_whole_set(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / "ir" / f"{name}.png")
        put(tmp_path / "vi" / f"{name}_RGB.png", RGB)
    coco(tmp_path / "Annotations/instances.json", "vi/a_RGB.jpg", "b_RGB.jpg")
    dataset = open_folder(tmp_path, vi_pattern="{name}_RGB", box_classes="person,Car")
    boxes = [dataset.load(p, labels=True).boxes for p in dataset.pairs("all")]
    assert [b.xyxy.tolist() if b else None for b in boxes] == [[[5, 5, 15, 15]], [[5, 5, 15, 15]], None]
    assert boxes[0] is not None
    assert boxes[0].classes.tolist() == [1]
    (tmp_path / "Annotations/a.txt").write_text("1 .5 .5 .1 .1")
    dataset = open_folder(tmp_path, vi_pattern="{name}_RGB", box_classes="person,Car")
    with pytest.raises(ImageError, match=r"a\.txt and instances\.json .* carry one stem"):
        dataset.load(dataset.pairs("all")[0], labels=True)


def test_class_files_name_the_classes_of_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "ir/a.png")
    put(tmp_path / "vi/a.png", RGB)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("1 .5 .5 .2 .2\n")
    dataset = open_folder(tmp_path)
    assert dataset.spec.box_classes == ()
    assert any("no class names" in f.message for f in dataset.verify())
    (tmp_path / "labels/classes.txt").write_text("person\ncar\n")
    dataset = open_folder(tmp_path)
    assert dataset.spec.box_classes == ("person", "car")
    boxes = dataset.load(dataset.pairs("all")[0], labels=True).boxes
    assert boxes is not None
    assert boxes.classes.tolist() == [1]


def m3fd(root: Path, lines: str) -> None:
    put(root / "Ir/a.png")
    put(root / "Vis/a.png", RGB)
    (root / "labels").mkdir(exist_ok=True)
    (root / "labels/a.txt").write_text(lines)


def test_m3fd_ids_follow_the_class_file(tmp_path: Path) -> None:
    m3fd(tmp_path, "4 .5 .3 .05 .1\n3 .5 .8 .1 .1\n")

    def read() -> Boxes | None:
        dataset = open_folder(tmp_path, "m3fd")
        return dataset.load(dataset.pairs("test")[0], labels=True).boxes

    as_published = read()
    assert as_published is not None
    assert as_published.classes.tolist() == [4, 3]
    (tmp_path / "labels/classes.txt").write_text("People\nCar\nBus\nMotorcycle\nLamp\nTruck\n")
    by_file = read()
    assert by_file is not None
    assert by_file.classes.tolist() == [3, 4]
    dataset = open_folder(tmp_path, "m3fd", box_classes="People,Car,Bus,Lamp,Motorcycle,Truck")
    by_option = dataset.load(dataset.pairs("test")[0], labels=True).boxes
    assert by_option is not None
    assert by_option.classes.tolist() == [4, 3]


def test_m3fd_ids_in_the_other_order_are_questioned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lamps = [f"4 .5 {y:.3f} .02 .06\n" for y in rng.normal(0.4, 0.05, 30)]
    motorcycles = [f"3 .5 {y:.3f} .05 .08\n" for y in rng.normal(0.6, 0.05, 30)]
    m3fd(tmp_path, "".join(lamps + motorcycles))
    dataset = open_folder(tmp_path, "m3fd")
    asked = dataset.questions(dataset.pairs("test"))
    assert len(asked) == 1
    assert "are the ids 3 = Lamp, 4 = Motorcycle swapped" in asked[0]
    assert any("swapped in these labels" in f.message for f in dataset.verify("test"))
    (tmp_path / "labels/classes.txt").write_text("People\nCar\nBus\nMotorcycle\nLamp\nTruck\n")
    assert open_folder(tmp_path, "m3fd").questions(dataset.pairs("test")) == []


def test_unknown_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"folder has no option 'bist'; it has .*bits"):
        open_folder(tmp_path, bist=12)
    put(tmp_path / "ir/a.png")
    put(tmp_path / "vi/a.png")
    with pytest.raises(InputError, match="bits = '11' is unknown"):
        open_folder(tmp_path, bits=11)


def test_bits_of_a_dataset(tmp_path: Path) -> None:
    deep = (GREY.astype(np.uint16) * 16).astype(np.uint16)
    put(tmp_path / "ir/a.png", deep)
    put(tmp_path / "vi/a.png", RGB)
    dataset = open_folder(tmp_path)
    with pytest.raises(ImageError, match=r"ir/a\.png: its 16-bit samples run from 0 to 4000, a sliver"):
        dataset.load(dataset.pairs("all")[0])
    assert any("a sliver" in f.message for f in dataset.verify())
    dataset = open_folder(tmp_path, bits=12)
    expected = np.floor(deep * (255 / 4095) + 0.5)
    assert np.array_equal(dataset.load(dataset.pairs("all")[0]).infrared, expected)


def test_labels_of_no_pair_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / "ir" / f"{name}.png")
        put(tmp_path / "vi" / f"{name}.png", RGB)
        put(tmp_path / "labels" / f"{name}_labels.png", GREY % 3)
    dataset = open_folder(tmp_path, semantic_classes="a,b,c")
    assert any(
        "none of the 2 labels here is named like a pair: they are a_labels" in f.message
        for f in dataset.verify()
    )
    dataset = open_folder(tmp_path, semantic_classes="a,b,c", labels_pattern="{name}_labels")
    assert [f for f in dataset.verify() if f.problem == "label"] == []
    assert all(pair.labels is not None for pair in dataset.pairs("all"))


def test_an_orientation_tag_is_named(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 3
    put(tmp_path / "vi/a.png", RGB)
    (tmp_path / "ir").mkdir()
    Image.fromarray(GREY).save(tmp_path / "ir/a.jpg", exif=exif, quality=95)
    (finding,) = open_folder(tmp_path).verify()
    assert (finding.problem, Path(finding.file).name) == ("warning", "a.jpg")
    assert "orientation tag" in finding.message
