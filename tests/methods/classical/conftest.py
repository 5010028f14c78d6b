"""Access to every classical method, built as the harness builds it, and to the reference data outside the
repository.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.methods.classical.spec import SPECS
from fusionbench.plugins.catalog import build


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data (FUSIONBENCH_TEST_DATA, default ``../shared`` beside the repository);
    skips where it is absent.
    """
    root = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).resolve().parents[4] / "shared"))
    if not (root / "goldens").is_dir():
        pytest.skip(f"no reference data in {root}; set FUSIONBENCH_TEST_DATA")
    return root


@pytest.fixture(scope="session")
def make_method() -> Callable[..., tuple[MethodSpec, object]]:
    """``make_method(name, **options)`` → (spec, loaded method)."""
    specs = {spec.name: spec for spec in SPECS}

    def make(name: str, **options: object) -> tuple[MethodSpec, object]:
        spec = specs[name]
        method = build(spec.factory)(spec, MethodContext(options=options))
        method.load(torch.device("cpu"), "fp32")
        return spec, method

    return make
