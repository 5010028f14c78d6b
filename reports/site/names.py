"""Plain names for the site's files: whatever a method, image or dataset is called."""

from __future__ import annotations

import hashlib

from ..scores.labels import slug

LONGEST = 80


def plain(text: str) -> str:
    """A file name of letters, digits, ``-``, ``_`` and ``.`` that no other text shares.

    A text that is such a name stays as it is. Any other gets eight digits of its SHA-256, so that two texts
    in Chinese, or ``x`` and ``../x``, don't overwrite each other's files.
    """
    found = slug(text)
    if found == text and len(text) <= LONGEST:
        return found
    return f"{found[: LONGEST - 9].strip('.')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
