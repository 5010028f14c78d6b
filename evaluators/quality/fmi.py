"""FMI: feature mutual information (Haghighat), on pixels, gradients, edges, DCT or wavelet coefficients.

Sources: M. Haghighat, A. Aghagolzadeh, H. Seyedarabi, "A non-reference image fusion metric based on mutual information
of image features", Computers & Electrical Engineering 37(5), 2011; M. Haghighat, M. A. Razian, "Fast-FMI: non-reference
image fusion metric", AICT 2014; R. B. Nelsen, "Discrete bivariate distributions with given marginals and correlation",
Communications in Statistics B 16, 1987. The feature maps are made in `fmi_features.py`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .fmi_features import FEATURES, feature_map
from .kernels import kernel
from .logarithm import binary_logarithms
from .undefined import Undefined

__all__ = ["FEATURES", "feature_mutual_information", "fmi"]

Real = NDArray[np.float64]

CELLS = 9
"""Pixels of a 3×3 window."""
CHUNK = 120
"""Windows worked on at a time, so that their distributions stay in the cache."""
STRIDE = CHUNK + 8
"""Row length of the work arrays: a power of two would crowd a window's nine cells into few sets of the cache."""


@kernel
def _distributions(image, row, start, count, p, logarithm, cumulative, facts, bits, exponents):  # type: ignore[no-untyped-def]
    """The pdf over the nine cells (MATLAB's column order) of `count` windows of one row, and what the copula needs of it.

    facts[0…4] = entropy in bits, standard deviation of the cell index, Σ cdf, √(Σ p² − 1/9), 1 where the window is flat.
    """
    for c in range(count):
        facts[0, c] = image[row, start + c]
        facts[1, c] = image[row, start + c]
    for k in range(1, CELLS):
        line = image[row + k % 3, start + k // 3 :]
        for c in range(count):
            facts[0, c] = min(facts[0, c], line[c])
            facts[1, c] = max(facts[1, c], line[c])
    for c in range(count):
        facts[4, c] = 1.0 if facts[0, c] == facts[1, c] else 0.0
        facts[1, c] = facts[1, c] - facts[0, c] + facts[4, c]
        facts[2, c] = 0.0
    for k in range(CELLS):
        line = image[row + k % 3, start + k // 3 :]
        for c in range(count):
            value = (line[c] - facts[0, c]) / facts[1, c] + facts[4, c]  # a flat window is all ones
            p[k, c] = value
            facts[2, c] += value
    for c in range(count):
        facts[3, c] = facts[2, c]
        facts[0, c] = 0.0
        facts[1, c] = 0.0
        facts[2, c] = 0.0
    for k in range(CELLS):
        for c in range(count):
            share = p[k, c] / facts[3, c]
            p[k, c] = share
            logarithm[k, c] = share if share > 0.0 else 1.0
    binary_logarithms(logarithm.reshape(logarithm.size), bits, exponents)
    for c in range(count):
        facts[3, c] = 0.0
        cumulative[CELLS - 1, c] = 0.0
    for k in range(CELLS):
        for c in range(count):
            share = p[k, c]
            facts[0, c] -= share * logarithm[k, c]
            facts[1, c] += k * share
            facts[2, c] += k * k * share
            facts[3, c] += share * share
    for c in range(count):
        facts[1, c] = math.sqrt(max(facts[2, c] - facts[1, c] * facts[1, c], 0.0))
        facts[2, c] = 1.0
        facts[3, c] = math.sqrt(max(facts[3, c] - 1.0 / CELLS, 0.0))
    for c in range(count):
        cumulative[0, c] = p[0, c]
        facts[2, c] += p[0, c]
    for k in range(1, CELLS - 1):
        for c in range(count):
            total = cumulative[k - 1, c] + p[k, c]
            cumulative[k, c] = total
            facts[2, c] += total
    for c in range(count):
        cumulative[CELLS - 1, c] = 1.0


@kernel
def _equal_windows(first, second, row, start, count, equal):  # type: ignore[no-untyped-def]
    for c in range(count):
        equal[c] = 1
    for k in range(CELLS):
        one = first[row + k % 3, start + k // 3 :]
        other = second[row + k % 3, start + k // 3 :]
        for c in range(count):
            equal[c] &= np.uint8(one[c] == other[c])


@kernel
def _coupled(p, lp, cp, fp, q, lq, cq, fq, equal, count, values, weights):  # type: ignore[no-untyped-def]
    """Σ of FMI over `count` windows, but for its logarithms of joint probabilities.

    The joint pdf of Nelsen's construction is J = φ·M + (1 − φ)·p⊗q, M the comonotone (c ≥ 0) or the antitone (c < 0)
    coupling, which is not 0 on at most 17 of the 81 cells: a staircase found by merging the two cdfs. Off it, J's
    logarithm falls apart into those of 1 − φ, p and q. What is left are terms weight·log2|value|, put into
    `weights` and `values` for the caller to sum in one vectorised loop. Returns (sum, number of terms).
    """
    mass = np.zeros(2 * CELLS)
    product = np.zeros(2 * CELLS)
    logs = np.zeros(2 * CELLS)
    cdf_p = np.empty(CELLS)
    cdf_q = np.empty(CELLS)
    pdf_q = np.empty(CELLS)
    log_q = np.empty(CELLS)
    later = np.arange(CELLS, 0, -1).astype(np.float64)  # how many cells from k on
    later_q = np.empty(CELLS)
    total = 0.0
    terms = 0
    for x in range(count):
        if equal[x] == 1 or (fp[4, x] == 1.0 and fq[4, x] == 1.0):
            total += 1.0
            continue
        spread = fp[1, x] * fq[1, x]
        if fp[4, x] + fq[4, x] > 0.0 or spread == 0.0:
            continue  # one window flat or all in one cell: nothing in common (and 0 bits, where the entropies are 0 too)
        dot = 0.0
        for k in range(CELLS):
            dot += p[k, x] * q[k, x]
            cdf_p[k] = cp[k, x]
        correlation = (dot - 1.0 / CELLS) / (fp[3, x] * fq[3, x])
        if correlation >= 0.0:
            for k in range(CELLS):
                cdf_q[k], pdf_q[k], log_q[k], later_q[k] = cq[k, x], q[k, x], lq[k, x], later[k]
        else:  # the antitone coupling is the comonotone one with the second distribution read backwards
            for k in range(CELLS):
                back = CELLS - 1 - k
                cdf_q[k] = 1.0 - cq[back - 1, x] if back > 0 else 1.0
                pdf_q[k], log_q[k], later_q[k] = q[back, x], lq[back, x], later[back]
        covariance = -fp[2, x] * fq[2, x]
        cells = 0
        previous = 0.0
        i = 0
        j = 0
        while i < CELLS and j < CELLS:  # without branches inside: they could not be predicted
            f = cdf_p[i]
            g = cdf_q[j]
            lowest = min(f, g)
            m = lowest - previous
            mass[cells] = m
            product[cells] = p[i, x] * pdf_q[j]
            logs[cells] = lp[i, x] + log_q[j]
            covariance += m * (later[i] * later_q[j])
            cells += 1 if m > 0.0 else 0
            previous = lowest
            i += 1 if f <= g else 0
            j += 1 if g <= f else 0
        phi = correlation * spread / covariance
        rest = 1.0 - phi
        weight = 2.0 / (fp[0, x] + fq[0, x])
        on_stairs = 0.0
        value = phi * (fp[0, x] + fq[0, x])
        for k in range(cells):
            independent = rest * product[k]
            joint = phi * mass[k] + independent
            on_stairs += independent
            value -= independent * logs[k]
            values[terms + k] = abs(joint)
            weights[terms + k] = weight * joint
        terms += cells
        values[terms] = abs(rest)
        weights[terms] = weight * (rest - on_stairs)
        terms += 1
        total += weight * value
    return total, terms


@kernel
def _weighted_logarithms(values, weights, terms, bits, exponents, sums):  # type: ignore[no-untyped-def]
    """Add Σ weight·log2(value) to `sums` (eight partial sums, so that the loop can be vectorised)."""
    blocks = (terms + 7) // 8
    for t in range(terms):
        values[t] = max(values[t], 1e-300)  # of weight 0 or below 10⁻²⁹⁷
    for t in range(terms, blocks * 8):
        values[t] = 1.0
        weights[t] = 0.0
    binary_logarithms(values[: blocks * 8], bits[: blocks * 8], exponents[: blocks * 8])
    for block in range(blocks):
        for lane in range(8):
            sums[lane] += weights[8 * block + lane] * values[8 * block + lane]


@kernel
def _fmi_sums(infrared, visible, fused):  # type: ignore[no-untyped-def]
    """Σ over all windows of FMI(infrared; fused) and of FMI(visible; fused)."""
    rows, columns = fused.shape[0] - 2, fused.shape[1] - 2
    p = np.empty((3, CELLS, STRIDE))
    logarithm = np.ones((3, CELLS, STRIDE))
    cumulative = np.empty((3, CELLS, STRIDE))
    facts = np.empty((3, 5, STRIDE))
    equal = np.empty(CHUNK, np.uint8)
    values = np.empty(CHUNK * (2 * CELLS + 1) + 8)
    weights = np.empty(CHUNK * (2 * CELLS + 1) + 8)
    bits = np.empty(values.size, np.int64)
    exponents = np.empty(values.size)
    few_bits = bits[: CELLS * STRIDE]
    few_exponents = exponents[: CELLS * STRIDE]
    sums = np.zeros((2, 9))
    for row in range(rows):
        for start in range(0, columns, CHUNK):
            count = min(CHUNK, columns - start)
            _distributions(infrared, row, start, count, p[0], logarithm[0], cumulative[0], facts[0], few_bits,
                           few_exponents)  # fmt: skip
            _distributions(visible, row, start, count, p[1], logarithm[1], cumulative[1], facts[1], few_bits,
                           few_exponents)  # fmt: skip
            _distributions(fused, row, start, count, p[2], logarithm[2], cumulative[2], facts[2], few_bits,
                           few_exponents)  # fmt: skip
            for s in range(2):
                _equal_windows(infrared if s == 0 else visible, fused, row, start, count, equal)
                total, terms = _coupled(p[s], logarithm[s], cumulative[s], facts[s], p[2], logarithm[2], cumulative[2],
                                        facts[2], equal, count, values, weights)  # fmt: skip
                sums[s, 8] += total
                _weighted_logarithms(values, weights, terms, bits, exponents, sums[s])
    return sums.sum(axis=1)


def feature_mutual_information(infrared: Real, visible: Real, fused: Real) -> float:
    """FMI of three feature maps (H×W float64): the part of `fmi` after the feature extraction."""
    if min(fused.shape) < 3:
        raise Undefined(f"FMI needs feature maps of at least 3×3, got {fused.shape[1]}×{fused.shape[0]}")
    a, b, f = (np.ascontiguousarray(image, dtype=np.float64) for image in (infrared, visible, fused))
    sums = _fmi_sums(a, b, f)
    windows = (f.shape[0] - 2) * (f.shape[1] - 2)
    return float(sums.sum() / (2.0 * windows))


def fmi(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    feature: str = "edge",
) -> float:
    """FMI = mean over all 3×3 windows of ½·Σ_X 2·I(X;F)/(H(X) + H(F)), X the infrared and the visible feature map.

    Each window is stretched to [0, 1] (all ones where flat) and normalised to a pdf p over its nine cells in column
    order. The joint pdf with given correlation c (Pearson, of the two pdfs) is Nelsen's J = φ·M + (1 − φ)·p⊗q, M the
    Fréchet upper bound's pdf for c ≥ 0 and the lower one's for c < 0, φ = c / (the correlation of the cell indices
    under M). φ can exceed 1 and J be negative; as in the original, x·log2 x is then taken as x·log2|x| (the real part).
    Windows equal in both maps, or both flat, count 1; windows with all mass in one cell count 0.

    Parameters: H×W arrays of levels 0..255, at least 3×3 (5×5 for `wavelet`); `feature` one of `FEATURES`: "none" (pixels),
    "gradient" (x derivative only), "edge" (Sobel edges, binary), "dct" (of the whole image), "wavelet" (dmey, one level).
    The default is the original's; tables that call ``analysis_fmi(…)`` without naming a feature and print "FMI_pixel"
    report FMI_edge. About 0…1, higher is better. Constant images: 1 where all are constant, else finite.
    """
    if feature not in FEATURES:
        raise ValueError(f"unknown FMI feature {feature!r}: choose one of {', '.join(FEATURES)}")
    return feature_mutual_information(*(feature_map(image, feature) for image in (infrared, visible, fused)))
