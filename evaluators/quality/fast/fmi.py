"""FMI by the few cells in which two windows' joint distribution isn't a product:
`fmi.feature_mutual_information`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..metrics import fmi as definition
from ..metrics.windows import Real
from .compiling import kernel

__all__ = ["fmi"]

CELLS = definition.CELLS
STAIR = 2 * CELLS - 1
"""Cells of the coupling M that can have mass: a stair from the first cell to the last."""


@kernel
def _stairs(p, q, mass, product, covariance):  # type: ignore[no-untyped-def]
    """Per window (9×N pdfs): the mass of M and p·q in the cells of the stair, and the covariance of the
    indices under M.
    """
    cdf_p, cdf_q = np.ones(CELLS), np.ones(CELLS)
    for n in range(p.shape[1]):
        cdf_p[0], cdf_q[0] = p[0, n], q[0, n]
        for k in range(1, CELLS - 1):
            cdf_p[k], cdf_q[k] = cdf_p[k - 1] + p[k, n], cdf_q[k - 1] + q[k, n]
        total = -(cdf_p.sum() * cdf_q.sum())
        for i in range(CELLS):
            for j in range(CELLS):
                total += min(cdf_p[i], cdf_q[j])
        covariance[n] = total
        i = j = 0
        start = 0.0
        for k in range(STAIR):
            end = min(cdf_p[i], cdf_q[j])
            mass[k, n] = end - start
            product[k, n] = p[i, n] * q[j, n]
            start = end
            right = (cdf_p[i] <= cdf_q[j] and i < CELLS - 1) or j == CELLS - 1
            if right:
                i += 1
            else:
                j += 1


def window_information(source: Real, fused: Real) -> Real:
    """As `fmi.window_information`. Off the stair J = (1 − φ)·p·q, whose logarithm falls apart into a sum."""
    p, q = definition.distribution(source), definition.distribution(fused)
    centred_p, centred_q = p - 1.0 / CELLS, q - 1.0 / CELLS
    dot = (centred_p * centred_q).sum(0)
    spread = np.sqrt((centred_p * centred_p).sum(0) * (centred_q * centred_q).sum(0))
    q = np.where(dot < 0.0, q[::-1], q)
    mass, product = np.empty((STAIR, p.shape[1])), np.empty((STAIR, p.shape[1]))
    covariance = np.empty(p.shape[1])
    _stairs(p, q, mass, product, covariance)
    deviations = definition.index_deviation(p) * definition.index_deviation(q)
    defined = (spread > 0.0) & (deviations > 0.0)
    phi = np.abs(dot) * deviations
    phi = np.divide(phi, spread * covariance, out=np.zeros_like(phi), where=defined)
    rest = 1.0 - phi
    product *= rest
    joint = phi * mass + product
    entropies = -(definition.plogp(p) + definition.plogp(q)).sum(0)
    # −H(J) = Σ over all cells of (1−φ)pq·log|(1−φ)pq|, corrected on the stair.
    together = (definition.plogp(joint) - definition.plogp(product)).sum(0)
    together += definition.plogp(rest) - rest * entropies
    return np.divide(2.0 * (entropies + together), entropies, out=np.zeros_like(entropies), where=defined)


_of_maps = partial(definition.feature_mutual_information, of_windows=window_information)
fmi = partial(definition.fmi, of_maps=_of_maps)
"""As `fmi.fmi`."""
