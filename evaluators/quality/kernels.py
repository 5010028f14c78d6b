"""How the numba kernels of this package are compiled: lazily, without the GIL, cached on disk where that is possible.

No `fastmath`: every kernel keeps IEEE semantics, so that a value does not depend on the machine's vector width beyond
the order of a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba on its first call (nogil, IEEE float64).

    The machine code is cached beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache folder. Where none of
    them can be written (a read-only install without a home folder) numba refuses to decorate at all; the kernel is then
    compiled in each process instead. So it is where the package was imported under another name (from the repository's root, as `evaluators`): the
    cached code names its module, and would be unreadable for everybody else.
    """
    if function.__module__.startswith("fusionbench."):
        try:
            return numba.njit(function, cache=True, nogil=True, error_model="numpy")
        except RuntimeError:  # "cannot cache function …: no locator available"
            pass
    return numba.njit(function, nogil=True, error_model="numpy")


def inline_kernel(function: Callable[..., Any]) -> Any:
    """Compile a small function that other kernels call inside their loops; LLVM inlines it there, whatever it costs."""
    return numba.njit(function, nogil=True, error_model="numpy", forceinline=True)
