"""Checks the direction of imports: the contracts of import-linter in pyproject.toml.

    python tools/lint_imports.py

The plugin folders stand at the top of the repository and are installed as sub-packages of ``fusionbench``.
import-linter reads folders, so the sources are laid out as they are installed first, in a temporary folder.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = "fusionbench"
PLUGIN_FOLDERS = ("methods", "datasets", "evaluators", "reports")


def lay_out(target: Path) -> None:
    """Copy all Python sources into ``target`` as they are installed."""
    for folder in (CORE, *PLUGIN_FOLDERS):
        place = target / CORE if folder == CORE else target / CORE / folder
        for source in (ROOT / folder).rglob("*.py"):
            path = place / source.relative_to(ROOT / folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)


def main() -> int:
    """Check all contracts; returns 0 if they hold. What breaks them is printed with file and line."""
    from importlinter.cli import lint_imports

    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        with contextlib.chdir(folder):  # import-linter looks for the package in the current folder first
            return int(lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True))


if __name__ == "__main__":
    sys.exit(main())
