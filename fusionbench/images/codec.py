"""The one image decoder, the grey conversions, and the one encoder.

Everywhere in fusionbench an image is uint8, H×W (grey) or H×W×3 (RGB, never BGR). Sixteen-bit files are scaled by 1/257 and
rounded, alpha is dropped, CMYK is converted by the decoder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ImageError
from ..files.atomic import write_atomic

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""File name endings taken for images, lower case."""

# Decode errors are reported by us, with the file's name.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
cv2.setNumThreads(1)  # images are the unit of parallelism; nested threads only fight each other


def read_image(path: Path | str) -> UInt8Array:
    """Decode an image file to uint8, H×W or H×W×3 RGB.

    Raises ``ImageError`` naming the file if it is missing, empty, truncated, not an image, or of a type that has no
    defined conversion to eight bits (floating point).
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except OSError as error:
        raise ImageError(
            f"{path}: can't be read ({error.strerror or error}); check its permissions"
        ) from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> UInt8Array:
    """Decode an image from the bytes of its file; ``name`` is used in error messages. See ``read_image``."""
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes); fetch or export it again")
    if _is_truncated(data):
        raise ImageError(f"{name}: the file is truncated (its end is missing); fetch or export it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"{name}: can't be decoded ({error})") from error
    if image is None:
        raise ImageError(
            f"{name}: can't be decoded; it is damaged or not a PNG, JPEG, BMP, TIFF or WebP image"
        )
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif image.dtype != np.uint8:
        raise ImageError(f"{name}: has {image.dtype} samples; convert it to 8- or 16-bit integers first")
    if image.ndim == 2:
        return np.asarray(image, np.uint8)
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    if image.shape[2] in (3, 4):
        code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGB
        return np.asarray(cv2.cvtColor(image, code), np.uint8)
    raise ImageError(f"{name}: has {image.shape[2]} channels; expected grey, RGB or RGBA")


def _is_truncated(data: bytes) -> bool:
    """Whether the file's end is missing, for the formats whose decoders would silently fill the gap."""
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-4096:]
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in data[-65536:]
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if data.startswith(b"BM") and len(data) >= 6:
        return int.from_bytes(data[2:6], "little") > len(data)
    return False


def read_grey(path: Path | str) -> UInt8Array:
    """Decode an image as one channel (infrared): H×W uint8. Colour files give their luma; equal channels give the samples."""
    return as_grey(read_image(path))


def read_rgb(path: Path | str) -> UInt8Array:
    """Decode an image as colour (visible): H×W×3 uint8 RGB. Grey files are repeated to three channels."""
    return as_rgb(read_image(path))


def as_grey(image: UInt8Array) -> UInt8Array:
    """H×W or H×W×3 uint8 → H×W uint8: the samples where the channels are equal, else OpenCV's rounded luma."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def as_rgb(image: UInt8Array) -> UInt8Array:
    """H×W or H×W×3 uint8 → H×W×3 uint8."""
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


PNG_COMPRESSION = 1
"""zlib level of fused images. Level 1 with OpenCV's default filters costs a few per cent in size and saves most of the encoding time."""


def encode_png(image: UInt8Array) -> bytes:
    """Encode uint8 H×W or H×W×3 RGB as PNG; the same pixels always give the same bytes."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    if not ok:
        raise ImageError(f"an image of shape {image.shape} can't be encoded as PNG")
    return bytes(data)


def write_png(path: Path, image: UInt8Array) -> None:
    """Write a PNG atomically. Raises ``StoreError`` if the disk is full or the folder can't be written."""
    write_atomic(path, encode_png(image))


def check_same_size(infrared: npt.NDArray[Any], visible: npt.NDArray[Any], name: str) -> None:
    """Raise ``ImageError`` unless both images of a pair have the same height and width."""
    if infrared.shape[:2] != visible.shape[:2]:
        sizes = " and ".join(f"{a.shape[1]}×{a.shape[0]}" for a in (infrared, visible))
        raise ImageError(
            f"{name}: infrared and visible differ in size ({sizes}); fusion needs registered pairs of one size"
        )
