"""Checks all types: mypy, strict, over the core, the plugins, the tools, the benchmarks and the tests.

    python tools/check_types.py [MYPY OPTIONS]

The plugin folders stand at the top of the repository and are installed as sub-packages of ``fusionbench``. mypy
reads folders, so a folder of links (``build/types``) shows them as they are installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYOUT = ROOT / "build" / "types"
CORE = "fusionbench"
PLUGIN_FOLDERS = ("methods", "datasets", "evaluators", "reports")
BESIDE = ("tools", "benchmarks", "tests")


def lay_out(target: Path) -> None:
    """Fill ``target`` with links to the sources as they are installed."""
    core = target / CORE
    core.mkdir(parents=True, exist_ok=True)
    places = {core / source.name: source for source in (ROOT / CORE).iterdir()}
    places |= {core / folder: ROOT / folder for folder in PLUGIN_FOLDERS}
    places |= {target / folder: ROOT / folder for folder in BESIDE}
    for stale in {*core.iterdir()} - {*places}:
        stale.unlink()
    for place, source in places.items():
        if not place.is_symlink():
            place.symlink_to(source)


def main() -> int:
    """Run mypy; returns its exit code."""
    lay_out(LAYOUT)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(ROOT / ".mypy_cache"), *sys.argv[1:], CORE, *BESIDE]
    # Tools and benchmarks are scripts that import their neighbours by name.
    environment = {**os.environ, "MYPYPATH": os.pathsep.join((".", "tools", "benchmarks"))}
    return subprocess.run(command, cwd=LAYOUT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
