"""Writes `docs/metric-parity.md`: how far each metric is from the values of the original implementations.

``python tools/metric_parity.py [--data FOLDER] [--out FILE]``, where FOLDER holds `goldens/metrics` and
`data` (the environment
variable FUSIONBENCH_TEST_DATA by default).
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fusionbench.errors import MissingDataError
from fusionbench.evaluators.quality.conventions.scoring import MetricValue, metric_value
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.inputs.triple import Triple
from fusionbench.images.codec import read_image

SOURCES = {"vifb": "goldens/metrics/images/vifb", "tno": "data/tno", "msrs": "data/msrs/test"}
METRIC_NAMES = {"MS_SSIM": "MS-SSIM", "FMI_w": "FMI_wavelet", "FMI_none": "FMI_pixel"}
"""Names in the golden file that differ from ours."""
CONVENTION_NAMES = {"niqe-utlive": "utlive", "brisque-live": "utlive"}
MENDED = {
    "linfeng": "corrected",
    "vifb": "vifb-corrected",
    "niqe-utlive": "utlive-corrected",
    "brisque-live": "utlive-corrected",
}
"""The convention that holds the mended variant of an original's metric."""
TARGETS = {"cddfuse": 1e-6}
"""Relative difference allowed: the original `cddfuse` works in float32; elsewhere 1e-9."""
NOISE = (
    "where a neighbourhood is flat, I − μ is rounding noise of the filter's summation order (BLAS, FMA), and its "
    "sign enters the fits; "
    "`corrected` sets it to 0 in both"
)
REASONS = {
    "VIF": "where an image is saturated (VIFB carLight: the headlights) local variances are rounding noise near the "
    "threshold 1e-10: one or two images of 42; "
    "a literal 2-D convolution in float64 stays 2.3e-8 away from the original on the same image",
    "SSIM": "with L = 1 the constant C₂ is 9e-4, and rounding noise of variances shows where an image is saturated (VIFB "
    "carLight); in extended precision "
    "the value lies 7.6e-10 below the original's and 2.8e-10 above ours",
    "FMI_w": "the original's dmey filter has 102 taps, PyWavelets' 62",
    "FMI_wavelet": "the original's dmey filter has 102 taps, PyWavelets' 62",
    "NIQE": NOISE,
    "BRISQUE": NOISE,
}


@dataclass(frozen=True)
class Golden:
    """One value of an original implementation."""

    dataset: str
    name: str
    method: str
    convention: str
    metric: str
    variant: str
    value: float
    flat: bool = False
    """Whether the image has pixels with |I − μ| < 1e-8, whose rounding noise NIQE and BRISQUE pick up as
    published.
    """

    @property
    def ours(self) -> tuple[str, str]:
        """Our convention and metric for it."""
        names = MENDED if self.variant == "corrected" else CONVENTION_NAMES
        convention = names.get(self.convention, self.convention)
        return convention, METRIC_NAMES.get(self.metric, self.metric)

    @property
    def row(self) -> tuple[str, str, str]:
        """The row of the table that it counts in: (convention, metric, variant)."""
        noisy = self.flat and self.metric in ("NIQE", "BRISQUE") and self.variant == "as-published"
        return self.convention, self.metric, f"{self.variant}, flat pixels" if noisy else self.variant


def read_goldens(root: Path) -> list[Golden]:
    """The golden values below `root`, without those printed with five digits. Raises ``MissingDataError``
    if there are none.
    """
    path = root / "goldens/metrics/visible.csv"
    if not path.is_file():
        raise MissingDataError(
            f"{path}: no such file; point FUSIONBENCH_TEST_DATA or --data at the folder that holds goldens/ and data/"
        )
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if "5 digits" not in line["source"]]
    images = {
        (r["dataset"], r["name"], r["method"])
        for r in lines
        if r["metric"] == "flat_pixels" and float(r["value"])
    }
    return [
        Golden(r["dataset"], r["name"], r["method"], r["convention"], r["metric"], r["variant"], float(r["value"]),
               (r["dataset"], r["name"], r["method"]) in images)
        for r in lines
    ]  # fmt: skip


