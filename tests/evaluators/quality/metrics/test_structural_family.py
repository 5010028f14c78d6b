"""Piella, Cvejic, Yang, VIFF, MEF-SSIM, MS-SSIM: literal definitions with plain 2-D filtering, identities,
constants.
"""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.signal import correlate2d

from fusionbench.evaluators.quality.metrics import cvejic_yang, mef, piella, ssim, vif
from fusionbench.evaluators.quality.undefined import Undefined

RANDOM = np.random.default_rng(5)
Y, X = np.mgrid[0:70, 0:81]
A = np.clip(100 + 50 * np.sin(X / 7) + RANDOM.normal(0, 12, Y.shape), 0, 255).astype(np.uint8)
B = np.clip(120 + 60 * np.cos(Y / 9) + RANDOM.normal(0, 6, Y.shape), 0, 255).astype(np.uint8)
F = ((A.astype(int) + B) // 2).astype(np.uint8)
FLAT = np.full((70, 81), 77, np.uint8)


def window(size: Any, sigma: Any) -> Any:
    x = np.arange(size) - size // 2
    w = np.exp(-(x[:, None] ** 2 + x**2) / (2 * sigma**2))
    return w / w.sum()


def qs(*images: Any) -> Any:
    return piella.qs(piella.weighted(*images))


def qw(*images: Any) -> Any:
    return piella.qw(piella.weighted(*images).qw)


def qe(*images: Any) -> Any:
    return piella.qe(piella.weighted(*images).qw, piella.weighted_of_edges(*images))


def qc(*images: Any) -> Any:
    return cvejic_yang.qc(cvejic_yang.local_similarities(*images))


def qy(*images: Any) -> Any:
    return cvejic_yang.qy(cvejic_yang.local_similarities(*images))


def viff(*images: Any) -> Any:
    return vif.viff(vif.information(*images))


def ms_ssim(*images: Any) -> Any:
    return sum(ssim.ms_ssim(*images))


class Moments:
    """Local moments by plain 2-D correlation."""

    def __init__(self, a: Any, b: Any, f: Any, w: Any) -> None:
        local = lambda x: correlate2d(x, w, "valid")  # noqa: E731
        a, b, f = (x.astype(float) for x in (a, b, f))
        self.a, self.b, self.f = local(a), local(b), local(f)
        self.aa, self.bb = local(a * a) - self.a**2, local(b * b) - self.b**2
        self.ff, self.ab = local(f * f) - self.f**2, local(a * b) - self.a * self.b
        self.af, self.bf = local(a * f) - self.a * self.f, local(b * f) - self.b * self.f


def similarity(m: Any, n: Any, v: Any, w: Any, c: Any, c1: Any, c2: Any) -> Any:
    return (2 * m * n + c1) * (2 * c + c2) / ((m * m + n * n + c1) * (v + w + c2))


def literal_piella(a: Any, b: Any, f: Any) -> Any:
    m = Moments(a, b, f, window(11, 1.5))
    c1, c2 = 2.55**2, 7.65**2
    share = m.aa / (m.aa + m.bb)
    q = share * similarity(m.a, m.f, m.aa, m.ff, m.af, c1, c2) + (1 - share) * similarity(
        m.b, m.f, m.bb, m.ff, m.bf, c1, c2
    )
    weight = np.maximum(m.aa, m.bb)
    return q.mean(), (q * weight).sum() / weight.sum()


def prewitt(image: Any) -> Any:
    mask = np.array([[1.0, 0, -1]] * 3)
    gx = convolve(image.astype(float), mask, mode="constant")
    gy = convolve(image.astype(float), mask.T, mode="constant")
    return np.hypot(gx, gy)


def test_piella_equals_its_definition() -> None:
    first, second = literal_piella(A, B, F)
    edge = literal_piella(prewitt(A), prewitt(B), prewitt(F))[1]
    assert (qs(A, B, F), qw(A, B, F), qe(A, B, F)) == pytest.approx((first, second, second * edge), rel=1e-9)


def test_cvejic_and_yang_equal_their_definitions() -> None:
    m = Moments(A, B, F, window(7, 1.5))
    c = 2e-16
    sa, sb = similarity(m.a, m.f, m.aa, m.ff, m.af, c, c), similarity(m.b, m.f, m.bb, m.ff, m.bf, c, c)
    sab = similarity(m.a, m.b, m.aa, m.bb, m.ab, c, c)
    share = m.aa / (m.aa + m.bb)
    wanted = np.where(sab >= 0.75, share * sa + (1 - share) * sb, np.maximum(sa, sb)).mean()
    sim = np.clip(m.af / (m.af + m.bf), 0, 1)
    assert qc(A, B, F) == pytest.approx((sim * sa + (1 - sim) * sb).mean(), rel=1e-9)
    assert qy(A, B, F) == pytest.approx(wanted, rel=1e-9)


def literal_viff(a: Any, b: Any, f: Any) -> Any:
    images = [x.astype(float) for x in (a, b, f)]
    parts = []
    for scale in range(1, 5):
        n = 2 ** (5 - scale) + 1
        w = window(n, n / 5)
        if scale > 1:
            images = [correlate2d(x, w, "valid")[::2, ::2] for x in images]
        m = Moments(images[0], images[1], images[2], w)
        gains, informations, withouts = [], [], []
        for v, cross in ((m.aa, m.af), (m.bb, m.bf)):
            v, ff = np.maximum(v, 0), np.maximum(m.ff, 0)
            g = cross / (v + 1e-10)
            rest = np.where(g < 0, ff, ff - g * cross)
            g = np.maximum(g, 0)
            gains.append(g)
            noise = 0.005 * 255**2
            informations.append(np.log10(1 + g * g * v / (np.maximum(rest, 1e-10) + noise)))
            withouts.append(np.log10(1 + v / noise))
        first = gains[0] < gains[1]
        total = np.where(first, *informations) + 1e-7, np.where(first, *withouts) + 1e-7
        parts.append(total[0].sum() / total[1].sum())
    return (parts[0] + 0.15 * parts[2] + parts[3]) / 2.15


def test_viff_equals_its_definition() -> None:
    assert viff(A, B, F) == pytest.approx(literal_viff(A, B, F), rel=1e-9)


def literal_mef(a: Any, b: Any, f: Any) -> Any:
    """Patch by patch, with the patch r written out."""
    w = window(11, 1.5)
    total = count = 0
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            pa, pb, pf = (i[y : y + 11, x : x + 11].astype(float) for i in (a, b, f))
            da, db = pa - pa.mean(), pb - pb.mean()
            na, nb = np.linalg.norm(da), np.linalg.norm(db)
            consistency = min(np.linalg.norm(da + db) / (na + nb), 1 - 2.0**-52)
            power = min(np.tan(np.pi / 2 * consistency), 10)
            na, nb = na + 0.001, nb + 0.001
            wa, wb = (na / 11) ** power, (nb / 11) ** power
            s = wa / (wa + wb) * da / na + wb / (wa + wb) * db / nb
            r = s / np.linalg.norm(s) * max(na, nb)
            mr, mf = (w * r).sum(), (w * pf).sum()
            vr, vf, c = (
                (w * (r - mr) ** 2).sum(),
                (w * (pf - mf) ** 2).sum(),
                (w * (r - mr) * (pf - mf)).sum(),
            )
            total += (2 * c + 7.65**2) / (vr + vf + 7.65**2)
            count += 1
    return total / count


def test_mef_ssim_equals_the_patch_loop() -> None:
    cut = [x[:30, :40] for x in (A, B, F)]
    assert mef.mef_ssim(*cut) == pytest.approx(literal_mef(*cut), rel=1e-9)


def test_mef_ignores_brightness_and_knows_its_optimum() -> None:
    assert mef.mef_ssim(A, A, A) == pytest.approx(1.0, abs=1e-9)
    assert mef.mef_ssim(A, A, A // 2 + 60) < 0.99
    assert mef.mef_ssim(A // 2, B // 2, F // 2 + 90) == pytest.approx(
        mef.mef_ssim(A // 2, B // 2, F // 2), rel=1e-9
    )


def test_halving_of_odd_sides() -> None:
    image = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert ssim.halve(image).tolist() == [[3.0, 4.5], [7.5, 9.0]]
    assert ssim.halve(image, zero_borders=True).tolist() == [[0.25, 1.25], [2.75, 7.0]]


def test_ms_ssim_identity_and_white() -> None:
    big = np.tile(A, (3, 3))
    assert ms_ssim(big, big, big) == pytest.approx(2.0, abs=1e-12)
    scaled: list[Any] = [np.tile(x, (3, 3)) / 255.0 for x in (A, B, F)]
    wanted = ssim.ms_ssim(*[np.tile(x, (3, 3)) for x in (A, B, F)])
    assert ssim.ms_ssim(*scaled, dynamic_range=1.0) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("metric", [qs, qw, qe, qc, qy, viff, mef.mef_ssim])
def test_identity_is_one_and_sources_are_interchangeable(metric: str) -> None:
    assert metric(A, A, A) == pytest.approx(1.0, abs=1e-9)
    assert metric(A, B, F) == pytest.approx(metric(B, A, F), rel=1e-9)


@pytest.mark.parametrize("metric", [qs, qc, qy, viff, mef.mef_ssim, mef.mef_ms_ssim])
def test_constant_images_are_finite(metric: str) -> None:
    for images in ((FLAT, FLAT, FLAT), (FLAT, B, F), (A, B, FLAT), (FLAT, FLAT, F), (FLAT * 0, B, FLAT * 0)):
        assert np.isfinite(metric(*images))
    assert metric(FLAT, FLAT, FLAT) == pytest.approx(1.0, abs=1e-9)


def test_weighted_metrics_refuse_flat_sources() -> None:
    with pytest.raises(Undefined, match="flat"):
        qw(FLAT, FLAT, F)


@pytest.mark.parametrize(
    ("metric", "side"),
    [
        (qs, 11),
        (qc, 7),
        (viff, 41),
        (mef.mef_ssim, 11),
        (mef.mef_ms_ssim, 41),
        (ms_ssim, 161),
    ],
)
def test_minimum_sizes(metric: str, side: Any) -> None:
    image = RANDOM.integers(0, 256, (side, side), dtype=np.uint8)
    assert np.isfinite(metric(image, image, image))
    with pytest.raises(Undefined, match=f"{side}×{side}"):
        metric(image[1:], image[1:], image[1:])
