"""Mask providers that need no weights, their choice, and the cache."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.errors import ImageError, InputError, UnknownNameError
from fusionbench.images.codec import read_image, write_png
from fusionbench.methods.sgdfuse.masks import MaskCache, best_available, get_provider, image_hash
from fusionbench.methods.sgdfuse.masks.provider import ProviderUnavailableError


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights that this machine may have must not change the outcome."""
    for name in ("SAM_CHECKPOINT", "MOBILE_SAM_WEIGHTS", "YOLO_SEG_WEIGHTS", "WEIGHTS"):
        monkeypatch.delenv(f"FUSIONBENCH_{name}", raising=False)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def msrs_train(request: pytest.FixtureRequest) -> Path:
    root = Path(os.environ.get("FUSIONBENCH_TEST_DATA", request.config.rootpath.parent / "shared"))
    folder = root / "data" / "msrs" / "train"
    if not folder.is_dir():
        pytest.skip(f"real images are not at hand ({folder}); set FUSIONBENCH_TEST_DATA")
    return folder


def picture(seed: int = 0, shape: tuple[int, ...] = (48, 64, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def thermal_scene() -> tuple[np.ndarray, np.ndarray]:
    """A dark noisy 240×320 infrared scene with two warm figures; the image and their mask."""
    generator = np.random.default_rng(3)
    scene = generator.normal(40, 4, (240, 320))
    warm = np.zeros((240, 320), dtype=np.uint8)
    cv2.ellipse(warm, (90, 130), (14, 45), 0, 0, 360, 1, -1)
    cv2.ellipse(warm, (230, 120), (6, 18), 0, 0, 360, 1, -1)
    scene[warm == 1] += 130
    return np.clip(cv2.GaussianBlur(scene, (0, 0), 1), 0, 255).astype(np.uint8), warm.astype(bool)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["saliency", "random", "none"]), st.integers(0, 1000), st.booleans())
def test_maps_are_float32_in_range_and_repeatable(name: str, seed: int, colour: bool) -> None:
    image = picture(seed, (37, 53, 3) if colour else (37, 53))
    objectness = get_provider(name).objectness(image)
    assert objectness.dtype == np.float32
    assert objectness.shape == (37, 53)
    assert 0 <= objectness.min() <= objectness.max() <= 1
    np.testing.assert_array_equal(objectness, get_provider(name).objectness(image.copy()))


def test_saliency_finds_warm_figures() -> None:
    infrared, warm = thermal_scene()
    objectness = get_provider("saliency").objectness(infrared)
    assert objectness[warm].mean() > 0.6
    assert objectness[~cv2.dilate(warm.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 0.02


def test_saliency_prefers_warm_to_cold() -> None:
    infrared, warm = thermal_scene()
    cold = get_provider("saliency").objectness((215 - np.minimum(infrared, 215)).astype(np.uint8))
    assert cold[warm].mean() < get_provider("saliency").objectness(infrared)[warm].mean()


def test_saliency_finds_an_object_that_differs_in_colour_alone() -> None:
    scene = np.full((120, 160, 3), (90, 110, 90), dtype=np.uint8)
    scene[40:80, 60:90] = (150, 80, 95)
    objectness = get_provider("saliency").objectness(scene)
    assert objectness[45:75, 65:85].mean() > 0.6
    assert objectness[:25].max() == 0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_saliency_of_a_flat_noisy_image_is_nothing(level: int) -> None:
    noisy = np.clip(np.random.default_rng(0).normal(level, 2, (96, 128)), 0, 255).astype(np.uint8)
    assert get_provider("saliency").objectness(noisy).max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 47, 3), (700, 900)])
def test_saliency_takes_any_size(shape: tuple[int, ...]) -> None:
    assert get_provider("saliency").objectness(picture(1, shape)).shape == shape[:2]


def test_saliency_on_real_pairs(msrs_train: Path) -> None:
    """Labels exist for the test set alone, so this checks contrast, not classes: warm pixels stand out."""
    infrared = np.ascontiguousarray(read_image(msrs_train / "ir" / "00003N.webp")[..., 0])
    objectness = get_provider("saliency").objectness(infrared)
    assert objectness[infrared > 120].mean() > 0.7
    assert objectness.mean() < 0.1


