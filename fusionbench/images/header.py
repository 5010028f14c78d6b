"""What an image file says of itself before it is decoded: format, size, frames, orientation."""

from __future__ import annotations

from ..errors import ImageError
from .pillow_file import ORIENTATION_TAG, TURNS_AND_MIRRORS, Header, opened
from .reading import AS_STORED, Reading
from .tiff import tiff_header

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF or BigTIFF of either byte order."""


def read_header(data: bytes, name: str, reading: Reading = AS_STORED) -> Header:
    """The header of an image file's bytes. Raises ``ImageError`` naming the file if it is empty, no image
    of a known format, an animation, or has more than ``reading.max_pixels`` pixels."""
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes); fetch or export it again")
    if data[:4] in TIFF_STARTS:  # Pillow can't open every kind of TIFF
        return tiff_header(data, name, reading)
    with opened(data, name, reading) as image:
        frames = getattr(image, "n_frames", 1) if image.format in {"PNG", "WEBP"} else 1
        if frames > 1:
            raise ImageError(
                f"{name}: is an animation of {frames} frames; save the one that is meant as an image"
            )
        # Pillow would decode a whole PNG to look for tags behind its pixels.
        tagged = image.format != "PNG" or bool(
            {"exif", "Raw profile type exif", "XML:com.adobe.xmp"} & set(image.info)
        )
        late = image.format == "PNG" and not tagged and b"eXIf" in data
        orientation = 1
        if tagged or late:
            try:
                orientation = int(image.getexif().get(ORIENTATION_TAG, 1))
            except Exception:  # damaged tags are no tags
                orientation = 1
        return Header(
            image.format or "",
            image.mode,
            image.height,
            image.width,
            orientation if orientation in TURNS_AND_MIRRORS else 1,
        )
