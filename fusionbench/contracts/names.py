"""Names: those that are safe as folder names, and lists of them as users write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from ..errors import InputError

LONGEST_NAME = 100
"""Characters of a plugin's name."""


def plain_name(text: str) -> str:
    """A name that is safe as a folder name: letters, digits, ``+ - _ .``; anything else becomes ``-``."""
    cleaned = "".join(c if c.isalnum() or c in "+-_." else "-" for c in text).strip(".-")
    if not cleaned:
        raise InputError(f"{text!r} can't be used as a name; use letters and digits")
    return cleaned


def _checked(name: str) -> str:
    """Raise ``ValueError`` for a name that isn't its own plain form."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters, this one {len(name)}")
    try:
        plain = plain_name(name)
    except InputError as error:
        raise ValueError(str(error)) from None
    if plain != name:
        raise ValueError(
            f"{name!r} isn't a plain name: letters, digits and + - _ . are allowed, for example {plain!r}"
        )
    return name


PlainName = Annotated[str, AfterValidator(_checked)]
"""The name of a plugin: it becomes a folder, so it can't be a path."""


def split_names(values: str | Iterable[str]) -> list[str]:
    """Flatten repeated flags and comma lists: ``["a,b", "c"]`` → ``["a", "b", "c"]`` (no empty parts, no
    doubles, order kept)."""
    texts = [values] if isinstance(values, str) else values
    flat = [part.strip() for text in texts for part in text.split(",")]
    return list(dict.fromkeys(part for part in flat if part))
