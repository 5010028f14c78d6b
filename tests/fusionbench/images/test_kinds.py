"""Kinds of files that decoders read differently, or wrongly without a word: TIFF, orientation, palettes,
sizes, ends.
"""

from __future__ import annotations

import importlib.util
import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from fusionbench.errors import ImageError
from fusionbench.images.codec import decode_image, image_size, read_image
from fusionbench.images.header import read_header
from fusionbench.images.reading import Reading, reading_of

RNG = np.random.default_rng(11)
SMOOTH = np.asarray(Image.fromarray(RNG.integers(0, 256, (6, 8, 3), np.uint8)).resize((64, 48), 3))
GREY = np.ascontiguousarray(SMOOTH[..., 1])


def tiff(image: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "lzma"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_colour_in_every_arrangement(compression: str | None, planar: str) -> None:
    image = SMOOTH if planar == "contig" else np.moveaxis(SMOOTH, -1, 0)
    data = tiff(image, photometric="rgb", planarconfig=planar, compression=compression, rowsperstrip=16)
    assert np.array_equal(decode_image(data, "x"), SMOOTH)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_that_counts_from_white(compression: str | None) -> None:
    data = tiff(255 - GREY, photometric="miniswhite", compression=compression)
    assert np.array_equal(decode_image(data, "x"), GREY)
    assert np.array_equal(decode_image(data, "x"), np.asarray(Image.open(io.BytesIO(data))))
    deep = tiff(65535 - GREY.astype(np.uint16) * 257, photometric="miniswhite")
    assert np.array_equal(decode_image(deep, "x"), GREY)


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_tiff_alpha(compression: str | None) -> None:
    alpha = RNG.integers(0, 256, (48, 64, 1), np.uint8)
    rgba = np.concatenate([SMOOTH, alpha], 2)
    apart = tiff(rgba, photometric="rgb", extrasamples=["unassalpha"], compression=compression)
    assert np.array_equal(decode_image(apart, "x"), SMOOTH)
    multiplied = tiff(rgba, photometric="rgb", extrasamples=["assocalpha"], compression=compression)
    with pytest.raises(ImageError, match="x: its colours are multiplied with its alpha"):
        decode_image(multiplied, "x")
    rgba[..., 3] = 255
    opaque = tiff(rgba, photometric="rgb", extrasamples=["assocalpha"], compression=compression)
    assert np.array_equal(decode_image(opaque, "x"), SMOOTH)


def test_tiff_one_bit_palette_and_cmyk() -> None:
    bits = GREY > 127
    for compression in ("raw", "group4", "tiff_lzw"):
        data = saved(Image.fromarray(bits), "TIFF", compression=compression)
        assert np.array_equal(decode_image(data, compression), np.where(bits, 255, 0))
    palette = Image.fromarray(SMOOTH).quantize(16)
    for compression in ("raw", "tiff_lzw"):
        data = saved(palette, "TIFF", compression=compression)
        assert np.array_equal(decode_image(data, compression), np.asarray(palette.convert("RGB")))
    cmyk = saved(Image.fromarray(SMOOTH).convert("CMYK"), "TIFF")
    assert np.abs(decode_image(cmyk, "x").astype(int) - SMOOTH).max() <= 2


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_of_either_byte_order(byteorder: str, compression: str | None) -> None:
    deep = np.linspace(0, 65535, 48 * 64).round().astype(np.uint16).reshape(48, 64)
    for image, expected in ((GREY, GREY), (deep, np.rint(deep / 257)), (SMOOTH, SMOOTH)):
        photometric = "rgb" if image.ndim == 3 else "minisblack"
        data = tiff(image, byteorder=byteorder, compression=compression, photometric=photometric)
        assert np.array_equal(decode_image(data, "x"), expected)
        bigger = tiff(
            image, byteorder=byteorder, compression=compression, photometric=photometric, bigtiff=True
        )
        assert np.array_equal(decode_image(bigger, "x"), expected)


def test_tiff_that_needs_imagecodecs(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = np.repeat(np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64, 1), 3, 2)
    data = tiff(deep, photometric="rgb", compression="lzw")
    if importlib.util.find_spec("imagecodecs"):
        assert np.array_equal(decode_image(data, "x"), np.rint(deep / 257))
    monkeypatch.setattr("fusionbench.images.tiff._has_imagecodecs", lambda: False)
    with pytest.raises(ImageError, match=r"16-bit samples are compressed with LZW.*pip install imagecodecs"):
        decode_image(data, "x")


def test_tiff_kinds_that_are_refused_by_name() -> None:
    cases = {
        "holds 3 images": tiff(np.stack([GREY] * 3), photometric="minisblack"),
        "float32 samples": tiff(GREY.astype(np.float32)),
        "int16 samples": tiff(GREY.astype(np.int16)),
        "uint32 samples": tiff(GREY.astype(np.uint32)),
        "CIELAB": tiff(SMOOTH, photometric="cielab"),
    }
    for message, data in cases.items():
        with pytest.raises(ImageError, match=rf"^x: .*{message}"):
            decode_image(data, "x")


@pytest.mark.parametrize("compression", ["zlib", "lzw", "lzma"])
def test_damaged_strips_are_never_filled(compression: str) -> None:
    data = tiff(SMOOTH, photometric="rgb", compression=compression, rowsperstrip=8)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        offset, count = file.pages.first.dataoffsets[2], file.pages.first.databytecounts[2]
        place = file.pages.first.tags["StripByteCounts"].valueoffset + 2 * 2
    broken = bytearray(data)
    broken[offset : offset + count] = bytes(count)
    with pytest.raises(ImageError, match="x: can't be decoded"):
        decode_image(bytes(broken), "x")
    lost = bytearray(data)
    lost[place : place + 2] = bytes(2)
    with pytest.raises(ImageError, match="strip 3 of 6 lies outside the file"):
        decode_image(bytes(lost), "x")


def test_unknown_compression_is_no_black_image(shared: Path) -> None:
    folder = shared / "cases/18-store-plugins-downloads"
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder}")
    with pytest.raises(ImageError, match=r"tif-comp-unknown\.tif: can't be decoded"):
        read_image(folder / "tif-comp-unknown.tif")
    with pytest.raises(ImageError, match=r"png-palette-oob\.png: uses colour \d+ of a palette of 2"):
        read_image(folder / "png-palette-oob.png")
    with pytest.raises(ImageError, match=r"jpg-trunc-then-garbage-ffd9\.jpg: the file is truncated"):
        read_image(folder / "jpg-trunc-then-garbage-ffd9.jpg")


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_palette_index_out_of_range(kind: str) -> None:
    palette = Image.fromarray(RNG.integers(0, 2, (16, 16), np.uint8), "L").convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0])
    whole = bytearray(saved(palette, kind))
    assert np.array_equal(decode_image(bytes(whole), "x"), np.asarray(palette.convert("RGB")))
    if kind == "BMP":  # the pixels end the file
        whole[-5] = 200
    else:
        high = Image.fromarray(np.full((16, 16), 200, np.uint8), "L").convert("P")
        high.putpalette([i // 3 for i in range(768)])
        whole = bytearray(saved(high, "PNG"))
        start = whole.index(b"PLTE")
        length = int.from_bytes(whole[start - 4 : start], "big")
        import zlib

        chunk = b"PLTE" + bytes(whole[start + 4 : start + 10])
        whole[start - 4 : start + 8 + length] = b"\0\0\0\x06" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    with pytest.raises(ImageError, match="x: uses colour 200 of a palette of 2"):
        decode_image(bytes(whole), "x")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "LZW", "WEBP", "JPEG"])
