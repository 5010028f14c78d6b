"""How the numba kernels of this package are compiled: lazily, without the GIL, cached on disk where that is possible.

No `fastmath`: every kernel keeps IEEE semantics, so that a value does not depend on the machine's vector width beyond
the order of a sum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba


@cache
def _sources() -> str:
    """A digest of every module here: what a kernel's machine code depends on, with the kernels that it calls."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba on its first call (nogil, IEEE float64).

    The machine code is cached beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache folder. Where none of
    them can be written (a read-only install without a home folder) numba refuses to decorate at all; the kernel is then
    compiled in each process instead. So it is where the package was imported under another name (from the repository's root, as `evaluators`): the
    cached code names its module, and would be unreadable for everybody else.
    """
    if function.__module__.startswith("fusionbench."):
        try:
            compiled = numba.njit(function, cache=True, nogil=True, error_model="numpy")
        except RuntimeError:  # "cannot cache function …: no locator available"
            pass
        else:
            index = compiled._cache._cache_file  # by itself it looks at the kernel's own file only
            index._source_stamp = (index._source_stamp, _sources())
            return compiled
    return numba.njit(function, nogil=True, error_model="numpy")


def inline_kernel(function: Callable[..., Any]) -> Any:
    """Compile a small function that other kernels call inside their loops; LLVM inlines it there, whatever it costs."""
    return numba.njit(function, nogil=True, error_model="numpy", forceinline=True)
