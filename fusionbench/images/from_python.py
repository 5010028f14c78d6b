"""Images given from Python: arrays, tensors or files, made into what the harness works on.

Arrays are channels last (H×W, H×W×1, H×W×3), tensors channels first (H×W, 1×H×W, 3×H×W); one axis more is a
batch, and so is a list of images. A shape of the other order, or one that could be either, is refused with
what to do: never guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ImageError
from .codec import UInt8Array, read_image

CHANNELS = (1, 3)


def as_image(value: Any, role: str) -> UInt8Array:
    """One image as uint8 H×W or H×W×3 RGB; a batch of one counts as one image.

    Takes what ``as_images`` takes. Raises ``ImageError`` naming ``role``.
    """
    images, _ = as_images(value, role)
    if len(images) != 1:
        raise ImageError(
            f"{role}: is a batch of {len(images)} images where one is taken; give them one by one"
        )
    return images[0]


def as_images(value: Any, role: str) -> tuple[list[UInt8Array], bool]:
    """Images as uint8 H×W or H×W×3 RGB, and whether they were given as a batch.

    One image is a path; a NumPy array H×W, H×W×1 or H×W×3; or a torch tensor H×W, 1×H×W or 3×H×W (any device;
    gradients are dropped). A batch is a list or tuple of images (sizes may differ), an array N×H×W×1 or
    N×H×W×3, or a tensor N×1×H×W or N×3×H×W. Samples are uint8, or floats in [0,1], which are scaled by 255
    and rounded half to even, as the harness saves them. Raises ``ImageError`` naming ``role``.
    """
    if isinstance(value, list | tuple):
        if not value:
            raise ImageError(f"{role}: the batch is empty")
        return [as_image(item, f"{role}[{n}]") for n, item in enumerate(value)], True
    if isinstance(value, str | Path):
        return [read_image(value)], False
    tensor = hasattr(value, "detach")  # a torch tensor, without importing torch to ask
    array = _to_numpy(value) if tensor else value
    if not isinstance(array, np.ndarray):
        raise ImageError(f"{role}: expected a path, array or tensor, got {type(value).__name__}")
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise ImageError(f"{role}: expected {_expected(tensor)}, got shape {_shape(array)}")
    _check_channels(array, tensor, role)
    batch = array.ndim == 4
    if tensor and array.ndim > 2:
        array = np.moveaxis(array, -3, -1)
    return [_levels(image, role) for image in (array if batch else array[None])], batch


def _to_numpy(tensor: Any) -> Any:
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16; float32 holds it, and float16, exactly.
    narrow = tensor.is_floating_point() and tensor.element_size() < 4
    return (tensor.float() if narrow else tensor).numpy()


def _expected(tensor: bool) -> str:
    return "a tensor H×W, C×H×W or N×C×H×W" if tensor else "an array H×W, H×W×C or N×H×W×C"


def _shape(array: Any) -> str:
    return "×".join(map(str, array.shape)) or "()"


def _check_channels(array: Any, tensor: bool, role: str) -> None:
    """Raise ``ImageError`` unless the channels stand where the kind of array has them, and nowhere else
    they could."""
    if array.ndim == 2:
        return
    first, last = array.shape[-3] in CHANNELS, array.shape[-1] in CHANNELS
    if array.ndim == 3 and first and last:
        raise ImageError(
            f"{role}: {_shape(array)} could be C×H×W or H×W×C; add the batch axis (image[None]), with which "
            f"{'tensors are N×C×H×W' if tensor else 'arrays are N×H×W×C'}"
        )
    if first if tensor else last:
        return
    if last or first:  # the order of the other kind
        here = "tensors are channels first (C×H×W)" if tensor else "arrays are channels last (H×W×C)"
        if tensor:
            how = "image.permute(2, 0, 1)" if array.ndim == 3 else "images.permute(0, 3, 1, 2)"
        else:
            how = f"numpy.moveaxis(image, {array.ndim - 3}, -1)"
        raise ImageError(f"{role}: {here}, got shape {_shape(array)}; give {how}")
    if array.ndim == 3:
        grey = "N×1×H×W: give images[:, None]" if tensor else "N×H×W×1: give images[..., None]"
        raise ImageError(
            f"{role}: expected {_expected(tensor)} with 1 or 3 channels, got shape {_shape(array)}; a batch "
            f"of grey images is {grey}"
        )
    raise ImageError(
        f"{role}: expected {_expected(tensor)} with 1 or 3 channels, got shape {_shape(array)}; drop an "
        "alpha channel first"
    )


def _levels(array: Any, role: str) -> UInt8Array:
    """One image, channels last, as uint8 H×W or H×W×3."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"{role}: expected uint8, or floats in [0,1], got {array.dtype}")
    if not np.isfinite(array).all():
        raise ImageError(f"{role}: has NaN or infinite samples")
    low, high = float(array.min()), float(array.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise ImageError(
            f"{role}: floats must lie in [0,1], these range from {low:g} to {high:g}; divide by 255 or "
            "convert to uint8"
        )
    return np.asarray(np.rint(np.clip(array, 0, 1) * 255), np.uint8)
