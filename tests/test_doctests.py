"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import fusionbench


def modules_with_examples() -> list[str]:
    """The modules of the package whose source holds a ``>>>`` prompt."""
    found = []
    for module in pkgutil.walk_packages(fusionbench.__path__, "fusionbench.", onerror=lambda name: None):
        spec = module.module_finder.find_spec(module.name, None)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        if ">>> " in Path(spec.origin).read_text(encoding="utf-8"):
            found.append(module.name)
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
