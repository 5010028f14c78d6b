"""Whether the chunks of a PNG fit into its file."""

from __future__ import annotations

from ..errors import ImageError


def check_chunks(data: bytes, name: str) -> None:
    """Raise ``ImageError`` if a chunk of a PNG claims more bytes than the file has, or if none ends it.

    OpenCV takes the memory that a chunk claims before it looks for its bytes: a damaged length costs
    gigabytes.
    """
    position = 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if length > len(data) - position - 12:
            break
        if data[position + 4 : position + 8] == b"IEND":
            return
        position += 12 + length
    raise ImageError(
        f"{name}: the file is truncated or damaged (its end is missing); fetch or export it again"
    )
