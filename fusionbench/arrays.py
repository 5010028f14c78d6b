"""Images given from Python: arrays, tensors or files, made into what the harness works on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .errors import ImageError
from .images import UInt8Array, read_image


def as_image(value: Any, role: str) -> UInt8Array:
    """One image as uint8 H×W or H×W×3 RGB.

    Takes a path; a NumPy array H×W, H×W×1 or H×W×3; or a torch tensor H×W, C×H×W or 1×C×H×W. Samples are uint8, or floats in [0,1],
    which are scaled by 255 and rounded half to even, as the harness saves them. Raises ``ImageError`` naming ``role``.
    """
    if isinstance(value, str | Path):
        return read_image(value)
    array = _to_numpy(value)
    if not isinstance(array, np.ndarray):
        raise ImageError(f"{role}: expected a path, array or tensor, got {type(value).__name__}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or 0 in array.shape:
        raise ImageError(
            f"{role}: expected H×W or H×W×3 (tensors: C×H×W), got shape {tuple(np.shape(value))}"
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"{role}: expected uint8, or floats in [0,1], got {array.dtype}")
    if not np.isfinite(array).all():
        raise ImageError(f"{role}: has NaN or infinite samples")
    low, high = float(array.min()), float(array.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise ImageError(
            f"{role}: floats must lie in [0,1], these range from {low:g} to {high:g}; divide by 255 or convert to uint8"
        )
    return np.asarray(np.rint(np.clip(array, 0, 1) * 255), np.uint8)


def _to_numpy(value: Any) -> Any:
    if hasattr(value, "detach"):  # a torch tensor, without importing torch to ask
        value = value.detach().cpu()
        value = value.float().numpy() if value.is_floating_point() else value.numpy()
        if value.ndim == 4 and value.shape[0] == 1:
            value = value[0]
        return np.moveaxis(value, 0, -1) if value.ndim == 3 else value
    return value
