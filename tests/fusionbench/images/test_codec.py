"""The decoder: every format, depth and colour type it promises, and files that are broken."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fusionbench.errors import ImageError
from fusionbench.images.codec import (
    as_grey,
    as_rgb,
    decode_image,
    encode_png,
    read_grey,
    read_image,
    read_rgb,
    write_png,
)

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (24, 31), np.uint8)
RGB = RNG.integers(0, 256, (24, 31, 3), np.uint8)
SMOOTH = np.asarray(Image.fromarray(RGB[:6, :8]).resize((64, 48), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "webp", "PNG"])
@pytest.mark.parametrize("image", [GREY, RGB], ids=["grey", "rgb"])
def test_lossless_formats_keep_every_sample(tmp_path: Path, suffix: str, image: np.ndarray) -> None:
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(image).save(path, lossless=True)  # Pillow writes, OpenCV reads
    expected = as_rgb(image) if suffix == "webp" else image  # WebP knows no grey
    assert np.array_equal(read_image(path), expected)
    assert np.array_equal(read_rgb(path), as_rgb(image))


@pytest.mark.parametrize("image", [SMOOTH[..., 1], SMOOTH], ids=["grey", "rgb"])
def test_jpeg(tmp_path: Path, image: np.ndarray) -> None:
    path = tmp_path / "image.jpg"
    Image.fromarray(image).save(path, quality=95, subsampling=0)
    found = read_image(path)
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).mean() < 3


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    Image.fromarray(SMOOTH).convert("CMYK").save(path, quality=95)
    found = read_image(path)
    assert found.shape == SMOOTH.shape
    assert np.abs(found.astype(int) - SMOOTH).mean() < 6


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("shape", [(24, 31), (24, 31, 3)], ids=["grey", "rgb"])
def test_sixteen_bits_are_scaled_and_rounded(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    deep = RNG.integers(0, 65536, shape, np.uint16)
    path = tmp_path / f"image.{suffix}"
    assert cv2.imwrite(str(path), deep if deep.ndim == 2 else deep[..., ::-1])
    assert np.array_equal(read_image(path), np.rint(deep / 257).astype(np.uint8))


def test_eight_bits_widened_to_sixteen_come_back(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    cv2.imwrite(str(path), GREY.astype(np.uint16) * 257)
    assert np.array_equal(read_grey(path), GREY)


def test_alpha_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    alpha = RNG.integers(0, 256, (24, 31, 1), np.uint8)
    Image.fromarray(np.concatenate([RGB, alpha], 2)).save(path)
    assert np.array_equal(read_image(path), RGB)
    Image.fromarray(np.stack([GREY, alpha[..., 0]], 2), "LA").save(path)
    assert np.array_equal(read_grey(path), GREY)


def test_palettes_are_resolved(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    palette = Image.fromarray(SMOOTH).quantize(16)
    palette.save(path)
    assert np.array_equal(read_image(path), np.asarray(palette.convert("RGB")))


def test_one_bit_images(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(GREY > 127).save(path)
    assert np.array_equal(read_grey(path), np.where(GREY > 127, 255, 0))


def test_png_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    for image in (GREY, RGB, np.zeros((1, 1), np.uint8), np.full((3, 2, 3), 255, np.uint8)):
        write_png(tmp_path / "x" / "image.png", image)
        assert np.array_equal(read_image(tmp_path / "x" / "image.png"), image)
        assert encode_png(image) == encode_png(image.copy())
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


def test_colour_infrared_gives_its_luma() -> None:
    grey = np.repeat(GREY[..., None], 3, axis=2)
    assert np.array_equal(as_grey(grey), GREY)
    assert np.abs(as_grey(RGB) - RGB @ [0.299, 0.587, 0.114]).max() <= 0.51


def encoded(image: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused_by_name(kind: str, part: float) -> None:
    data = encoded(RGB, kind)
    with pytest.raises(ImageError, match=r"^broken\.img: .*(truncated|can't be decoded)"):
        decode_image(data[: int(len(data) * part)], "broken.img")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "can't be decoded; it is damaged or not a PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64 + b"IEND", "can't be decoded"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=f"x: {message}"):
        decode_image(data, "x")


def test_floating_point_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    cv2.imwrite(str(path), GREY.astype(np.float32))
    with pytest.raises(ImageError, match=r"image\.tif: has float32 samples; convert it"):
        read_image(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(ImageError, match="can't be read"):
        read_image(tmp_path)
