"""How kernels are compiled, and that importing a spec compiles nothing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import pytest

from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.fast import compiling as kernels


def test_kernel_without_any_place_for_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, cache: Any = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.jit(*args, nopython=True, **options)

    def increment(x: Any) -> Any:
        return x + 1

    increment.__module__ = "fusionbench.evaluators.quality.somewhere"
    monkeypatch.setattr(kernels.numba, "njit", refuse)
    assert kernels.kernel(increment)(1) == 2


def test_threads_give_the_same_values() -> None:
    rng = np.random.default_rng(0)
    triples = [tuple(rng.integers(0, 256, (64, 64), np.uint8) for _ in range(3)) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda t: score_arrays(*t), triples)) == [score_arrays(*t) for t in triples]


def test_spec_imports_no_array_library() -> None:
    code = (
        "import sys; import fusionbench.evaluators.quality.spec; print([m for m in ('numpy', 'cv2', 'torch',"
        " 'numba') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
