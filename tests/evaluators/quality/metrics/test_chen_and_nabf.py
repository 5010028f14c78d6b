"""Qcb, Qcv against full complex transforms and literal filters; edge balance against plain NumPy; constants."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.signal import convolve2d

from fusionbench.evaluators.quality.metrics import chen, nabf
from fusionbench.evaluators.quality.undefined import Undefined

RANDOM = np.random.default_rng(2)


def images(height: Any, width: Any) -> Any:
    y, x = np.mgrid[0:height, 0:width]
    a = np.clip(120 + 60 * np.sin(x / 6.0) + RANDOM.normal(0, 15, x.shape), 0, 255).astype(np.uint8)
    b = np.clip(100 + 70 * np.cos(y / 8.0) + RANDOM.normal(0, 9, x.shape), 0, 255).astype(np.uint8)
    return a, b, ((a.astype(int) + 2 * b) // 3).astype(np.uint8)


def stretched(image: Any) -> Any:
    v = image.astype(float)
    return np.floor((v - v.min()) / (v.max() - v.min()) * 255 + 0.5)


def frequency_filter(image: Any, response: Any, divisor: Any) -> Any:
    """fftshift, multiply, shift back; frequencies as MATLAB's freqspace gives them."""

    def grid(n: Any) -> Any:
        return np.arange(-n + 1, n, 2) / n if n % 2 else np.arange(-n, n - 1, 2) / n

    height, width = image.shape
    u, v = np.meshgrid(width / divisor * grid(width), height / divisor * grid(height))
    shifted = np.fft.fftshift(np.fft.fft2(image)) * response(np.hypot(u, v))
    return np.fft.ifft2(np.fft.ifftshift(shifted)).real


def literal_qcb(a: Any, b: Any, f: Any) -> Any:
    def csf(r: Any) -> Any:
        return np.exp(-((r / 15.3870) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))

    y, x = np.mgrid[-15:16, -15:16]
    g2, g4 = (np.exp(-(x * x + y * y) / (2 * s * s)) / (2 * np.pi * s * s) for s in (2, 4))
    masked = []
    for image in (a, b, f):
        seen = frequency_filter(stretched(image), csf, 30)
        contrast = abs(convolve2d(seen, g2, "same") / convolve2d(seen, g4, "same") - 1)
        masked.append(contrast**3 / (contrast**2 + 1e-4))
    ca, cb, cf = masked
    qa, qb = np.minimum(ca, cf) / np.maximum(ca, cf), np.minimum(cb, cf) / np.maximum(cb, cf)
    share = ca**2 / (ca**2 + cb**2)
    return (share * qa + (1 - share) * qb).mean()


