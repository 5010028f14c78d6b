"""The one image decoder and the one encoder.

Everywhere in fusionbench an image is uint8, H×W (grey) or H×W×3 (RGB, never BGR). Sixteen-bit samples become
eight by ``depth.to_eight_bits``, alpha is dropped, palettes are resolved, CMYK becomes RGB, and the
orientation tag of every format is applied, as viewers and ``cv2.imread`` do. What can't be read for certain
is refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ImageError
from ..files.atomic import write_atomic
from ..files.regular import read_regular
from .depth import to_eight_bits
from .header import read_header
from .jpeg import check_complete
from .pillow_file import Header, opened
from .png import check_chunks
from .reading import AS_STORED, Reading
from .tiff import read_tiff

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""File name endings taken for images, lower case."""

# Decode errors are reported by us, with the file's name.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
cv2.setNumThreads(1)  # images are the unit of parallelism; nested threads only fight each other


def read_image(path: Path | str, reading: Reading = AS_STORED) -> UInt8Array:
    """Decode an image file to uint8, H×W or H×W×3 RGB.

    Raises ``ImageError`` naming the file if it is missing, no file, empty, truncated, larger than ``reading``
    allows, not an image, or of a kind whose eight-bit samples aren't certain (floats, 16 bits that use a
    sliver of their range).
    """
    path = Path(path)
    return decode_image(read_regular(path, reading.max_bytes, ImageError), str(path), reading)


def decode_image(data: bytes, name: str, reading: Reading = AS_STORED) -> UInt8Array:
    """Decode an image from the bytes of its file; ``name`` is used in error messages. See ``read_image``."""
    header = read_header(data, name, reading)
    orientation, bits = header.orientation, 16
    if header.format == "TIFF":
        samples = read_tiff(data, name, reading)
        values, bits, orientation = samples.values, samples.bits, samples.orientation
        if samples.palette is not None:
            values, bits = _resolved(values, samples.palette, name), 8
        elif bits < 8:
            values = values * np.uint8(255 // (2**bits - 1))
    else:
        values = decode_samples(data, name, header, reading)
    if values.dtype == np.uint16:
        values = to_eight_bits(values, name, reading.bits, bits)
    return oriented(np.asarray(values, np.uint8), orientation)


def decode_samples(data: bytes, name: str, header: Header, reading: Reading) -> npt.NDArray[Any]:
    """The samples of any format but TIFF as stored, without alpha: H×W or H×W×3 RGB, uint8 or uint16 (not
    scaled); palettes resolved. Raises ``ImageError``."""
    if header.format == "PNG":
        check_chunks(data, name)
    if header.mode in {"P", "PA"} or header.format in {"BMP", "DIB"}:
        return _by_pillow(data, name, reading)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError) as error:
        raise ImageError(f"{name}: can't be decoded ({str(error).strip()})") from error
    if image is None:
        raise ImageError(
            f"{name}: the file is truncated or damaged; it can't be decoded. Fetch or export it again"
        )
    if image.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"{name}: has {image.dtype} samples; convert it to 8- or 16-bit integers first")
    if image.shape[:2] != (header.height, header.width):
        raise ImageError(
            f"{name}: its header says {header.width}×{header.height}, its pixels are {_size(image)}"
        )
    if header.format in {"JPEG", "MPO"}:
        check_complete(data, image[-8:, -8:], name)
    if image.ndim == 2:
        return image
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    if image.shape[2] in (3, 4):
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGB)
    raise ImageError(f"{name}: has {image.shape[2]} channels; expected grey, RGB or RGBA")


def _by_pillow(data: bytes, name: str, reading: Reading) -> UInt8Array:
    """Palette images, and BMP: Pillow refuses what is cut, and tells indices from colours."""
    check_sums(data, name)
    with opened(data, name, reading) as image:
        try:
            image.load()
            if image.mode in {"P", "PA"}:
                colours = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
                indices = np.asarray(image if image.mode == "P" else image.getchannel(0))
                return _resolved(indices, colours, name)
            return np.asarray(image if image.mode in {"L", "RGB"} else image.convert(_plain_mode(image.mode)))
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(
                f"{name}: the file is truncated or damaged; it can't be decoded ({error}). Fetch or export "
                "it again"
            ) from error


