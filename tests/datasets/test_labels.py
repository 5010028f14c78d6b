"""Semantic labels and box files, good and bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionbench.datasets.boxes import box_notes, clip_boxes, read_box_file
from fusionbench.datasets.labels import read_labels
from fusionbench.errors import ImageError

SIZE = (100, 200)
CLASSES = ("person", "car")


def box_file(tmp_path: Path, text: Any, suffix: Any = ".txt") -> Any:
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    return path


def test_yolo_is_centre_and_size_normalised(tmp_path: Path) -> None:
    boxes = read_box_file(box_file(tmp_path, "1 0.5 0.5 0.1 0.2\n0 0.25 0.1 0.05 0.1 0.9\n"), SIZE, CLASSES)
    assert boxes.xyxy.tolist() == pytest.approx(np.array([[90, 40, 110, 60], [45, 5, 55, 15]]))
    assert boxes.classes.tolist() == [1, 0]


def test_ids_are_mapped_and_unknown_ones_named(tmp_path: Path) -> None:
    path = box_file(tmp_path, "2 .5 .5 .1 .1\n0 .5 .5 .1 .1\n7 .5 .5 .1 .1\n7 .5 .5 .1 .1\n")
    boxes = read_box_file(path, SIZE, CLASSES, ids={0: 0, 2: 1})
    assert boxes.classes.tolist() == [1, 0]
    assert boxes.oddities == (
        "lines 3, 4: the class 7 is unknown and left out; the dataset's classes are person, car",
    )
    unmapped = read_box_file(path, SIZE, CLASSES)
    assert unmapped.oddities[0].endswith("classes are 0 to 1 (person, car)")


@pytest.mark.parametrize(
    "line", ["1 0.5 0.5", "car .5 .5 .1", "0 nan .5 .1 .1", "0 .5 .5 .1 inf", "0 1 2 3 4 5 6 7"]
)
def test_bad_yolo_lines_name_file_and_line(tmp_path: Path, line: Any) -> None:
    with pytest.raises(ImageError, match=r"a\.txt, line 2"):
        read_box_file(box_file(tmp_path, f"0 .5 .5 .1 .1\n{line}\n"), SIZE, CLASSES)


def voc(
    name: Any = "Person", box: Any = "<xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>60</ymax>"
) -> Any:
    return f"<annotation><object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"


def test_voc_names_are_matched_whatever_their_case(tmp_path: Path) -> None:
    boxes = read_box_file(box_file(tmp_path, voc(), ".xml"), SIZE, CLASSES)
    assert boxes.xyxy.tolist() == [[10, 20, 30, 60]]
    assert boxes.classes.tolist() == [0]
    renamed = read_box_file(
        box_file(tmp_path, voc("people"), ".xml"), SIZE, CLASSES, names={"people": "person"}
    )
    assert renamed.classes.tolist() == [0]
    other = read_box_file(box_file(tmp_path, voc("zebra"), ".xml"), SIZE, CLASSES)
    assert (
        other.oddities[0]
        == "object 1: the class 'zebra' is unknown and left out; the dataset's classes are person, car"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation><object>", "not valid XML"),
        (voc(box="<xmin>a</xmin>"), "object 1"),
        (
            "<annotation><size><width>640</width><height>512</height></size></annotation>",
            "drawn on an image of 640×512, the pair is 200×100",
        ),
        ('<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "DOCTYPE"),
    ],
)
def test_bad_voc_is_refused(tmp_path: Path, text: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_box_file(box_file(tmp_path, text, ".xml"), SIZE, CLASSES)


@pytest.mark.parametrize("suffix", [".txt", ".xml"])
def test_an_empty_file_means_no_objects(tmp_path: Path, suffix: Any) -> None:
    boxes = read_box_file(box_file(tmp_path, "", suffix), SIZE, CLASSES)
    assert boxes.xyxy.shape == (0, 4)
    assert boxes.empty
    assert clip_boxes(boxes, SIZE).xyxy.shape == (0, 4)
    assert box_notes(boxes, SIZE) == []


def test_boxes_outside_are_named_clipped_and_dropped(tmp_path: Path) -> None:
    path = box_file(tmp_path, "0 0 0 .2 .2\n0 2 2 .1 .1\n0 .5 .5 .1 .1\n0 .5 .5 -.1 .1\n")
    boxes = read_box_file(path, SIZE, CLASSES)
    notes = box_notes(boxes, SIZE)
    assert notes[0] == "line 1: reaches beyond the 200×100 image and is clipped to it"
    assert notes[1].startswith("lines 2, 4: has less than a pixel of width or height in the 200×100 image")
    assert notes[1].endswith("coordinates are shares of the image's sides (0 to 1)")
    assert clip_boxes(boxes, SIZE).xyxy.tolist() == [[0, 0, 20, 10], [90, 45, 110, 55]]


def test_labels_of_wrong_size_or_in_colour_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.png"
    cv2.imwrite(str(path), np.full((10, 20), 3, np.uint8))
    assert read_labels(path, (10, 20), "l").max() == 3
    with pytest.raises(ImageError, match="20×10"):
        read_labels(path, (20, 10), "l")
    cv2.imwrite(str(path), np.dstack([np.full((10, 20), v, np.uint8) for v in (1, 2, 3)]))
    with pytest.raises(ImageError, match="colours"):
        read_labels(path, (10, 20), "l")
    cv2.imwrite(str(path), np.full((10, 20, 3), 5, np.uint8))
    assert read_labels(path, (10, 20), "l").shape == (10, 20)


IDS = np.random.default_rng(3).integers(0, 9, (10, 20)).astype(np.uint8)


def palette_png(path: Any, ids: Any, bits: Any = 8) -> None:
    image = Image.fromarray(ids, "L").convert("P")
    image.putpalette([(i * 37) % 256 for i in range(3 * 2**bits)])
    image.save(path, bits=bits)


@pytest.mark.parametrize(
    "kind",
    [
        "grey",
        "16-bit png",
        "16-bit tif",
        "palette",
        "palette 4 bits",
        "grey palette",
        "8-bit tif",
        "lzw tif",
        "bmp",
        "lossless webp",
        "16-bit colour",
        "grey 4 bits",
        "alpha",
    ],
)
def test_labels_are_ids_and_never_scaled(tmp_path: Path, kind: Any) -> None:
    path = (
        tmp_path
        / f"l.{'tif' if 'tif' in kind else kind if kind == 'bmp' else 'webp' if 'webp' in kind else 'png'}"
    )
    if kind.startswith("16-bit colour"):
        cv2.imwrite(str(path), np.repeat(IDS[..., None], 3, 2).astype(np.uint16))
    elif kind.startswith("16-bit"):
        cv2.imwrite(str(path), IDS.astype(np.uint16))
    elif kind == "grey 4 bits":
        rows = b"".join(
            b"\0" + bytes((row[0::2] << 4 | row[1::2]).astype(np.uint8)) for row in IDS
        )  # two samples a byte
        path.write_bytes(png(20, 10, 4, 0, rows))
    elif "palette" in kind:
        palette_png(path, IDS, 4 if "4" in kind else 8)
        if kind == "grey palette":
            image = Image.open(path)
            image.putpalette([v for i in range(256) for v in ((i * 28) % 256,) * 3])
            image.save(path)
    elif kind == "alpha":
        Image.fromarray(np.dstack([IDS, np.full_like(IDS, 90)]), "LA").save(path)
    else:
        Image.fromarray(IDS).save(
            path, **({"compression": "tiff_lzw"} if "lzw" in kind else {"lossless": True})
        )
    assert np.array_equal(read_labels(path, (10, 20), "l", 9), IDS)


def png(width: Any, height: Any, depth: Any, colour: Any, rows: Any) -> Any:
    import struct
    import zlib

    def chunk(kind: Any, data: Any) -> Any:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_one_bit_labels_hold_the_ids_0_and_1(tmp_path: Path, suffix: Any) -> None:
    path = tmp_path / f"l.{suffix}"
    Image.fromarray(IDS > 4).save(path)
    assert np.array_equal(read_labels(path, (10, 20), "l", 2), IDS > 4)


def test_unknown_ids_and_lossy_labels_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "l.png"
    cv2.imwrite(str(path), IDS.astype(np.uint16) * 300)
    with pytest.raises(ImageError, match=r"l\.png: unknown class ids 300, 600, .*; ids go from 0 to 255"):
        read_labels(path, (10, 20), "l")
    cv2.imwrite(str(path), np.where(IDS == 0, 255, IDS))
    assert read_labels(path, (10, 20), "l", 9).max() == 255
    with pytest.raises(ImageError, match=r"unknown class ids 6, 7, 8; known are 0 to 5 \(255: ignored\)"):
        read_labels(path, (10, 20), "l", 6)
    for name in ("l.jpg", "l.webp"):
        Image.fromarray(IDS).save(tmp_path / name)
        with pytest.raises(ImageError, match=r"doesn't keep class ids"):
            read_labels(tmp_path / name, (10, 20), "l", 9)
