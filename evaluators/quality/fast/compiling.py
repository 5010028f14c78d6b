"""How the kernels of this room are compiled: on their first call, without the GIL, cached on disk where
that is possible.

A kernel calls only kernels of its own file: numba notices a changed file, but not what the file imports. No
`fastmath`: every kernel keeps IEEE semantics, so that a value does not depend on the machine's vector width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba on its first call.

    The machine code is cached beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache folder.
    Where none of them can be written (a read-only install without a home folder), numba refuses to cache at
    all; the kernel is then compiled in each process instead.
    """
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # "cannot cache function …: no locator available"
        return numba.njit(function, nogil=True, error_model="numpy")
