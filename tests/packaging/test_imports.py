"""Imports go one way, the core imports no plugin, and nothing imports in circles: the contracts in
pyproject.toml hold.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_contracts_of_imports_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with the extra dev")
    checked = subprocess.run(
        [sys.executable, "tools/lint_imports.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout[-4000:] + checked.stderr[-2000:]


@pytest.mark.parametrize("arguments", [["--help"], ["list", "methods"]])
def test_plain_commands_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom fusionbench.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib', 'numba', 'cv2', 'pyarrow', 'skimage', 'ray'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []"
