"""Phase congruency against a literal, slow transcription of Kovesi's equations; Qp's properties."""

from typing import Any

import numpy as np
import pytest

from fusionbench.evaluators.quality.metrics import phase_congruency as pc
from fusionbench.evaluators.quality.metrics.qp import qp
from fusionbench.evaluators.quality.undefined import Undefined

RANDOM = np.random.default_rng(3)


def scene(height: Any, width: Any) -> Any:
    y, x = np.mgrid[0:height, 0:width]
    image = 90 + 60 * (x > width // 2) + 40 * np.sin(y / 5.0) + RANDOM.normal(0, 4, (height, width))
    return np.clip(image, 0, 255).astype(np.uint8)


def literal(image: Any) -> Any:
    """Every filter, every inverse transform (the noise filters' too), no shortcut."""
    rows, columns = image.shape

    def frequencies(n: Any) -> Any:
        return np.arange(-(n - 1) / 2, (n - 1) / 2 + 1) / (n - 1) if n % 2 else np.arange(-n / 2, n / 2) / n

    x, y = np.meshgrid(frequencies(columns), frequencies(rows))
    radius, theta = np.fft.ifftshift(np.hypot(x, y)), np.fft.ifftshift(np.arctan2(-y, x))
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    spectrum = np.fft.fft2(image.astype(float))
    energies: Any = 0
    amplitudes: Any = 0
    xx: Any = 0
    yy: Any = 0
    xy: Any = 0
    for o in range(6):
        angle = o * np.pi / 6
        sine = np.sin(theta) * np.cos(angle) - np.cos(theta) * np.sin(angle)
        cosine = np.cos(theta) * np.cos(angle) + np.sin(theta) * np.sin(angle)
        spread = np.exp(-(np.arctan2(sine, cosine) ** 2) / (2 * (np.pi / 6 / 1.2) ** 2))
        responses, kernels = [], []
        for s in range(4):
            gabor = np.exp(-(np.log(radius * 3 * 2.1**s) ** 2) / (2 * np.log(0.55) ** 2)) * low_pass
            gabor[0, 0] = 0
            kernels.append(np.fft.ifft2(gabor * spread).real * np.sqrt(rows * columns))
            responses.append(np.fft.ifft2(spectrum * gabor * spread))
            if s == 0:
                finest = ((gabor * spread) ** 2).sum()
        even, odd = sum(r.real for r in responses), sum(r.imag for r in responses)
        size = np.hypot(even, odd) + 1e-4
        me, mo = even / size, odd / size
        energy = sum(r.real * me + r.imag * mo - abs(r.real * mo - r.imag * me) for r in responses)
        power = np.median(abs(responses[0]) ** 2) / np.log(2) / finest
        squares = sum((k**2).sum() for k in kernels)
        products = sum((kernels[i] * kernels[j]).sum() for i in range(4) for j in range(i + 1, 4))
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7
        amplitude = sum(abs(r) for r in responses)
        width = amplitude / (np.max([abs(r) for r in responses], axis=0) + 1e-4) / 4
        energy = np.maximum(energy - threshold, 0) / (1 + np.exp((0.5 - width) * 10))
        energies, amplitudes = energies + energy, amplitudes + amplitude
        cx, cy = energy / amplitude * np.cos(angle), energy / amplitude * np.sin(angle)
        xx, yy, xy = xx + cx * cx, yy + cy * cy, xy + cx * cy
    xx, yy, xy = xx / 3, yy / 3, 4 * xy / 6
    root = np.sqrt(xy**2 + (xx - yy) ** 2) + 1e-4
    return energies / (amplitudes + 1e-4), (xx + yy + root) / 2, (xx + yy - root) / 2


@pytest.mark.parametrize("shape", [(64, 48), (63, 50), (40, 61), (37, 53), (2, 9), (164, 96)])
def test_equals_the_literal_transcription(shape: Any) -> None:
    image = scene(*shape)
    for ours, wanted in zip(pc.phase_congruency(image), literal(image), strict=True):
        assert ours == pytest.approx(wanted, abs=1e-12)


def test_qp_is_one_for_a_fusion_that_is_both_sources() -> None:
    image = scene(64, 64)
    assert qp(image, image, image) == pytest.approx(1.0, abs=1e-12)


def test_qp_is_symmetric_in_the_sources() -> None:
    a, b, f = scene(64, 64), scene(64, 64).T.copy(), scene(64, 64)
    assert qp(a, b, f) == pytest.approx(qp(b, a, f), rel=1e-12)


def test_qp_falls_with_noise() -> None:
    image = scene(64, 64)
    noisy = [np.clip(image + RANDOM.normal(0, s, image.shape), 0, 255).astype(np.uint8) for s in (8, 60)]
    values = [qp(image, image, f) for f in (image, *noisy)]
    assert values[0] > values[1] > values[2]


def test_constant_images_have_no_features() -> None:
    flat = np.full((32, 32), 80, np.uint8)
    assert pc.phase_congruency(flat).congruency.max() == 0.0
    with pytest.raises(Undefined, match="0/0"):
        qp(flat, flat, flat)
    with pytest.raises(Undefined, match="2×2"):
        qp(flat[:1], flat[:1], flat[:1])
