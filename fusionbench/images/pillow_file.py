"""An image file as Pillow opens it: its header read, its pixels not yet."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import ImageError
from .reading import Reading

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP")
"""Pillow's names of the formats that are read. It calls a JPEG with further pictures behind the first one
MPO."""

ORIENTATION_TAG = 0x0112
TURNS_AND_MIRRORS = range(2, 9)
"""Values of the orientation tag under which stored rows and columns aren't the picture's."""


@dataclass(frozen=True)
class Header:
    """``height`` and ``width`` are those of the stored samples, before the orientation is applied."""

    format: str
    mode: str
    height: int
    width: int
    orientation: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture as it is shown."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)


@cache
def _pillow() -> tuple[Any, type[Exception]]:
    from PIL import Image, UnidentifiedImageError

    # Our limit is Pillow's, and we say it with the file's name.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    return Image, UnidentifiedImageError


def _plain_open(Image: Any) -> Any:
    """Pillow's own ``open``. ultralytics replaces it by one that installs a package when a file can't be identified."""
    return getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)


@contextmanager
def opened(data: bytes, name: str, reading: Reading) -> Iterator[Any]:
    """The file as Pillow opens it: header read, pixels not yet. Raises as ``read_header`` does."""
    Image, UnidentifiedImageError = _pillow()
    if Image.MAX_IMAGE_PIXELS is not None and reading.max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = reading.max_pixels  # for the whole process: Pillow knows no other way
    Image.preinit()  # the usual formats; without it, Image.open imports all that Pillow knows
    try:
        image = _plain_open(Image)(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(too_large(name, f"over {2 * reading.max_pixels}", reading)) from None
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        IndexError,
    ) as error:
        raise ImageError(
            f"{name}: can't be decoded; it is damaged or not a PNG, JPEG, BMP, TIFF or WebP image"
        ) from error
    with image:
        pixels = image.width * image.height
        if pixels > reading.max_pixels:
            raise ImageError(too_large(name, f"{image.width}×{image.height} = {pixels}", reading))
        yield image


def too_large(name: str, pixels: str, reading: Reading) -> str:
    """What is said of an image with too many ``pixels``."""
    return (
        f"{name}: has {pixels} pixels; at most {reading.max_pixels} are decoded, because small files can "
        "claim huge "
        "images; if it is meant, raise the option max_pixels (--option NAME.max_pixels=…, in score "
        "--max-pixels): fusing takes about 90 bytes of memory per pixel. Else cut the pair into smaller ones"
    )
