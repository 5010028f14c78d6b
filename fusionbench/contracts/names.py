"""Names that are safe as folder names."""

from ..errors import InputError


def plain_name(text: str) -> str:
    """A name that is safe as a folder name: letters, digits, ``+ - _ .``; anything else becomes ``-``."""
    cleaned = "".join(c if c.isalnum() or c in "+-_." else "-" for c in text).strip(".-")
    if not cleaned:
        raise InputError(f"{text!r} can't be used as a name; use letters and digits")
    return cleaned
