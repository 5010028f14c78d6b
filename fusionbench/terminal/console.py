"""The console that commands print tables to: as wide as the terminal, unbounded where the output is a file
or a pipe."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

UNBOUNDED = 10_000
"""Characters; wide enough for any row. Tables take no more than their contents need."""


def width() -> int:
    """Characters a line may take on standard output. Off a terminal nothing is wrapped, so that ``| grep``
    finds whole rows."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def console() -> Console:
    """A console for standard output, ``width()`` characters wide."""
    from rich.console import Console

    return Console(width=width()) if not sys.stdout.isatty() else Console()
