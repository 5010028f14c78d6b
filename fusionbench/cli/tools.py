"""``doctor`` and ``init-method``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor() -> int:
    """Check this installation: packages, devices, cache, disk, plugins, weights; say what to do about what
    is wrong."""
    from ..errors import EXIT_BAD_INPUT, EXIT_DONE
    from .installation import examine

    checks = examine()
    for check in checks:
        problem = "note" if check.optional else "BAD "
        print(f"{'ok  ' if check.ok else problem} {check.name}: {check.text}")
    return EXIT_DONE if all(c.ok or c.optional for c in checks) else EXIT_BAD_INPUT


def init_method(
    name: Annotated[str, typer.Argument(help="The new method's name, for example mymethod.")],
    into: Annotated[Path, typer.Option("--into", help="Folder to write the file into.")] = Path(),
) -> None:
    """Write a new method's adapter that runs at once, with the places to fill in."""
    from ..plugins.scaffold import write_adapter

    path, class_name = write_adapter(name, into)
    print(
        f"wrote {path}; try it:\n  fusionbench run --method {path}:{class_name},max --dataset demo --limit 4"
    )
