"""The one image decoder, the grey conversions, and the one encoder.

Everywhere in fusionbench an image is uint8, H×W (grey) or H×W×3 (RGB, never BGR). Sixteen-bit files are scaled by 1/257 and
rounded, alpha is dropped, CMYK is converted by the decoder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .errors import ImageError, StoreError

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


def _luma_float(rgb: UInt8Array) -> FloatArray:
    """BT.601 luma in float32, 0..255, unrounded."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY), np.float32)


def _luma_fixed(
    red: int, green: int, blue: int, shift: int, offset: int
) -> Callable[[UInt8Array], FloatArray]:
    def convert(rgb: UInt8Array) -> FloatArray:
        wide = rgb.astype(np.int32)
        luma = (red * wide[..., 0] + green * wide[..., 1] + blue * wide[..., 2] + offset) >> shift
        return luma.astype(np.float32)

    return convert


def _luma_opencv_flag(rgb: UInt8Array) -> FloatArray:
    """What reading a colour PNG with OpenCV's greyscale flag gives (libpng's truncating conversion)."""
    luma = _luma_fixed(9797, 19234, 3737, 15, 0)(rgb)
    equal = (rgb[..., 0] == rgb[..., 1]) & (rgb[..., 1] == rgb[..., 2])
    return np.where(equal, rgb[..., 0], luma).astype(np.float32)


def _luma_pillow_ycbcr(rgb: UInt8Array) -> FloatArray:
    """Pillow's YCbCr Y: 6-bit tables, each term rounded before the sum."""
    levels = np.arange(256)
    tables = [np.round(64 * weight * levels).astype(np.int32) for weight in (0.299, 0.587, 0.114)]
    return ((tables[0][rgb[..., 0]] + tables[1][rgb[..., 1]] + tables[2][rgb[..., 2]]) >> 6).astype(
        np.float32
    )


def _luma_truncated(rgb: UInt8Array) -> FloatArray:
    """BT.601 luma as a matrix product in double precision, truncated. The last bit decides: white becomes 254."""
    weights = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
    luma = np.dot(rgb.astype(np.float64), weights.T)[..., 0]
    return np.asarray(np.trunc(np.clip(luma, 0, 255)), np.float32)


def _luma_pillow_round_trip(rgb: UInt8Array) -> FloatArray:
    """Unrounded luma of what Pillow's RGB → YCbCr → RGB round trip leaves of a colour image."""
    from PIL import Image

    there_and_back = np.asarray(Image.fromarray(rgb).convert("YCbCr").convert("RGB"), np.float64)
    return np.asarray(there_and_back @ np.array([0.299, 0.587, 0.114]), np.float32)


def _luma_studio(rgb: UInt8Array) -> FloatArray:
    """A studio-range luma with 0.564 for green where the standard has 0.504 (PIAFusion's coefficients)."""
    weights = np.array([0.257, 0.564, 0.098], np.float32)
    return np.asarray(rgb.astype(np.float32) @ weights + np.float32(16), np.float32)


GREY_CONVERSIONS: dict[str, Callable[[UInt8Array], FloatArray]] = {
    "bt601": _luma_float,
    "bt601-rounded": lambda rgb: np.rint(_luma_float(rgb)),
    "opencv": lambda rgb: np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32),
    "opencv-flag": _luma_opencv_flag,
    "pillow": _luma_fixed(19595, 38470, 7471, 16, 32768),
    "pillow-ycbcr": _luma_pillow_ycbcr,
    "pillow-round-trip": _luma_pillow_round_trip,
    "truncated": _luma_truncated,
    "piafusion": _luma_studio,
}
"""How a method's grey or luma input is made from RGB: name → H×W×3 uint8 → H×W float32 in 0..255."""


def to_grey(rgb: UInt8Array, conversion: str = "bt601") -> FloatArray:
    """Convert H×W×3 uint8 RGB to H×W float32 in 0..255 by a named conversion of ``GREY_CONVERSIONS``."""
    try:
        convert = GREY_CONVERSIONS[conversion]
    except KeyError:
        raise ImageError(
            f"unknown grey conversion {conversion!r}; known: {', '.join(GREY_CONVERSIONS)}"
        ) from None
    return convert(rgb)


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


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all: temporary file beside it, fsync, rename.

    Raises ``StoreError`` with the reason; the temporary file is removed.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another place, then run the same "
            f"command again: what is finished is kept"
        ) from error


def check_same_size(infrared: npt.NDArray[Any], visible: npt.NDArray[Any], name: str) -> None:
    """Raise ``ImageError`` unless both images of a pair have the same height and width."""
    if infrared.shape[:2] != visible.shape[:2]:
        sizes = " and ".join(f"{a.shape[1]}×{a.shape[0]}" for a in (infrared, visible))
        raise ImageError(
            f"{name}: infrared and visible differ in size ({sizes}); fusion needs registered pairs of one size"
        )
