"""A stand-in for an official repository: a git clone with a small script that fuses by the maximum, and its
YAML description.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SCRIPT = """
import json, os, random, sys, time
from pathlib import Path
import cv2
import numpy as np

mode = Path(__file__).with_name("mode.txt").read_text()  # untracked: as if the weather had changed
config = json.loads(Path("config.json").read_text()) if Path("config.json").exists() else {}
infrared, visible, out = (Path(p) for p in sys.argv[1:4])
names = sorted(p.name for p in visible.iterdir())
assert names == sorted(p.name for p in infrared.iterdir())
print("fusing", len(names), "pairs", flush=True)
calls = Path(os.environ["CALLS"])
calls.write_text((calls.read_text() if calls.exists() else "") + " ".join(names) + "\\n")
if mode == "crash":
    raise SystemExit("the stand-in can't go on")
out.mkdir(parents=True, exist_ok=True)
for number, name in enumerate(names):
    if mode == "hang" and number == 2:
        if "CHILD" in os.environ:
            import subprocess
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path(os.environ["CHILD"]).write_text(str(child.pid))
        (out / name).write_bytes(b"\\x89PNG\\r\\n")  # half written
        time.sleep(600)
    if mode == "miss" and number == 1:
        continue
    ir = cv2.imread(str(infrared / name), cv2.IMREAD_UNCHANGED)
    vi = cv2.imread(str(visible / name), cv2.IMREAD_UNCHANGED)
    if mode == "sixteen":
        assert ir.shape[0] % 16 == 0 and ir.shape[1] % 16 == 0, ir.shape
    grey = vi if vi.ndim == 2 else vi.max(axis=2)
    fused = np.maximum(ir if ir.ndim == 2 else ir[..., 0], grey)
    if mode == "shrink":
        fused = cv2.resize(fused, (fused.shape[1] // 2, fused.shape[0] // 2))
    if mode == "random":
        fused[0, 0] = random.randrange(256)
    cv2.imwrite(str(out / name), fused)
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, untouched by the user's own settings."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The stand-in's clone."""
    folder = tmp_path / "stand in; $(touch hacked)"  # a name that a shell would stumble over
    folder.mkdir()
    (folder / "fuse.py").write_text(SCRIPT)
    (folder / "settings.json").write_text(
        '{\n // where things lie\n "path": {"weights": "?"}, "steps": 25\n}\n'
    )
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "stand-in")
    return folder


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """One line for each start of the script: the names it was given."""
    return tmp_path / "calls.txt"


Describe = Callable[..., str]


@pytest.fixture
def describe(tmp_path: Path, clone: Path, calls: Path) -> Describe:
    """``describe(mode, call=…)`` writes the YAML description and returns the text for ``--method``."""

    def write(mode: str = "", spec: dict[str, Any] | None = None, **recipe: Any) -> str:
        (clone / "mode.txt").write_text(mode)
        environment = {"CALLS": str(calls), **recipe.pop("environment", {})}
        content = {
            "name": "stand-in",
            "title": "Stand-in",
            "output": "luma",
            "code_url": "https://example.org/stand-in",
            "commit": git(clone, "rev-parse", "HEAD"),
            **(spec or {}),
            "external": {
                "command": ["{python}", "{clone}/fuse.py", "{work}/ir", "{work}/vi", "{work}/out"],
                "clone": str(clone),
                "python": sys.executable,
                "environment": environment,
                **recipe,
            },
        }
        path = tmp_path / "stand-in.yaml"
        path.write_text(yaml.safe_dump(content))
        return f"external:{path}"

    return write
