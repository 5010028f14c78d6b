"""TIFF: the samples as the file means them, or a reason. One file format, hundreds of ways to write it.

tifffile says what a file holds and decodes what needs no codec of its own; Pillow decodes the compressed
eight-bit kinds, strictly; imagecodecs, where it is installed, the rest (compressed 16-bit colour, packed 10
to 14 bits).
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import ImageError
from .pillow_file import ORIENTATION_TAG, TURNS_AND_MIRRORS, Header, opened, too_large
from .reading import AS_STORED, Reading

BLACK_IS_ZERO, RGB, PALETTE = 1, 2, 3
WHITE_IS_ZERO, CMYK, YCBCR = 0, 5, 6
_KNOWN_KINDS = {WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR}
_PREMULTIPLIED = 1
_WITHOUT_CODEC = {1, 8, 32946, 34925}
"""Compressions that tifffile undoes by itself and checks: none, deflate (both numbers), LZMA."""

_UNKNOWN_TO_PILLOW = b"MM\0+"
"""How a BigTIFF of the other byte order begins."""

logging.getLogger("tifffile").addHandler(
    logging.NullHandler()
)  # what matters is said by us, with the file's name


@dataclass(frozen=True)
class Samples:
    """``values``: H×W or H×W×3, uint8 or uint16, in the file's own integers of ``bits`` bits (1 to 16).
    ``palette``: N×3 uint8 colours where the values are indices into them. ``inverted``: the file counts
    from white."""

    values: npt.NDArray[Any]
    bits: int
    palette: npt.NDArray[np.uint8] | None = None
    inverted: bool = False
    orientation: int = 1


def read_tiff(data: bytes, name: str, reading: Reading = AS_STORED) -> Samples:
    """The samples of the one image in a TIFF (its header was read and its size is allowed), without alpha;
    CMYK and YCbCr as RGB.

    Raises ``ImageError`` naming the file if it is damaged anywhere, holds several images, or is of a kind
    whose samples can't be told (float, premultiplied alpha, CIELAB, an unknown compression, …).
    """
    return _inspected(data, name, lambda page: _read(page, data, name, reading))


def tiff_header(data: bytes, name: str, reading: Reading = AS_STORED) -> Header:
    """Size and orientation of the one image in a TIFF. Raises ``ImageError`` as ``read_tiff`` does."""

    def header(page: Any) -> Header:
        height, width = int(page.imagelength), int(page.imagewidth)
        if height * width > reading.max_pixels:
            raise ImageError(too_large(name, f"{width}×{height} = {height * width}", reading))
        return Header("TIFF", "", height, width, _orientation(page))

    return _inspected(data, name, header)


_Result = TypeVar("_Result")


def _inspected(data: bytes, name: str, look: Callable[[Any], _Result]) -> _Result:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return look(_only_page(file, name))
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name}: the TIFF claims more than fits into memory; it is damaged") from error
    except Exception as error:  # damaged files raise whatever the damage leads to
        raise ImageError(
            f"{name}: can't be decoded; it is damaged or not a TIFF ({_short(error)})"
        ) from error


def _orientation(page: Any) -> int:
    value = page.tags.valueof(ORIENTATION_TAG, default=1)
    return int(value) if value in TURNS_AND_MIRRORS else 1


def _only_page(file: Any, name: str) -> Any:
    pages = [page for page in file.pages[:64] if not (page.is_reduced or page.is_mask)]
    if len(pages) != 1:
        several = f"{len(pages)} images" if len(pages) < 64 else "64 images or more"
        count = several if pages else "no image"
        raise ImageError(f"{name}: the TIFF holds {count}; save the one that is meant in a file of its own")
    return pages[0]


def _read(page: Any, data: bytes, name: str, reading: Reading) -> Samples:
    kind, bits, compression = int(page.photometric), page.bitspersample, int(page.compression)
    if isinstance(bits, tuple) or int(page.sampleformat) != 1 or bits > 16:
        held = page.dtype or f"{bits}-bit"
        raise ImageError(f"{name}: has {held} samples; convert it to 8- or 16-bit integers first")
    extra = [int(e) for e in page.extrasamples]
    if kind not in _KNOWN_KINDS or page.samplesperpixel - len(extra) not in {1, 3, 4} or page.imagedepth != 1:
        raise ImageError(
            f"{name}: is a TIFF of a kind that isn't read ({getattr(page.photometric, 'name', kind)}, "
            f"{page.samplesperpixel} samples per pixel); save it as grey or RGB"
        )
    _check_segments(page, len(data), name)
    plain = compression in _WITHOUT_CODEC and bits in {1, 8, 16} and kind not in {CMYK, YCBCR}
    if plain:
        values = _by_tifffile(page)
    elif not data.startswith(_UNKNOWN_TO_PILLOW) and (
        bits <= 8 or (bits == 16 and page.samplesperpixel == 1 and kind == BLACK_IS_ZERO)
    ):
        return _by_pillow(data, name, reading, bits, extra, kind)
    elif _has_imagecodecs():
        values = _by_tifffile(page)
    else:
        how = f"compressed with {page.compression.name}" if compression != 1 else f"packed into {bits} bits"
        raise ImageError(
            f"{name}: its {bits}-bit samples are {how}, which needs one more package: pip install "
            "imagecodecs; "
            "or save the file uncompressed"
        )
    values = _without_alpha(values, extra, bits, name)
    if kind == WHITE_IS_ZERO:
        values = (2**bits - 1 - values).astype(values.dtype)
    palette = _palette(page, name) if kind == PALETTE else None
    return Samples(values, bits, palette, kind == WHITE_IS_ZERO, _orientation(page))


def _check_segments(page: Any, length: int, name: str) -> None:
    """Raise ``ImageError`` unless every strip or tile is there: tifffile fills missing ones with zeros."""
    wanted = math.prod(page.chunked)
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) < wanted or len(counts) < wanted:
        raise ImageError(
            f"{name}: the TIFF lists {min(len(offsets), len(counts))} of its {wanted} strips; it is damaged"
        )
    for number, (offset, count) in enumerate(zip(offsets[:wanted], counts[:wanted], strict=True), 1):
        if offset <= 0 or count <= 0 or offset + count > length:
            raise ImageError(
                f"{name}: can't be decoded; strip {number} of {wanted} lies outside the file: it is "
                "truncated or damaged"
            )


def _by_tifffile(page: Any) -> npt.NDArray[Any]:
    values = page.asarray(maxworkers=1)
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if values.ndim == 3 and int(page.planarconfig) == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values, 0, -1)
    expected = (page.imagelength, page.imagewidth)
    if values.shape[:2] != expected:
        raise ValueError(f"its samples have the shape {values.shape}")
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))


def _by_pillow(data: bytes, name: str, reading: Reading, bits: int, extra: list[int], kind: int) -> Samples:
    with opened(data, name, reading) as image:
        if kind in {CMYK, YCBCR}:
            image = image.convert("RGB")
            extra = []
        image.load()  # turns the picture as its orientation says
        palette = None
        if image.mode == "P":
            palette = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        values = np.asarray(image)
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype == bool:
        values = values.astype(np.uint8)
    elif bits in {2, 4} and palette is None:
        values = values // (255 // (2**bits - 1))
    if values.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"{name}: has {values.dtype} samples; convert it to 8- or 16-bit integers first")
    values = _without_alpha(values, extra, bits, name)
    return Samples(values, bits, palette, kind == WHITE_IS_ZERO)


def _without_alpha(values: npt.NDArray[Any], extra: list[int], bits: int, name: str) -> npt.NDArray[Any]:
    if values.ndim == 2:
        return values
    if _PREMULTIPLIED in extra and (values[..., -1] != 2**bits - 1).any():
        raise ImageError(
            f"{name}: its colours are multiplied with its alpha channel, so the picture itself isn't in the "
            "file; "
            "save it without alpha"
        )
    values = values[..., : 3 if values.shape[2] >= 3 else 1]
    return np.ascontiguousarray(values[..., 0] if values.shape[2] == 1 else values)


def _palette(page: Any, name: str) -> npt.NDArray[np.uint8]:
    colours = page.colormap
    if colours is None:
        raise ImageError(f"{name}: has palette indices but no palette; it is damaged")
    colours = np.asarray(colours).reshape(3, -1).T
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)


def _has_imagecodecs() -> bool:
    from importlib.util import find_spec

    return find_spec("imagecodecs") is not None


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
