"""safetensors files with equal bytes for equal content."""

from __future__ import annotations

import json


def sorted_metadata(data: bytes) -> bytes:
    """The same safetensors file with its metadata in a fixed order.

    safetensors writes them in the order of a hash table, so that equal weights would not give equal bytes.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" not in header:
        return data
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]
