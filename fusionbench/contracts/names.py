"""Names: those that are safe as folder names, and lists of them as users write them."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InputError


def plain_name(text: str) -> str:
    """A name that is safe as a folder name: letters, digits, ``+ - _ .``; anything else becomes ``-``."""
    cleaned = "".join(c if c.isalnum() or c in "+-_." else "-" for c in text).strip(".-")
    if not cleaned:
        raise InputError(f"{text!r} can't be used as a name; use letters and digits")
    return cleaned


def split_names(values: str | Iterable[str]) -> list[str]:
    """Flatten repeated flags and comma lists: ``["a,b", "c"]`` → ``["a", "b", "c"]`` (no empty parts, no
    doubles, order kept)."""
    texts = [values] if isinstance(values, str) else values
    flat = [part.strip() for text in texts for part in text.split(",")]
    return list(dict.fromkeys(part for part in flat if part))