def test_random_depends_on_content_and_seed_alone() -> None:
    provider = get_provider("random")
    first, second = provider.objectness(picture(1)), provider.objectness(picture(2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, get_provider("random", seed=1).objectness(picture(1)))
    np.testing.assert_array_equal(first, provider.objectness(picture(1), name="elsewhere"))


def test_random_covers_whole_rectangles_of_the_documented_area() -> None:
    for seed in range(20):
        objectness = get_provider("random", count=1).objectness(picture(seed, (200, 200)))
        rows, columns = np.flatnonzero(objectness.any(axis=1)), np.flatnonzero(objectness.any(axis=0))
        assert (objectness[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] > 0).all()
        assert 0.0015 < (objectness > 0).mean() < 0.11


def test_random_can_carry_the_image_itself() -> None:
    image = np.full((60, 80), 51, dtype=np.uint8)
    objectness = get_provider("random", content="image").objectness(image)
    assert set(np.unique(objectness)) == {np.float32(0), np.float32(0.2)}


def test_none_is_zero() -> None:
    assert not get_provider("none").objectness(picture()).any()


def test_file_finds_maps_by_name_and_by_hash(tmp_path: Path) -> None:
    image = picture()
    named, hashed = picture(5, (48, 64)), picture(6, (48, 64))
    (tmp_path / "ir").mkdir()
    write_png(tmp_path / "ir" / "00001D.png", named)
    provider = get_provider("file", folder=tmp_path)
    np.testing.assert_allclose(provider.objectness(image, "ir/00001D"), named / 255, atol=1e-6)
    with pytest.raises(ImageError, match="no mask for the image"):
        provider.objectness(image)
    write_png(tmp_path / f"{image_hash(image)}.png", hashed)
    np.testing.assert_allclose(provider.objectness(image), hashed / 255, atol=1e-6)
    np.save(tmp_path / "float.npy", np.full((48, 64), 0.25))
    assert (provider.objectness(image, "float") == 0.25).all()
    assert not get_provider("file", folder=tmp_path, missing="zero").objectness(picture(9)).any()


def test_file_refuses_what_does_not_fit(tmp_path: Path) -> None:
    provider = get_provider("file", folder=tmp_path)
    write_png(tmp_path / "small.png", picture(0, (5, 5)))
    with pytest.raises(ImageError, match=r"small\.png is \(5, 5\)"):
        provider.objectness(picture(), "small")
    np.save(tmp_path / "large.npy", np.full((48, 64), 2.0))
    with pytest.raises(ImageError, match=r"floats in \[0,1\]"):
        provider.objectness(picture(), "large")
    for name in ("../secret", "/etc/passwd", "a/../../b", ""):
        with pytest.raises(InputError, match="not a name"):
            provider.objectness(picture(), name)
    with pytest.raises(ProviderUnavailableError, match="no folder"):
        get_provider("file", folder=tmp_path / "absent")


def test_fingerprints_tell_options_apart() -> None:
    prints = {
        get_provider("random").fingerprint,
        get_provider("random", seed=1).fingerprint,
        get_provider("saliency").fingerprint,
        get_provider("none").fingerprint,
    }
    assert len(prints) == 4
    assert get_provider("random").fingerprint.startswith("random(")


def test_bad_images_options_and_names_are_refused() -> None:
    provider = get_provider("saliency")
    images: list[Any] = [np.zeros((4, 4)), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)]
    for bad in images:
        with pytest.raises(ImageError):
            provider.objectness(bad)
    with pytest.raises(UnknownNameError, match="saliency"):
        get_provider("sallience")
    with pytest.raises(InputError, match="its options: count, content, seed"):
        get_provider("random", size=3)
    with pytest.raises(InputError, match="content"):
        get_provider("random", content="holes")


def test_best_available_says_why_it_fell_back() -> None:
    chosen = best_available("sam")
    assert (chosen.provider.name, chosen.requested) == ("two-sensor", "sam")
    assert chosen.reason is not None
    for part in ("sam (sam-vit-b: ", "mobile-sam (", "yolo-seg (", "fusionbench weights fetch"):
        assert part in chosen.reason
    assert best_available("auto").provider.name == "two-sensor"
    assert best_available("saliency").reason is None
    assert best_available("random", seed=4).provider.fingerprint == get_provider("random", seed=4).fingerprint


def test_best_available_does_not_replace_what_was_named_on_purpose(tmp_path: Path) -> None:
    with pytest.raises(ProviderUnavailableError, match="absent"):
        best_available("sam", checkpoint=tmp_path / "absent.pth")
    with pytest.raises(ProviderUnavailableError, match="no folder"):
        best_available("file", folder=tmp_path / "absent")


class Counting:
    """A provider that counts its calls."""

    name = "counting"

    def __init__(self, fingerprint: str = "counting-1") -> None:
        self.fingerprint = fingerprint
        self.calls = 0

    def objectness(self, image: np.ndarray, name: str | None = None) -> np.ndarray:
        self.calls += 1
        return np.linspace(0, 1, image.shape[0] * image.shape[1], dtype=np.float32).reshape(image.shape[:2])


def test_cache_computes_once_and_changes_nothing(tmp_path: Path) -> None:
    provider, cache = Counting(), MaskCache(tmp_path)
    first = cache.objectness(provider, picture())
    second = MaskCache(tmp_path).objectness(provider, picture())
    assert provider.calls == 1
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, provider.objectness(picture()), atol=0.5 / 255 + 1e-6)
    cache.objectness(provider, picture(1))
    cache.objectness(Counting("counting-2"), picture())
    assert len(list(tmp_path.rglob("*.npz"))) == 3
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".npz"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_cache_recomputes_damaged_entries(tmp_path: Path, damage: str) -> None:
    provider, cache = Counting(), MaskCache(tmp_path)
    expected = cache.objectness(provider, picture())
    path = cache.path(provider, picture())
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 0xFF
    path.write_bytes(
        {"truncated": bytes(data[:-40]), "flipped": bytes(data), "empty": b"", "text": b"hello"}[damage]
    )
    np.testing.assert_array_equal(cache.objectness(provider, picture()), expected)
    assert provider.calls == 2
    cache.objectness(provider, picture())
    assert provider.calls == 2


def test_artifacts_are_data_and_need_no_heavy_import() -> None:
    code = (
        "import sys; from fusionbench.methods.sgdfuse.masks.artifacts import MASK_ARTIFACTS as a; "
        "assert [x.name for x in a] == ['sam-vit-b', 'sam-vit-l', 'sam-vit-h', 'mobile-sam', 'yolov8n-seg']; "
        "assert all(x.sha256 or x.git_blob for x in a); "
        "assert not {'torch', 'numpy', 'cv2'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
