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
    return f"{found[: LONGEST - 9].strip('.')}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def plain_of(*parts: str) -> str:
    """A plain name of several texts, joined by ``-``: ``msrs-test``. No other texts of that number share it.

    Where a text but the last holds a ``-`` of its own, the join could be another one's; it gets a hash too.
    """
    joined = "-".join(parts)
    if any("-" in part for part in parts[:-1]):
        return f"{slug(joined)[: LONGEST - 9].strip('.')}-{_digest(chr(0).join(parts))}"
    return plain(joined)
