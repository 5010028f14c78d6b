"""Whether a JPEG holds all of its picture.

Decoders fill what is missing with grey and say nothing. They also ignore what stands behind a finished scan.
So a scan is complete if more data at its end changes no pixel.
"""

from __future__ import annotations

import io
import re

import numpy as np

from ..errors import ImageError

_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_END = b"\xff\xd9"
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length."""

# Any bytes without 0xff: an unfinished scan decodes them, a finished one doesn't.
_MORE = bytes(np.random.default_rng(1).integers(0, 255, 4096, np.uint8))


def check_complete(data: bytes, corner: np.ndarray, name: str) -> None:
    """Raise ``ImageError`` if the picture's end is missing.

    ``corner`` is the decoded lower right block, 8×8 or less. A cut sequential scan leaves it mid-grey; any
    other content of a file that has its end marker needs no second look. Data behind the picture is no fault.
    """
    end, progressive = _end_of_picture(data)
    grey = bool((np.abs(corner.astype(np.int16) - 128) <= 1).all())
    if end is not None and not progressive and not grey:
        return
    picture = data[: end if end is not None else len(data)]
    if not _same_pixels(picture + _END, picture + _MORE + _END):
        raise ImageError(f"{name}: the file is truncated (its end is missing); fetch or export it again")


def _end_of_picture(data: bytes) -> tuple[int | None, bool]:
    """Where the first picture's end marker stands (None if nowhere), and whether its scans are
    progressive."""
    position, progressive = 2, False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # fill
            position += 1
        elif marker == 0xD9:
            return position, progressive
        elif marker in _ALONE:
            position += 2
        else:
            progressive |= marker in {0xC2, 0xC6, 0xCA, 0xCE}
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            if marker == 0xDA:
                found = _MARKER_IN_SCAN.search(data, position)
                if found is None:
                    return None, progressive
                position = found.start()
    else:
        if data[position : position + 2] == _END:
            return position, progressive
    last = data.rfind(_END)
    return (last if last >= 0 else None), True  # segments that can't be followed: look twice


def _same_pixels(one: bytes, other: bytes) -> bool:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
            return np.array_equal(np.asarray(first), np.asarray(second))
    except Exception:  # whatever Pillow finds wrong with it
        return False