def load_triple(root: Path, dataset: str, name: str, method: str) -> Triple:
    """The images that a golden value belongs to. Raises ``MissingDataError`` naming the missing file."""

    def find(folder: Path) -> Path:
        for path in sorted(folder.glob(f"{name}.*")):
            return path
        raise MissingDataError(f"{folder}: no image called {name}")

    sources = root / SOURCES[dataset]
    fused = root / "goldens/metrics/images" / dataset / "fused" / method
    return Triple.of(*(read_image(find(folder)) for folder in (sources / "ir", sources / "vi", fused)))


@dataclass
class Agreement:
    """Differences of one metric, convention and variant over the golden images."""

    count: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    missing: str = ""

    def add(self, ours: float, golden: float, reason: str = "") -> None:
        """Count one value; a NaN of ours counts as infinitely far, for a reason that the row tells."""
        self.missing = self.missing or reason
        difference = abs(ours - golden) if math.isfinite(ours) else math.inf
        self.count += 1
        self.absolute = max(self.absolute, difference)
        self.relative = max(self.relative, difference / abs(golden) if golden else difference)


def compare(root: Path, goldens: list[Golden]) -> Iterator[tuple[Golden, MetricValue]]:
    """Each golden value that one of our formulas reproduces, with our value."""
    triples: dict[tuple[str, str, str], Triple] = {}
    for golden in goldens:
        convention, metric = golden.ours
        formula = FORMULAS.get(convention, {}).get(metric)
        if formula is None:
            continue
        key = golden.dataset, golden.name, golden.method
        if key not in triples:
            triples = {key: load_triple(root, *key)}
        yield golden, metric_value(formula, triples[key])


def agreement(root: Path, goldens: list[Golden]) -> dict[tuple[str, str, str], Agreement]:
    """The table's rows: (convention, metric, variant) → how far."""
    rows: dict[tuple[str, str, str], Agreement] = defaultdict(Agreement)
    for golden, value in compare(root, goldens):
        rows[golden.row].add(value.value, golden.value, value.reason or "")
    return dict(rows)


def target(convention: str) -> float:
    """The relative difference that a convention's values should stay below."""
    return TARGETS.get(convention, 1e-9)


def render(rows: Mapping[tuple[str, str, str], Agreement]) -> str:
    """The table as Markdown."""
    lines = [
        "# Metric parity",
        "",
        "Written by `python tools/metric_parity.py`; do not edit.",
        "",
        "Our value against the original implementation's, image by image. The original code is not included here.",
        "`niqe-utlive` and `brisque-live` are our conventions `utlive` and `utlive-corrected`; their images with flat areas",
        "have rows of their own.",
        "",
        "| convention | metric | variant | n | max abs difference | max relative | within target |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    for (convention, metric, variant), row in sorted(rows.items()):
        reason = row.missing.partition(". ")[0] or REASONS.get(metric, "unexplained")
        within = "yes" if row.relative <= target(convention) else f"no: {reason}"
        lines.append(
            f"| {convention} | {metric} | {variant} | {row.count} | {row.absolute:.2e} | {row.relative:.2e} | {within} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Compare and write the table; 0 if every row is within its target, 1 if not."""
    parser = argparse.ArgumentParser(
        description="Compare the quality metrics with the values of the original implementations."
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("FUSIONBENCH_TEST_DATA", "../shared")),
        help="folder with goldens/ and data/",
    )
    parser.add_argument("--out", type=Path, default=Path("docs/metric-parity.md"), help="file to write")
    options = parser.parse_args(arguments)
    try:
        rows = agreement(options.data, read_goldens(options.data))
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(render(rows), encoding="utf-8")
    short = [key for key, row in rows.items() if row.relative > target(key[0])]
    print(f"{len(rows)} rows, {len(short)} beyond their target; written to {options.out}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
