"""Image files of every kind, and ways to damage them: the attack generators for the decoder."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import tifffile
from PIL import Image

Damage = Callable[[bytes, np.random.Generator], bytes]


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """A grey 40×56 and a colour 40×56×3 uint8 picture, smooth enough for JPEG and busy everywhere."""
    rng = np.random.default_rng(2)
    colour = np.asarray(Image.fromarray(rng.integers(0, 256, (10, 14, 3), np.uint8)).resize((56, 40), 3))
    return np.ascontiguousarray(colour[..., 1]), colour


def files() -> Iterator[tuple[str, bytes, np.ndarray]]:
    """(name, bytes, pixels) of a sound file of each kind."""
    grey, colour = pictures()
    for tone, image in (("grey", grey), ("rgb", colour)):
        for kind, options in (
            ("PNG", {}),
            ("BMP", {}),
            ("WEBP", {"lossless": True}),
            ("JPEG", {"quality": 95}),
            ("JPEG", {"quality": 80, "progressive": True}),
        ):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, kind, **options)
            expected = np.repeat(image[..., None], 3, 2) if kind == "WEBP" and image.ndim == 2 else image
            yield f"{kind}-{tone}-{len(options)}", buffer.getvalue(), expected
        for compression in (None, "zlib", "lzw", "packbits"):
            buffer = io.BytesIO()
            photometric = "rgb" if image.ndim == 3 else "minisblack"
            tifffile.imwrite(buffer, image, photometric=photometric, compression=compression, rowsperstrip=8)
            yield f"TIFF-{tone}-{compression}", buffer.getvalue(), image
    buffer = io.BytesIO()
    palette = Image.fromarray(colour).quantize(16)
    palette.save(buffer, "PNG")
    yield "PNG-palette", buffer.getvalue(), np.asarray(palette.convert("RGB"))


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of the file."""
    return data[: int(rng.integers(0, len(data) - 1))]


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four bytes changed."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        damaged[int(rng.integers(0, len(data)))] ^= int(rng.integers(1, 256))
    return bytes(damaged)


def blank(data: bytes, rng: np.random.Generator) -> bytes:
    """A stretch of zeros, as after a failed download."""
    start = int(rng.integers(0, len(data)))
    length = int(rng.integers(1, 400))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def lose(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes missing in the middle."""
    start = int(rng.integers(0, len(data)))
    return data[:start] + data[start + int(rng.integers(1, 200)) :]


def splice(data: bytes, rng: np.random.Generator) -> bytes:
    """Foreign bytes in the middle."""
    start = int(rng.integers(0, len(data)))
    return data[:start] + rng.bytes(int(rng.integers(1, 200))) + data[start:]


def header(data: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes in the first sixty-four, where sizes and kinds stand."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        damaged[int(rng.integers(2, min(64, len(data))))] = int(rng.integers(0, 256))
    return bytes(damaged)


DAMAGES: dict[str, Damage] = {d.__name__: d for d in (cut, flip, blank, lose, splice, header)}


def claiming(width: int, height: int) -> dict[str, bytes]:
    """Small files that claim so many pixels: what a decompression bomb looks like."""
    ihdr = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    body = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (ihdr, body, b"IEND")
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(c) - 4).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in chunks
    )
    bmp = bytearray(b"BM" + bytes(12) + (40).to_bytes(4, "little") + bytes(36))
    bmp[10] = 54
    bmp[18:22], bmp[22:26] = width.to_bytes(4, "little"), height.to_bytes(4, "little")
    bmp[26], bmp[28] = 1, 24
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((16, 16), np.uint8), compression="zlib")
    tiff = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(tiff))) as file:
        for tag, value in (("ImageWidth", width), ("ImageLength", height), ("RowsPerStrip", height)):
            found = file.pages.first.tags[tag]
            size = 2 if found.dtype == tifffile.DATATYPE.SHORT else 4
            tiff[found.valueoffset : found.valueoffset + size] = min(value, 2 ** (8 * size) - 1).to_bytes(
                size, "little"
            )
    return {"png": png, "bmp": bytes(bmp), "tif": bytes(tiff)}
