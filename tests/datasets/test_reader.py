"""Datasets read from folders: the layouts that archives come in, and everything that can be wrong with them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fusionbench.contracts.dataset import Dataset
from fusionbench.errors import ImageError, InputError, MissingDataError
from fusionbench.plugins import catalog

GREY = np.arange(40 * 50, dtype=np.uint8).reshape(40, 50)
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def put(path: Path, image: Any = GREY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def put_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def put_pairs(root: Path, infrared: str, visible: str, names: Any = ("a", "b"), ending: Any = ".png") -> None:
    for name in names:
        put(root / infrared / f"{name}{ending}")
        put(root / visible / f"{name}{ending}", RGB)


def open_dataset(name: str, root: Any, **options: Any) -> Dataset:
    spec = catalog.datasets.get(name)
    spec = spec.model_copy(update={"options": {**spec.options, **options}})
    dataset: Dataset = catalog.build(spec.factory)(spec, None if root is None else Path(root))
    return dataset


def names(dataset: Dataset, split: str) -> list[str]:
    return [p.name for p in dataset.pairs(split)]


def problems(dataset: Dataset, split: str | None = None) -> set[tuple[str, str]]:
    return {(Path(f.file).name, f.problem) for f in dataset.verify(split)}


@pytest.mark.parametrize(
    ("dataset", "split", "infrared", "visible"),
    [
        ("msrs", "test", "test/ir", "test/vi"),
        ("msrs", "train", "train/ir", "train/vi"),
        ("msrs", "test", "MSRS-main/test/ir", "MSRS-main/test/vi"),
        ("msrs", "test", "ir", "vi"),
        ("roadscene", "all", "cropinfrared", "crop_LR_visible"),
        ("roadscene", "all", "RoadScene-master/cropinfrared", "RoadScene-master/crop_LR_visible"),
        ("tno", "test", "ir", "vi"),
        ("tno", "test", "Test_ir", "Test_vi"),
        ("m3fd", "test", "Ir", "Vis"),
        ("m3fd", "all", "M3FD_Detection/Ir", "M3FD_Detection/Vis"),
        ("llvip", "test", "infrared/test", "visible/test"),
        ("llvip", "train", "LLVIP/infrared/train", "LLVIP/visible/train"),
        ("llvip", "train", "train/llvip/ir", "train/llvip/vi"),
        ("m3svd", "train", "train/m3svd/ir", "train/m3svd/vi"),
        ("fmb", "test", "test/Infrared", "test/Visible"),
        ("vifb", "test", "IR", "VI"),
        ("folder", "all", "THERMAL", "rgb"),
    ],
)
def test_official_layouts_and_their_variants(
    tmp_path: Path, dataset: Any, split: Any, infrared: Any, visible: Any
) -> None:
    put_pairs(tmp_path, infrared, visible)
    found = open_dataset(dataset, tmp_path)
    assert names(found, split) == ["a", "b"]
    images = found.load(found.pairs(split)[0])
    assert np.array_equal(images.infrared, GREY)
    assert np.array_equal(images.visible, RGB[..., ::-1])
    assert found.verify(split) == []


def test_root_may_be_the_split_or_the_folder_above(tmp_path: Path) -> None:
    put_pairs(tmp_path / "MSRS", "test/ir", "test/vi")
    put_pairs(tmp_path / "MSRS", "train/ir", "train/vi", ("t",))
    for root in (tmp_path, tmp_path / "MSRS", tmp_path / "MSRS/test", tmp_path / "MSRS/train"):
        found = open_dataset("msrs", root)
        assert names(found, "test") == ["a", "b"]
        assert names(found, "train") == ["t"]


def test_bare_folders_are_the_split_that_the_root_is_named_after(tmp_path: Path) -> None:
    put_pairs(tmp_path / "train" / "llvip", "ir", "vi")
    found = open_dataset("llvip", tmp_path / "train" / "llvip")
    assert found.available_splits == ("train",)
    with pytest.raises(MissingDataError, match="test"):
        found.pairs("test")


def test_tno_with_both_sensors_in_one_folder(tmp_path: Path) -> None:
    for i in (1, 2, 10):
        put(tmp_path / f"IR{i}.png")
        put(tmp_path / f"VIS{i}.png", RGB)
    found = open_dataset("tno", tmp_path)
    assert names(found, "test") == ["1", "10", "2"]
    assert found.pairs("test")[0].visible.name == "VIS1.png"


@pytest.mark.parametrize("ending", [".png", ".jpg", ".JPG", ".bmp", ".tif", ".webp"])
def test_pairs_match_by_stem_whatever_the_extension(tmp_path: Path, ending: Any) -> None:
    put(tmp_path / "ir" / "a.png")
    put(tmp_path / "vi" / f"a{ending}", RGB)
    assert names(open_dataset("folder", tmp_path), "all") == ["a"]
    assert open_dataset("folder", tmp_path).verify() == []


def test_sixteen_bit_and_colour_infrared(tmp_path: Path) -> None:
    put(tmp_path / "ir" / "a.png", GREY.astype(np.uint16) * 257)
    put(tmp_path / "ir" / "b.png", np.dstack([GREY] * 3))
    put(tmp_path / "vi" / "a.png", RGB)
    put(tmp_path / "vi" / "b.png", GREY)
    found = open_dataset("folder", tmp_path)
    for pair in found.pairs("all"):
        assert np.array_equal(found.load(pair).infrared, GREY)
    assert np.array_equal(found.load(found.pairs("all")[1]).visible, np.dstack([GREY] * 3))


def test_named_folders_labels_and_class_names(tmp_path: Path) -> None:
    put_pairs(tmp_path, "one", "two", ("a",))
    put(tmp_path / "ids" / "a.png", np.full((40, 50), 2, np.uint8))
    put_text(tmp_path / "txt" / "a.txt", "1 .5 .5 .2 .2")
    found = open_dataset(
        "folder",
        tmp_path,
        ir="one",
        vi="two",
        labels="ids",
        boxes="txt",
        semantic_classes="x,y,z",
        box_classes=["p", "q"],
    )
    assert found.spec.semantic_classes == ("x", "y", "z")
    images = found.load(found.pairs("all")[0], labels=True)
    assert images.labels.max() == 2
    assert images.boxes.classes.tolist() == [1]
    absolute = open_dataset("folder", None, ir=str(tmp_path / "one"), vi=str(tmp_path / "two"))
    assert names(absolute, "all") == ["a"]
    with pytest.raises(InputError, match="both"):
        open_dataset("folder", tmp_path, ir="one")
    with pytest.raises(MissingDataError, match="nowhere"):
        open_dataset("folder", tmp_path, ir="one", vi="nowhere")
    with pytest.raises(InputError, match="folders of their own"):
        open_dataset("folder", tmp_path, ir="one", vi="one")


def test_roadscene_lists(tmp_path: Path) -> None:
    put_pairs(tmp_path, "cropinfrared", "crop_LR_visible", ("a", "b", "c"))
    put_text(tmp_path / "test50.txt", "a\nb.jpg\n\n")
    found = open_dataset("roadscene", tmp_path)
    assert (names(found, "test50"), names(found, "train"), names(found, "all")) == (
        ["a", "b"],
        ["c"],
        ["a", "b", "c"],
    )
    (tmp_path / "test50.txt").unlink()
    found = open_dataset("roadscene", tmp_path)
    assert (
        len(names(found, "test50")) == 50
    )  # the shipped list; none of its pairs is here, and verify says so
    assert names(found, "train") == ["a", "b", "c"]
    assert ("FLIR_00211.*", "missing") in problems(found, "test50")


def test_m3fd_splits_need_lists(tmp_path: Path) -> None:
    put_pairs(tmp_path, "Ir", "Vis", ("a", "b", "c"))
    found = open_dataset("m3fd", tmp_path)
    assert names(found, "test") == ["a", "b", "c"]
    assert found.available_splits == ("test", "all")
    with pytest.raises(MissingDataError, match=r"meta/train\.txt"):
        found.pairs("train")
    put_text(tmp_path / "meta" / "train.txt", "c.png")
    put_text(tmp_path / "meta" / "val.txt", "a.png")
    found = open_dataset("m3fd", tmp_path)
    assert (names(found, "test"), names(found, "train")) == (["a"], ["c"])


def test_msrs_detection_keeps_the_boxed_pairs_and_maps_coco_ids(tmp_path: Path) -> None:
    put_pairs(tmp_path, "test/ir", "test/vi")
    put_text(tmp_path / "detection" / "labels" / "b.txt", "2 .5 .5 .5 .5\n0 .2 .2 .1 .1\n")
    found = open_dataset("msrs", tmp_path)
    assert names(found, "detection") == ["b"]
    boxes = found.load(found.pairs("detection")[0], labels=True).boxes
    assert [found.spec.box_classes[i] for i in boxes.classes] == ["car", "person"]


@pytest.mark.parametrize("root", [None, "missing", "empty", "file"])
def test_a_wrong_root_is_explained(tmp_path: Path, root: Any) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(MissingDataError) as caught:
        open_dataset("msrs", tmp_path / root if root else None)
    for part in ("MSRS", "test/ir", "--data-root", "fusionbench data fetch msrs"):
        assert part in str(caught.value)


def test_bad_files_spoil_no_other_pair(tmp_path: Path) -> None:
    put_pairs(tmp_path, "ir", "vi", [f"ok{i}" for i in range(2)])
    put(tmp_path / "ir" / "lonely.png")
    put(tmp_path / "vi" / "eyeless.png", RGB)
    put_pairs(tmp_path, "ir", "vi", ("cut", "zero", "size", "twin", "dots..name", "text", "flat"))
    whole = (tmp_path / "vi" / "cut.png").read_bytes()
    (tmp_path / "vi" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "ir" / "zero.png").write_bytes(b"")
    put(tmp_path / "ir" / "size.png", GREY[:30])
    put(tmp_path / "ir" / "twin.jpg")
    (tmp_path / "ir" / "text.png").write_text("not an image")
    put(tmp_path / "ir" / "flat.png", np.full_like(GREY, 9))
    (tmp_path / "ir" / ".hidden.png").write_bytes(b"")
    (tmp_path / "ir" / "Thumbs.db").write_bytes(b"")
    found = open_dataset("folder", tmp_path)
    good, bad = [], {}
    for pair in found.pairs("all"):
        try:
            found.load(pair)
            good.append(pair.name)
        except ImageError as error:
            bad[pair.name] = str(error)
        assert len(found.digest(pair)) == 64
    assert good == ["flat", "ok0", "ok1"]
    expected = {
        "lonely": "no visible image",
        "eyeless": "no infrared image",
        "cut": "truncated",
        "zero": "0 bytes",
        "size": "differ in size",
        "twin": "one stem",
        "dots..name": "contains '..'",
        "text": "text.png",
    }
    assert set(bad) == set(expected)
    for name, part in expected.items():
        assert part in bad[name]
    assert problems(found) >= {
        ("lonely.*", "missing"),
        ("eyeless.*", "missing"),
        ("cut.png", "unreadable"),
        ("zero.png", "unreadable"),
        ("size.png", "mismatched"),
        ("twin.jpg", "duplicate"),
        ("dots..name", "unreadable"),
        ("text.png", "unreadable"),
        ("flat.png", "warning"),
    }


def test_verify_finds_bad_labels_and_boxes(tmp_path: Path) -> None:
    put_pairs(tmp_path, "ir", "vi", ("a", "b", "c", "d"))
    put(tmp_path / "labels" / "a.png", np.full((40, 50), 9, np.uint8))
    put(tmp_path / "labels" / "b.png", np.zeros((20, 50), np.uint8))
    put(tmp_path / "labels" / "c.png", np.full((40, 50), 255, np.uint8))
    put_text(tmp_path / "boxes" / "a.txt", "")
    put_text(tmp_path / "boxes" / "b.txt", "0 2 2 .1 .1")
    put_text(tmp_path / "boxes" / "c.txt", "0 oops")
    put_text(tmp_path / "boxes" / "d.txt", "5 .5 .5 .1 .1")
    found = open_dataset("folder", tmp_path, semantic_classes="x,y", box_classes="p")
    assert problems(found) == {
        ("a.png", "label"),
        ("b.png", "label"),
        ("c.png", "warning"),
        ("d.*", "label"),
        ("a.txt", "warning"),
        ("b.txt", "label"),
        ("c.txt", "label"),
        ("d.txt", "label"),
    }
    with pytest.raises(ImageError, match="50×20"):
        found.load(found.pairs("all")[1], labels=True)
    assert found.load(found.pairs("all")[1]).labels is None


def test_verify_survives_an_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    put_pairs(tmp_path, "ir", "vi")
    found = open_dataset("folder", tmp_path)
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("vi"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (finding,) = found.verify()
    assert finding.problem == "missing"
    assert "Permission denied" in finding.message
    with pytest.raises(MissingDataError, match="Permission denied"):
        found.pairs("all")


def test_digest_follows_the_bytes_of_both_images(tmp_path: Path) -> None:
    put_pairs(tmp_path, "ir", "vi", ("a",))
    found = open_dataset("folder", tmp_path)
    pair = found.pairs("all")[0]
    parts = [("infrared", pair.infrared), ("visible", pair.visible)]
    text = "".join(f"{role}:{hashlib.sha256(p.read_bytes()).hexdigest()}\n" for role, p in parts)
    before = found.digest(pair)
    assert before == hashlib.sha256(text.encode()).hexdigest()
    labels_before = found.label_digest(pair)
    put(tmp_path / "vi" / "a.png", RGB[::-1])
    assert found.digest(pair) != before
    assert found.label_digest(pair) == labels_before


def test_unknown_split(tmp_path: Path) -> None:
    put_pairs(tmp_path, "ir", "vi")
    with pytest.raises(InputError, match="it has all"):
        open_dataset("folder", tmp_path).pairs("val")
