"""exp as straight-line code that a compiler can vectorise, within 1–2 units in the last place of libm.

numba calls the scalar libm for each element. The approximation is the classical rational one (W. J. Cody, W. Waite, "Software Manual for
the Elementary Functions", 1980, with the minimax coefficients in the public Cephes library by S. L. Moshier).
"""

from __future__ import annotations

import numpy as np

from .kernels import inline_kernel

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93145751953125e-1
_LN2_LOW = 1.42860682030941723212e-6


@inline_kernel
def exponential(x: float) -> float:
    """exp(x) for |x| ≤ 700."""
    n = np.floor(_LOG2_E * x + 0.5)
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1)
    q = (
        (3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1
    ) * z + 2.0
    power = np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)
    value: float = (1.0 + 2.0 * (p / (q - p))) * power
    return value