def test_orientation_is_applied_alike_in_every_format(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain: dict[str, dict[str, object]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 95},
        "LZW": {"compression": "tiff_lzw"},
    }
    data = saved(Image.fromarray(SMOOTH), "TIFF" if kind == "LZW" else kind, exif=exif, **plain.get(kind, {}))
    with Image.open(io.BytesIO(data)) as image:
        from PIL import ImageOps

        image.load()  # Pillow turns a TIFF here, other formats below
        expected = np.asarray(ImageOps.exif_transpose(image))
    found = decode_image(data, "x")
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= (3 if kind == "JPEG" else 0)
    path = tmp_path / "x"
    path.write_bytes(data)
    assert image_size(path) == found.shape[:2]


def test_png_orientation_behind_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(SMOOTH), "PNG", exif=exif)
    start = data.index(b"eXIf") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    end = data.index(b"IEND") - 4
    late = data[:start] + data[start + length : end] + data[start : start + length] + data[end:]
    assert decode_image(late, "x").shape == (64, 48, 3)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_jpeg_cut_short_but_ended(progressive: bool, part: float) -> None:
    data = saved(
        Image.fromarray(RNG.integers(0, 256, (48, 64, 3), np.uint8)), "JPEG", progressive=progressive
    )
    for end in (b"\xff\xd9", b"xyz\xff\xd9trailing", b""):
        with pytest.raises(ImageError, match=r"x: the file is truncated|x: can't be decoded"):
            decode_image(data[: int(len(data) * part)] + end, "x")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}], ids=str)