def literal_qcv(a: Any, b: Any, f: Any) -> Any:
    def csf(r: Any) -> Any:
        return 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1))

    sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    def blocks(v: Any) -> Any:
        v = np.pad(v, ((0, -v.shape[0] % 16), (0, -v.shape[1] % 16)))
        return v.reshape(v.shape[0] // 16, 16, v.shape[1] // 16, 16).transpose(0, 2, 1, 3).reshape(-1, 256)

    total = weight = 0.0
    for source in (a, b):
        v = stretched(source)
        g = np.hypot(convolve2d(v, sobel, "same"), convolve2d(v, sobel.T, "same"))
        saliency = (blocks(g) ** 5).sum(1)
        total += (saliency * (blocks(frequency_filter(v - stretched(f), csf, 8)) ** 2).mean(1)).sum()
        weight += saliency.sum()
    return total / weight


@pytest.mark.parametrize("shape", [(48, 64), (47, 64), (50, 71)])
def test_chen_metrics_equal_the_literal_ones(shape: Any) -> None:
    triple = images(*shape)
    wanted = literal_qcb(*triple), literal_qcv(*triple)
    assert (chen.qcb(*triple), chen.qcv(*triple)) == pytest.approx(wanted, rel=1e-10)


def test_chen_metrics_of_identical_images() -> None:
    a = images(40, 40)[0]
    assert (chen.qcb(a, a, a), chen.qcv(a, a, a)) == pytest.approx((1.0, 0.0), abs=1e-12)


def test_chen_metrics_name_the_constant_image() -> None:
    a, b, f = images(40, 40)
    flat = np.full_like(a, 12)
    for triple, name in (((flat, b, f), "infrared"), ((a, flat, f), "visible"), ((a, b, flat), "fused")):
        with pytest.raises(Undefined, match=f"constant {name}"):
            chen.qcb(*triple)
        with pytest.raises(Undefined, match=f"constant {name}"):
            chen.qcv(*triple)


def literal_balance(a: Any, b: Any, f: Any, weak: Any = 0.001, from_both: Any = False) -> Any:
    def edges(image: Any) -> Any:
        v = np.pad(image.astype(float), 1, mode="reflect")
        h = convolve(v, np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[:, ::-1] / 8)[1:-1, 1:-1]
        w = convolve(v, np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])[::-1] / 8)[1:-1, 1:-1]
        with np.errstate(all="ignore"):
            return np.hypot(h, w), np.where((h == 0) & (w == 0), 0.0, np.arctan(h / w))

    (ga, aa), (gb, ab), (gf, af) = edges(a), edges(b), edges(f)
    kept, weights = [], []
    for g, angle in ((ga, aa), (gb, ab)):
        ratio = np.where((g == 0) | (gf == 0), 0.0, np.minimum(g, gf) / np.maximum(np.maximum(g, gf), 1e-12))
        turn = abs(abs(angle - af) - np.pi / 2) * 2 / np.pi
        strength, orientation = (
            0.9999 / (1 + np.exp(-19 * (ratio - 0.5))),
            0.9995 / (1 + np.exp(-22 * (turn - 0.5))),
        )
        kept.append(np.sqrt(strength * orientation))
        weights.append(np.where(g >= 2, g**1.5, weak))
    (qa, qb), (wa, wb) = kept, weights
    added = (gf > ga) & (gf > gb)
    lost = (gf <= ga) & (gf <= gb) if from_both else ~added
    missing, norm = (1 - qa) * wa + (1 - qb) * wb, (wa + wb).sum()
    return (
        (qa * wa + qb * wb).sum() / norm,
        (missing * lost).sum() / norm,
        (missing * added).sum() / norm,
        (added * (2 - qa - qb) * (wa + wb)).sum() / norm,
    )


@pytest.mark.parametrize("shape", [(30, 41), (2, 2), (5, 2)])
def test_edge_balance_equals_the_literal_one(shape: Any) -> None:
    triple = images(*shape)
    assert nabf.edge_balance(*triple) == pytest.approx(literal_balance(*triple), rel=1e-11, abs=1e-15)


def test_zoos_balance_leaves_out_weak_edges_and_what_one_source_has() -> None:
    a, b, f = images(30, 41)
    a[:, :20], b[:15], f[8:20] = 0, 90, 255
    ours = nabf.edge_balance(a, b, f, weak_weight=0.0, lost_from_both=True)
    assert ours == pytest.approx(literal_balance(a, b, f, weak=0.0, from_both=True), rel=1e-11)
    assert ours.qabf + ours.labf + ours.nabf < 0.999
    flat = np.full_like(a, 40)
    with pytest.raises(Undefined, match="weak edges"):
        nabf.edge_balance(flat, flat, f, weak_weight=0.0)


def test_edge_balance_with_flat_areas() -> None:
    a, b, f = images(30, 41)
    a[:, :20], b[:15], f[8:20] = 0, 90, 255
    assert nabf.edge_balance(a, b, f) == pytest.approx(literal_balance(a, b, f), rel=1e-11)


def test_kept_lost_and_added_are_everything() -> None:
    balance = nabf.edge_balance(*images(30, 41))
    assert balance.qabf + balance.labf + balance.nabf == pytest.approx(1.0, abs=1e-12)


def test_named_metrics_are_the_fields() -> None:
    triple = images(30, 41)
    names = (nabf.qabf_petrovic, nabf.labf, nabf.nabf, nabf.nabf_petrovic)
    assert tuple(metric(nabf.edge_balance(*triple)) for metric in names) == nabf.edge_balance(*triple)


def test_fusion_that_adds_nothing_has_no_artefacts() -> None:
    a, _, _ = images(30, 41)
    assert nabf.edge_balance(a, a, a).nabf == 0.0
    assert nabf.edge_balance(a, a, np.full_like(a, 9)).nabf == 0.0


def test_constants_and_the_smallest_size() -> None:
    flat = np.full((9, 9), 40, np.uint8)
    assert nabf.edge_balance(flat, flat, flat) == pytest.approx((0.0086487, 0.9913513, 0, 0), abs=1e-6)
    with pytest.raises(Undefined, match="2×2"):
        nabf.edge_balance(flat[:1], flat[:1], flat[:1])
