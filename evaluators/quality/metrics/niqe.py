"""NIQE: distance of an image's local statistics from those of pristine natural images.

Source: A. Mittal, R. Soundararajan, A. C. Bovik, "Making a 'completely blind' image quality analyzer", IEEE
Signal Processing Letters 20(3), 2013. The pristine model is the authors' (see `specs/artifacts.py`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from scipy.special import gamma

from fusionbench.errors import InputError

from ..undefined import Undefined
from .natural_scene import asymmetric_fit, halve_bicubic, normalised_luminance

Real = NDArray[np.float64]

BLOCK = 96
FEATURES = 36


class PristineModel(NamedTuple):
    """Mean (36) and covariance (36×36) of the features of pristine images."""

    mean: Real
    covariance: Real


def load_pristine_model(path: Path) -> PristineModel:
    """Read the model from the authors' `modelparameters.mat` or an `.npz` with the same numbers.

    Raises InputError where the file is missing, unreadable or not such a model. Nothing in the file is
    executed.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as content:
                mean, covariance = content["mu_pris_param"], content["cov_pris_param"]
        else:
            content = loadmat(str(path))
            mean, covariance = content["mu_prisparam"], content["cov_prisparam"]
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError, MatReadError) as error:
        raise InputError(
            f"{path}: no NIQE model in it ({error}); fetch niqe_modelparameters.mat again"
        ) from error
    mean, covariance = np.asarray(mean, dtype=np.float64).ravel(), np.asarray(covariance, dtype=np.float64)
    if mean.shape != (FEATURES,) or covariance.shape != (FEATURES, FEATURES):
        raise InputError(
            f"{path}: a NIQE model has 36 means and 36×36 covariances, got {mean.shape}, {covariance.shape}"
        )
    return PristineModel(mean, covariance)


def _block_features(block: Real) -> list[float]:
    def scale(alpha: float) -> float:
        return math.sqrt(float(gamma(1.0 / alpha) / gamma(3.0 / alpha)))

    alpha, left, right = asymmetric_fit(block.ravel())
    if math.isnan(alpha):
        return [math.nan] * (FEATURES // 2)
    features = [alpha, (left + right) * scale(alpha) / 2.0]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        alpha, left, right = asymmetric_fit((block * np.roll(block, shift, axis=(0, 1))).ravel())
        if math.isnan(alpha):
            features += [math.nan] * 4
            continue
        beta_left, beta_right = left * scale(alpha), right * scale(alpha)
        mean = (beta_right - beta_left) * float(gamma(2.0 / alpha) / gamma(1.0 / alpha))
        features += [alpha, mean, beta_left, beta_right]
    return features


def niqe_features(image: NDArray[np.generic], *, mend_flat: bool = False) -> Real:
    """Features of every 96×96 block (rows: blocks; 18 columns a scale); NaN where a block has no statistics.

    A fit's scale parameter is β = σ √(Γ(1/α)/Γ(3/α)) (the paper's equations 8 and 9, and the released
    `estimateaggdparam.m`).
    Only whole blocks count; what is left over at the right and lower border is cut off before filtering.
    """
    height, width = image.shape
    if min(height, width) < BLOCK:
        raise Undefined(f"NIQE needs at least {BLOCK}×{BLOCK} px, got {width}×{height}")
    rows, columns = height // BLOCK, width // BLOCK
    values = np.ascontiguousarray(image[: rows * BLOCK, : columns * BLOCK], dtype=np.float64)
    scales = []
    for scale in (1, 2):
        if scale == 2:
            values = halve_bicubic(values)
        luminance = normalised_luminance(values, replicate=True, mend_flat=mend_flat)
        side = BLOCK // scale
        blocks = [
            luminance[r * side : (r + 1) * side, c * side : (c + 1) * side]
            for c in range(columns)
            for r in range(rows)
        ]
        scales.append([_block_features(block) for block in blocks])
    return np.hstack([np.array(features, dtype=np.float64) for features in scales])


def niqe(image: NDArray[np.generic], model: PristineModel, *, mend_flat: bool = False) -> float:
    """NIQE = √((μ − μ_p) pinv((Σ + Σ_p)/2) (μ − μ_p)ᵀ) of the image's block statistics and the pristine
    model's.

    Per 96×96 block and scale (1, ½): parameters of generalised Gaussians fitted to (I − μ)/(σ + 1) and to
    its products
    with four neighbours. Flat neighbourhoods carry rounding noise into the fits; `mend_flat` sets it to 0.

    Parameters: H×W array of levels 0..255 (grey), both sides at least 96. Range 0…∞, **lower is better**.
    Minimum size 96×192: two blocks. Constant images: ``Undefined``, as wherever fewer than two blocks have
    statistics. Source: A. Mittal et al., IEEE SPL 20(3), 2013.
    """
    features = niqe_features(image, mend_flat=mend_flat)
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        raise Undefined("NIQE: fewer than two 96×96 blocks have statistics (too flat or too small an image)")
    mean = np.nanmean(features, axis=0)
    covariance = np.cov(whole, rowvar=False)
    difference = model.mean - mean
    square = difference @ np.linalg.pinv((model.covariance + covariance) / 2.0) @ difference
    return math.sqrt(max(float(square), 0.0))