def test_jpeg_whole_is_read_whatever_follows(options: dict[str, object]) -> None:
    grey_corner = SMOOTH.copy()
    grey_corner[16:, 16:] = 128
    for image in (SMOOTH, grey_corner, np.full((33, 17), 128, np.uint8)):
        data = saved(Image.fromarray(image), "JPEG", **options)
        expected = np.asarray(Image.open(io.BytesIO(data)))
        for tail in (b"", bytes(200_000), b"\xff\xd8\xff\xd9", RNG.bytes(70_000)):
            found = decode_image(data + tail, "x")
            assert np.abs(found.astype(int) - expected).max() <= 3


def test_trailing_bytes_and_wrong_size_fields_are_no_fault() -> None:
    for kind in ("PNG", "BMP", "WEBP", "TIFF"):
        data = saved(Image.fromarray(SMOOTH), kind, lossless=True)
        assert np.array_equal(decode_image(data + bytes(100_000), kind), SMOOTH)
    bmp = bytearray(saved(Image.fromarray(SMOOTH), "BMP"))
    for size in (0, 10**6, 2**32 - 1):
        bmp[2:6] = size.to_bytes(4, "little")
        assert np.array_equal(decode_image(bytes(bmp), "x"), SMOOTH)


def test_a_png_chunk_that_claims_gigabytes_costs_nothing() -> None:
    data = bytearray(saved(Image.fromarray(SMOOTH), "PNG"))
    start = data.index(b"IDAT") - 4
    data[start : start + 4] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(ImageError, match="x: the file is truncated"):
        decode_image(bytes(data), "x")


