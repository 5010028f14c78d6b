"""The local contrast of Qcb (Chen & Blum): an image under a narrow Gaussian window against the same under a wide one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from .fourier import padded_shape
from .kernels import kernel
from .scratch import scratch
from .simd import WIDTH, integer, intrinsic, lanes, magnitude, pointer, read, store, window, write

__all__ = ["masked_contrast"]

Real = NDArray[np.float64]

HALF = 15
"""Half of the windows, pixels."""


def _taps(sigma: float) -> list[float]:
    """One axis of exp(−(x² + y²)/2σ²)/(2πσ²) on 31×31 points; not normalised to 1."""
    x = np.arange(-HALF, HALF + 1.0)
    return list(np.exp(-(x * x) / (2.0 * sigma * sigma)) / np.sqrt(2.0 * np.pi * sigma * sigma))


TAPS = _taps(2.0), _taps(4.0)
"""Of the narrow and the wide window."""
ROWS = 4
"""Rows of the result that are computed together."""
MARGIN = 2 * WIDTH
"""Zeros to the left and to the right of an image: at least HALF, a multiple of eight."""


@intrinsic
def _vertical(_typing: Any, framed: Any, _at: Any, _step: Any, lines: Any, _to: Any) -> Any:
    """lines[to + (2t + w)·step] = eight columns around row t < ROWS under window w; `at`: the columns in the first row under the first window."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        image, at, step, target, to = args
        values = []
        for k in range(ROWS + 2 * HALF):
            offset = builder.add(at, builder.mul(step, integer(k)))
            values.append(read(builder, pointer(context, builder, sig.args[0], image, offset)))
        for t in range(ROWS):
            for w, taps in enumerate(TAPS):
                offset = builder.add(to, builder.mul(step, integer(2 * t + w)))
                address = pointer(context, builder, sig.args[3], target, offset)
                write(builder, window(builder, values[t : t + len(taps)], taps), address)
        return context.get_dummy_value()

    i = types.intp
    return types.none(framed, i, i, lines, i), emit


def _horizontal(which: int) -> Any:
    @intrinsic
    def horizontal(_typing: Any, line: Any, _at: Any) -> Any:
        """Eight numbers of a line from `at`, each the sum of those around under the window."""

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            values = [
                read(
                    builder, pointer(context, builder, sig.args[0], args[0], builder.add(args[1], integer(k)))
                )
                for k in range(-HALF, HALF + 1)
            ]
            return window(builder, values, TAPS[which])

        return lanes(line, types.intp), emit

    return horizontal


_narrow, _wide = _horizontal(0), _horizontal(1)


@kernel
def _contrast(framed, height, step, lines, out):  # type: ignore[no-untyped-def]
    """out = C' of an image with a frame of HALF rows and MARGIN columns of zeros: rows of `step`."""
    width = step - 2 * MARGIN
    for y in range(0, height, ROWS):
        for c in range(MARGIN, MARGIN + width, WIDTH):
            _vertical(framed, step * y + c, step, lines, c)
        for t in range(min(ROWS, height - y)):
            for c in range(0, width, WIDTH):
                at = step * 2 * t + MARGIN + c
                contrast = magnitude(_narrow(lines, at) / _wide(lines, at + step) - 1.0)
                square = contrast * contrast
                store(out, width * (y + t) + c, contrast * square / (square + 1e-4))


def masked_contrast(seen: Real, role: str) -> Real:
    """C' = |C|³/(|C|² + 10⁻⁴) with C = (G₂∗I)/(G₄∗I) − 1, I an H×W image, G 31×31 Gaussians of σ 2 and 4 with zero borders; in `scratch` memory."""
    height, width = seen.shape
    padded = padded_shape(seen.shape)[1]
    step = padded + 2 * MARGIN
    framed = scratch("framed image", height + 2 * HALF + ROWS - 1, step)
    framed[:HALF], framed[HALF + height :] = 0.0, 0.0
    framed[:, :MARGIN], framed[:, MARGIN + width :] = 0.0, 0.0
    framed[HALF : HALF + height, MARGIN : MARGIN + width] = seen
    contrast = scratch(f"contrast of the {role} image", height, padded)
    lines = np.zeros(2 * ROWS * step)
    _contrast(framed.ravel(), height, step, lines, contrast.ravel())
    return contrast[:, :width]