def check_sums(data: bytes, name: str) -> None:
    """Raise ``ImageError`` if a PNG is damaged: Pillow doesn't look at the checksums of pixel data, OpenCV
    does."""
    if not data.startswith(b"\x89PNG"):
        return
    try:
        check_chunks(data, name)
        whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None
    except (cv2.error, MemoryError):
        whole = False
    if not whole:
        raise ImageError(
            f"{name}: the file is truncated or damaged; it can't be decoded. Fetch or export it again"
        )


def _plain_mode(mode: str) -> str:
    return "L" if mode in {"1", "L", "LA"} else "RGB"


def _resolved(indices: npt.NDArray[Any], colours: npt.NDArray[np.uint8], name: str) -> UInt8Array:
    highest = int(indices.max())
    if highest >= len(colours):
        raise ImageError(
            f"{name}: uses colour {highest} of a palette of {len(colours)}; it is damaged, readers disagree "
            "on such pixels"
        )
    return np.asarray(colours[indices], np.uint8)


def oriented(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """The picture upright, by the value of its orientation tag (TIFF tag 274, EXIF): 1 to 8."""
    if orientation == 1:
        return image
    if orientation >= 5:
        image = np.swapaxes(image, 0, 1)
    if orientation in {2, 3, 6, 7}:
        image = image[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    return np.ascontiguousarray(image)


def _size(image: npt.NDArray[Any]) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"


def image_size(path: Path, reading: Reading = AS_STORED) -> tuple[int, int]:
    """(height, width) of an image file as it will be decoded, from its header alone. Raises
    ``ImageError``."""
    return read_header(read_regular(path, reading.max_bytes, ImageError), str(path), reading).size


def turned(path: Path, reading: Reading = AS_STORED) -> bool:
    """Whether an image file's orientation tag turns or mirrors its picture. Raises ``ImageError``."""
    data = read_regular(path, reading.max_bytes, ImageError)
    return read_header(data, str(path), reading).orientation != 1


def read_grey(path: Path | str, reading: Reading = AS_STORED) -> UInt8Array:
    """Decode an image as one channel (infrared): H×W uint8. Colour files give their luma; equal channels
    give the samples."""
    return as_grey(read_image(path, reading))


def read_rgb(path: Path | str, reading: Reading = AS_STORED) -> UInt8Array:
    """Decode an image as colour (visible): H×W×3 uint8 RGB. Grey files are repeated to three channels."""
    return as_rgb(read_image(path, reading))


def as_grey(image: UInt8Array) -> UInt8Array:
    """H×W or H×W×3 uint8 → H×W uint8: the samples where the channels are equal, else OpenCV's rounded
    luma."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def as_rgb(image: UInt8Array) -> UInt8Array:
    """H×W or H×W×3 uint8 → H×W×3 uint8."""
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


PNG_COMPRESSION = 1
"""zlib level of fused images. Level 1 with OpenCV's default filters costs a few per cent in size and saves
most of the encoding time."""


def encode_png(image: UInt8Array) -> bytes:
    """Encode uint8 H×W or H×W×3 RGB as PNG; the same pixels always give the same bytes."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    if not ok:
        raise ImageError(f"an image of shape {image.shape} can't be encoded as PNG")
    return bytes(data)


LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
"""Endings of formats that ``encode_image`` writes: those that keep every pixel."""


def encode_image(image: UInt8Array, suffix: str) -> bytes:
    """Encode uint8 H×W or H×W×3 RGB in the format of a file name ending, one of ``LOSSLESS``. Raises
    ``ImageError``."""
    if suffix.lower() == ".png":
        return encode_png(image)
    if suffix.lower() not in LOSSLESS:
        raise ImageError(f"{suffix}: images are written as {', '.join(LOSSLESS)}")
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(suffix.lower(), bgr)
    if not ok:
        raise ImageError(f"an image of shape {image.shape} can't be encoded as {suffix}")
    return bytes(data)


def write_png(path: Path, image: UInt8Array) -> None:
    """Write a PNG atomically. Raises ``StoreError`` if the disk is full or the folder can't be written."""
    write_atomic(path, encode_png(image))


def check_same_size(infrared: npt.NDArray[Any], visible: npt.NDArray[Any], name: str) -> None:
    """Raise ``ImageError`` unless both images of a pair have the same height and width."""
    if infrared.shape[:2] != visible.shape[:2]:
        sizes = " and ".join(f"{a.shape[1]}×{a.shape[0]}" for a in (infrared, visible))
        raise ImageError(
            f"{name}: infrared and visible differ in size ({sizes}); fusion needs registered pairs of one "
            "size"
        )
