"""Every tutorial runs as it is printed: files are written, shell and Python blocks executed in order.

``bash`` blocks run line by line; ``python`` blocks run as a script, or become the file that their ``title``
names. ``console``, ``text`` and ``toml`` blocks only show something.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[2] / "docs" / "tutorials"
FENCE = re.compile(r"^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: language, the file that it becomes (or ""), and its text."""

    language: str
    title: str
    code: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        title = re.search(r'title="([^"]+)"', match["info"])
        found.append(Block(match["language"], title[1] if title else "", match["code"]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(TUTORIALS.glob("*.md")), ids=lambda page: page.stem)
def test_a_tutorial_runs_as_printed(page: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path),
        "COLUMNS": "120",
    }
    for block in blocks(page):
        if block.language == "python" and block.title:
            (tmp_path / block.title).write_text(block.code, encoding="utf-8")
            continue
        if block.language == "python":
            command = [sys.executable, "-c", block.code]
        elif block.language == "bash":
            command = ["bash", "-e", "-c", block.code]
        else:
            continue
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{page.name}:\n{block.code}\n{done.stdout}\n{done.stderr}"
