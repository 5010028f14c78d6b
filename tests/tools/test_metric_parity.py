"""Our values against those of the original implementations (goldens outside the repository)."""

import os
from pathlib import Path
from typing import Any

import metric_parity as parity
import pytest

from fusionbench.errors import MissingDataError

ROOT = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[2].parent / "shared"))
needs_goldens = pytest.mark.skipif(
    not (ROOT / "goldens/metrics/visible.csv").is_file(),
    reason=f"no goldens below {ROOT} (FUSIONBENCH_TEST_DATA)",
)
KNOWN = {
    ("cddfuse", "VIF", ""): 1e-8,
    ("cddfuse-f64", "VIF", ""): 5e-8,
    ("linfeng", "VIF", ""): 5e-8,
    ("linfeng", "SSIM", "as-published"): 2e-9,
}
"""Rounding noise in saturated areas, the original's as much as ours; see `parity.REASONS`."""

FLAT = 0.01
"""As-published NIQE and BRISQUE of images with flat areas: the sign of rounding noise enters; see `parity.NOISE`."""


@pytest.fixture(autouse=True)
def _parameters_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "FUSIONBENCH_WEIGHTS", f"{ROOT / 'weights'}{os.pathsep}{os.environ.get('FUSIONBENCH_WEIGHTS', '')}"
    )


def check(goldens: Any) -> Any:
    rows = parity.agreement(ROOT, goldens)
    assert rows
    short = {
        key: row.relative
        for key, row in rows.items()
        if row.relative
        > KNOWN.get(
            key, FLAT if "flat" in key[2] else parity.target(key[0], parity.METRIC_NAMES.get(key[1], key[1]))
        )
        and "'s parameters" not in row.missing
    }
    assert not short
    return rows


@needs_goldens
def test_no_reference_metrics() -> None:
    """NIQE to 1e-12 (its model is available), BRISQUE to 1e-10 where the authors' support vectors are."""
    wanted = {("tno", "05", "U2Fusion"), ("vifb", "manWalking", "SeAFusion")}
    rows = check([
        g for g in parity.read_goldens(ROOT)
        if g.metric in ("NIQE", "BRISQUE") and (g.dataset, g.name, g.method) in wanted
    ])  # fmt: skip
    for (_, metric, variant), row in rows.items():
        if metric == "NIQE" and "flat" not in variant:
            assert row.relative < 1e-12


@needs_goldens
def test_one_image_of_each_kind() -> None:
    wanted = {("tno", "05", "U2Fusion"), ("vifb", "manWalking", "SeAFusion"), ("msrs", "00024N", "max")}
    check([g for g in parity.read_goldens(ROOT) if (g.dataset, g.name, g.method) in wanted])


@needs_goldens
@pytest.mark.slow
def test_goldens_of_every_fourth_image() -> None:
    """``tools/metric_parity.py`` compares them all; FUSIONBENCH_EVERY_GOLDEN=1 does so here, in some minutes."""
    goldens = parity.read_goldens(ROOT)
    images = sorted({(g.dataset, g.name, g.method) for g in goldens})
    wanted = set(images if os.environ.get("FUSIONBENCH_EVERY_GOLDEN") else images[::4])
    check([g for g in goldens if (g.dataset, g.name, g.method) in wanted])


@needs_goldens
def test_default_metrics_are_all_covered() -> None:
    rows = {golden.ours for golden in parity.read_goldens(ROOT)}
    assert {("cddfuse", name) for name in ("EN", "SD", "SF", "AG", "MI", "SCD", "CC", "VIF", "Qabf")} <= rows


@needs_goldens
def test_libraries_agree_on_vif_and_ssim() -> None:
    """sewar's vifp and scikit-image's SSIM per source, on grey images, where their grey conversion can't differ from ours."""
    from fusionbench.evaluators.quality.metrics.ssim import ssim
    from fusionbench.evaluators.quality.metrics.vif import information, vif

    goldens = [
        g for g in parity.read_goldens(ROOT) if (g.dataset, g.name, g.method) == ("tno", "05", "U2Fusion")
    ]
    values = {(g.convention, g.metric): g.value for g in goldens}
    triple = parity.load_triple(ROOT, "tno", "05", "U2Fusion").grey("matlab")
    images = triple.infrared, triple.visible, triple.fused
    assert vif(information(*images)) == pytest.approx(
        (values["sewar", "vifp_ir"], values["sewar", "vifp_vi"]), rel=1e-9
    )
    gauss = values["pytorch_msssim", "SSIM_ir"], values["pytorch_msssim", "SSIM_vi"]
    # pytorch-msssim builds its window in float32, hence no closer.
    assert ssim(*images) == pytest.approx(gauss, rel=2e-5)
    box = values["skimage", "SSIM_win7_ir"], values["skimage", "SSIM_win7_vi"]
    assert ssim(*images, window="box7") == pytest.approx(box, rel=1e-12)


def test_missing_goldens_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"visible\.csv"):
        parity.read_goldens(tmp_path)


def test_table_states_the_reason() -> None:
    row = parity.Agreement()
    row.add(1.0, 1.1)
    assert "no: unexplained" in parity.render({("vifb", "EN", ""): row}, {})
    row = parity.Agreement()
    row.add(float("nan"), 1.1)
    assert "inf" in parity.render({("vifb", "EN", ""): row}, {})
    row = parity.Agreement()
    row.add(float("nan"), 1.1, "BRISQUE's parameters: not there. Fetch them.")
    assert "no: BRISQUE's parameters: not there |" in parity.render(
        {("brisque-live", "BRISQUE", ""): row}, {}
    )
