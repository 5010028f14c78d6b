"""Qp with phase congruency's energies pixel by pixel: `phase_congruency.add_orientation`."""

from __future__ import annotations

import math
from functools import partial

from ..metrics import phase_congruency as definition
from ..metrics import qp as of_maps
from ..metrics.windows import Real
from .compiling import kernel

CUTOFF, GAIN, EPSILON = definition.CUTOFF, definition.GAIN, definition.EPSILON


@kernel
def _add(responses, threshold, cosine, sine, sums):  # type: ignore[no-untyped-def]
    """Add an orientation's responses (scales×H×W) to the five sums."""
    scales, height, width = responses.shape
    for row in range(height):
        for column in range(width):
            total, amplitude, largest = 0j, 0.0, 0.0
            for s in range(scales):
                r = responses[s, row, column]
                size = math.sqrt(r.real * r.real + r.imag * r.imag)
                total += r
                amplitude += size
                largest = max(largest, size)
            sums[1, row, column] += amplitude
            norm = math.sqrt(total.real * total.real + total.imag * total.imag) + EPSILON
            x, y = total.real / norm, -total.imag / norm
            energy = -threshold
            for s in range(scales):
                r = responses[s, row, column]
                energy += r.real * x - r.imag * y - abs(r.real * y + r.imag * x)
            if energy <= 0.0:  # noise: nothing is added
                continue
            spread = amplitude / (largest + EPSILON) / scales
            energy /= 1.0 + math.exp((CUTOFF - spread) * GAIN)
            congruency = energy / amplitude
            cx, cy = congruency * cosine, congruency * sine
            sums[0, row, column] += energy
            sums[2, row, column] += cx * cx
            sums[3, row, column] += cy * cy
            sums[4, row, column] += cx * cy


def add_orientation(responses: definition.Complex, threshold: float, orientation: float, sums: Real) -> None:
    """As `phase_congruency.add_orientation`."""
    _add(responses, threshold, math.cos(orientation), math.sin(orientation), sums)


qp = partial(of_maps.qp, of_image=partial(definition.phase_congruency, add=add_orientation))
"""As `qp.qp`."""