def test_animations_are_refused() -> None:
    frames = [Image.fromarray(SMOOTH), Image.fromarray(SMOOTH[::-1].copy())]
    for kind in ("PNG", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(ImageError, match="animation of 2 frames"):
            decode_image(data, "x")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_bombs_are_refused_before_they_are_decoded(kind: str) -> None:
    blank = Image.new("1", (12_000, 9_000))
    data = saved(blank, kind, **({"compression": "group4"} if kind == "TIFF" else {}))
    with pytest.raises(
        ImageError, match=r"x: has 12000×9000 = 108000000 pixels; at most 89478485.*max_pixels"
    ):
        decode_image(data, "x")
    small = saved(Image.new("1", (400, 300)), kind)
    with pytest.raises(ImageError, match="at most 1000 are decoded"):
        decode_image(small, "x", Reading(max_pixels=1000))
    assert decode_image(small, "x", Reading(max_pixels=120_000)).shape == (300, 400)


def test_the_limit_can_be_lifted() -> None:
    data = saved(Image.new("1", (9_500, 9_500)), "PNG")
    with pytest.raises(ImageError, match="max_pixels"):
        read_header(data, "x")
    assert read_header(data, "x", Reading(max_pixels=10**8)).size == (9_500, 9_500)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png: can't be read: it is a FIFO"):
        read_image(tmp_path / "a.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(ImageError, match="it is a device"):
        read_image(tmp_path / "zero.png")
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(10**9)
    with pytest.raises(ImageError, match=r"huge\.png: is 954 MiB large; at most 747 MiB"):
        read_image(tmp_path / "huge.png")


# --- sixteen bits ---


def sensor(bits: int) -> np.ndarray:
    ramp = np.linspace(0, 2**bits - 1, 48 * 64).round().astype(np.uint16).reshape(48, 64)
    return ramp


def png16(values: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", values if values.ndim == 2 else values[..., ::-1])[1])


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_a_sliver_of_sixteen_bits_is_refused_unless_its_bits_are_said(bits: int) -> None:
    for data in (png16(sensor(bits)), tiff(sensor(bits))):
        with pytest.raises(
            ImageError, match=rf"x: its 16-bit samples run from 0 to {2**bits - 1}, a sliver.*bits: {bits}"
        ):
            decode_image(data, "x")
        found = decode_image(data, "x", Reading(bits=str(bits)))
        assert np.array_equal(found, np.floor(sensor(bits) * (255 / (2**bits - 1)) + 0.5))
        assert (found.min(), found.max()) == (0, 255)
        for rule in ("minmax", "percentile"):
            assert len(np.unique(decode_image(data, "x", Reading(bits=rule)))) > 240


def test_raw_counts_far_from_zero() -> None:
    counts = (20_000 + sensor(10)).astype(np.uint16)
    with pytest.raises(ImageError, match="run from 20000 to 21023"):
        decode_image(png16(counts), "x")
    assert np.array_equal(np.unique(decode_image(png16(counts), "x", Reading(bits="minmax"))), np.arange(256))
    with pytest.raises(ImageError, match="holds the sample 21023, more than 12 bits can"):
        decode_image(png16(counts), "x", Reading(bits="12"))
    assert decode_image(png16(counts), "x", Reading(bits="16")).max() == 82


def test_true_and_widened_sixteen_bits_need_no_word() -> None:
    dark = (GREY // 4).astype(np.uint16)
    for values in (dark * 257, dark * 256):
        assert np.array_equal(decode_image(png16(values), "x"), dark)
    assert decode_image(png16(np.zeros((4, 4), np.uint16)), "x").max() == 0
    assert np.array_equal(decode_image(png16(sensor(16)), "x"), np.rint(sensor(16) / 257))


def test_bits_say_nothing_about_eight_bit_files() -> None:
    data = saved(Image.fromarray(GREY // 2), "PNG")
    for bits in ("12", "minmax", "percentile"):
        assert np.array_equal(decode_image(data, "x", Reading(bits=bits)), GREY // 2)


def test_packed_twelve_bits_are_known_from_the_file() -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    packed = imagecodecs.packints_encode(sensor(12).ravel(), 12)
    data = bytearray(tiff(np.zeros((48, 96), np.uint8)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tags = file.pages.first.tags
        data[tags["BitsPerSample"].valueoffset] = 12
        data[tags["ImageWidth"].valueoffset] = 64
        start = file.pages.first.dataoffsets[0]
    data[start : start + len(packed)] = packed
    assert np.array_equal(decode_image(bytes(data), "x"), np.floor(sensor(12) * (255 / 4095) + 0.5))


def test_options_are_checked() -> None:
    from fusionbench.errors import InputError

    assert reading_of({"bits": 12, "max_pixels": 10**9}, "folder") == Reading("12", 10**9)
    assert reading_of({}, "folder") == Reading()
    for options in ({"bits": "11"}, {"max_pixels": -1}, {"max_pixels": "many"}):
        with pytest.raises(InputError, match=r"^folder: "):
            reading_of(options, "folder")


def test_a_detector_that_replaces_pillows_open_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics.utils.patches", reason="needs the extra tasks")
    path = tmp_path / "a.png"
    path.write_bytes(b"no image at all")
    with pytest.raises(ImageError, match="can't be decoded"):
        read_image(path)
