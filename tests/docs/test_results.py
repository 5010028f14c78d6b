"""README.md shows exactly the generated tables of docs/results/."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_readme_holds_the_generated_tables() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "results.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
