"""A missing optional package gives one sentence with the pip command, on every road to it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fusionbench import extras
from fusionbench.errors import MissingExtraError
from fusionbench.plugins import catalog

ROOT = Path(__file__).resolve().parents[2]


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    with pytest.raises(MissingExtraError, match=r"masks by SAM .*pip install 'fusionbench-ivif\[sam\]'"):
        extras.require("segment_anything", "masks by SAM")


def test_a_package_that_no_extra_brings_stays_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        extras.require("no_such_package", "a test")


def test_the_catalog_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    monkeypatch.delitem(sys.modules, "fusionbench.methods.sgdfuse.training.launch", raising=False)
    with pytest.raises(MissingExtraError, match=r"\[train\]"):
        catalog.build("fusionbench.methods.sgdfuse.training.launch:make_fabric")


def test_the_command_line_prints_one_sentence() -> None:
    code = (
        "import sys; sys.modules['lightning_fabric'] = None\nfrom fusionbench.cli import main; main(['train',"
        " 'sgdfuse', '--dataset', 'demo', '--out', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "unused-folder"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.search(r"pip install 'fusionbench-ivif\[train\]'", done.stderr)
    assert "Traceback" not in done.stderr


def test_every_extra_exists() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.EXTRA_OF.values()) <= set(groups)
