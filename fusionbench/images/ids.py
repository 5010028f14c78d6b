"""Label images: every sample is a class id, never a brightness. Nothing is scaled, resolved or averaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ImageError
from ..files.regular import read_regular
from .codec import check_sums, decode_samples, oriented
from .header import read_header
from .pillow_file import Header, opened
from .reading import AS_STORED, Reading
from .tiff import read_tiff

_HOW = "save the labels as a PNG with one channel of ids"


def read_ids(path: Path, reading: Reading = AS_STORED) -> npt.NDArray[Any]:
    """The class ids of a label image: H×W, uint8 or uint16.

    The index of a palette image is the id, whatever its colour. A 1-bit image holds the ids 0 and 1, a 2- or
    4-bit one 0 to 3 or 15. Colour files count if their channels are equal. Raises ``ImageError`` naming the
    file if it holds colours, was compressed with loss, or can't be read.
    """
    name = str(path)
    data = read_regular(path, reading.max_bytes, ImageError)
    header = read_header(data, name, reading)
    if header.format in {"JPEG", "MPO"} or (header.format == "WEBP" and b"VP8L" not in data[:64]):
        kind = "JPEG" if header.format != "WEBP" else "lossy WebP"
        raise ImageError(f"{name}: a {kind} doesn't keep class ids (its compression changes them); {_HOW}")
    if header.format == "TIFF":
        samples = read_tiff(data, name, reading)
        if samples.inverted:
            raise ImageError(f"{name}: is a TIFF that counts from white, so its ids can't be told; {_HOW}")
        ids, orientation = samples.values, samples.orientation
    else:
        ids, orientation = _stored(data, name, header, reading), header.orientation
    if ids.ndim == 3:
        if not ((ids[..., 0] == ids[..., 1]).all() and (ids[..., 1] == ids[..., 2]).all()):
            raise ImageError(f"{name}: holds colours, not class ids; {_HOW}")
        ids = np.ascontiguousarray(ids[..., 0])
    return oriented(ids, orientation)


def _stored(data: bytes, name: str, header: Header, reading: Reading) -> npt.NDArray[Any]:
    if header.mode not in {"1", "P", "PA"}:
        ids = decode_samples(data, name, header, reading)
        depth = data[24] if header.format == "PNG" else 8
        # Decoders widen the samples of 2- and 4-bit files to 0..255.
        return ids // (255 // (2**depth - 1)) if depth < 8 else ids
    check_sums(data, name)
    with opened(data, name, reading) as image:
        try:
            image.load()
        except Exception as error:
            raise ImageError(f"{name}: can't be decoded; it is damaged or truncated ({error})") from error
        return np.asarray(image).astype(np.uint8)
