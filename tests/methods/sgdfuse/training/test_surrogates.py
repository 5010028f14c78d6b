"""Differentiable metrics against the original implementations' values, identities, and finite gradients."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench.images.codec import read_rgb
from fusionbench.methods.sgdfuse.network.luma import rgb_to_luma
from fusionbench.methods.sgdfuse.training import surrogates as S

DATA = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[4] / "../shared")).resolve()
GOLDENS = DATA / "goldens" / "metrics"


def luma(path: Path) -> torch.Tensor:
    rgb = torch.from_numpy(read_rgb(path).astype(np.float32)).permute(2, 0, 1)[None]
    return rgb_to_luma(rgb).round()


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="FUSIONBENCH_TEST_DATA has no goldens/metrics")
def test_against_the_original_implementation() -> None:
    with (GOLDENS / "visible.csv").open(encoding="utf-8") as file:
        rows = [
            row for row in csv.DictReader(file) if row["convention"] == "cddfuse" and row["dataset"] == "vifb"
        ]
    by_image: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        by_image.setdefault((row["method"], Path(row["name"]).stem), {})[row["metric"]] = float(row["value"])
    checked = 0
    for (method, stem), wanted in sorted(by_image.items())[:4]:
        folder = GOLDENS / "images" / "vifb"
        paths = [next(folder.glob(f"{part}/{stem}.*"), None) for part in ("ir", "vi", f"fused/{method}")]
        if None in paths:
            continue
        found = S.validation_metrics(*(luma(path) for path in paths if path))
        for name in ("EN", "SD", "SF", "MI", "SCD", "VIF"):
            assert float(found[name]) == pytest.approx(wanted[name], rel=2e-3), (stem, name)
        # The smooth Qabf takes angles modulo π, the original does not.
        assert float(found["Qabf"]) == pytest.approx(wanted["Qabf"], abs=0.06)
        checked += 1
    assert checked


def scene(seed: int = 0, size: int = 64) -> torch.Tensor:
    small = torch.rand(1, 1, size // 8, size // 8, generator=torch.Generator().manual_seed(seed))
    return 255 * torch.nn.functional.interpolate(small, size=(size, size), mode="bicubic").clamp(0, 1)


def test_identities() -> None:
    first, second = scene(1), scene(2)
    assert float(S.vif(first, first, first)) == pytest.approx(2, abs=2e-4)
    assert float(S.scd(first, second, first + second)) == pytest.approx(2, abs=1e-5)
    # Full strength and angle everywhere: 0.9994/(1+e^-7.5) · 0.9879/(1+e^-4.4)
    assert float(S.qabf(first, first, first)) == pytest.approx(0.9748, abs=2e-3)
    assert float(S.standard_deviation(first)) == pytest.approx(float(first.std(correction=0)), rel=1e-5)
    assert float(S.mutual_information(first, first, first)) == pytest.approx(
        2 * float(S.entropy(first)) * np.log(2), rel=1e-6
    )


# Values and norms of gradients of the definitions that the released weights were trained with.
RECORDED = {
    "vif": (0.15428748726844788, 0.00016503286315128207),
    "scd": (0.743449330329895, 0.00044443272054195404),
    "qabf": (0.2519058287143707, 0.0006465063779614866),
    "spatial_frequency": (11.341005325317383, 0.008775734342634678),
    "standard_deviation": (40.07754898071289, 0.01562499813735485),
}


@pytest.mark.parametrize("name", RECORDED)
def test_terms_are_those_of_earlier_trainings(name: str) -> None:
    first, second = scene(1), scene(2)
    fused = (0.6 * torch.maximum(first, second) + 0.4 * scene(3)).requires_grad_()
    images = (first, second, fused) if name in ("vif", "scd", "qabf") else (fused,)
    value = getattr(S, name)(*images)
    value.sum().backward()
    assert fused.grad is not None
    assert (value.item(), fused.grad.norm().item()) == pytest.approx(RECORDED[name], rel=1e-5)


def test_vif_needs_41_pixels() -> None:
    with pytest.raises(ValueError, match="41"):
        S.vif(*[torch.zeros(1, 1, 40, 64)] * 3)


@pytest.mark.parametrize("metric", [S.vif, S.qabf, S.scd])
def test_gradients_are_finite_even_for_flat_images(metric: str) -> None:
    for sources in ((scene(1), scene(2)), (torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64))):
        fused = torch.maximum(*sources).requires_grad_()
        metric(*sources, fused).sum().backward()
        assert fused.grad is not None
        assert torch.isfinite(fused.grad).all()
