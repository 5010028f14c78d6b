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
from typing import Any, cast

from fusionbench.errors import MissingDataError
from fusionbench.evaluators.quality.conventions.scoring import MetricValue, metric_value
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.inputs.triple import Triple
from fusionbench.images.codec import read_image

DEMO = Path(__file__).resolve().parents[1] / "tests/goldens/metrics"
"""Goldens on our own scenes, which are part of the repository."""
SOURCES = {"vifb": "goldens/metrics/images/vifb", "tno": "data/tno", "msrs": "data/msrs/test"}
METRIC_NAMES = {"MS_SSIM": "MS-SSIM", "FMI_w": "FMI_wavelet", "FMI_none": "FMI_pixel"}
"""Names in the golden file that differ from ours."""
CONVENTION_NAMES = {"niqe-utlive": "utlive", "brisque-live": "utlive", "ivif-zoo-f64": "ivif-zoo"}
MENDED = {
    "linfeng": "corrected",
    "vifb": "vifb-corrected",
    "niqe-utlive": "utlive-corrected",
    "brisque-live": "utlive-corrected",
}
"""The convention that holds the mended variant of an original's metric."""
FLOAT32 = {"AG", "CC", "MSE", "PSNR", "Qabf", "SCD", "SD", "SF"}
"""Metrics that the original `cddfuse` sums in float32."""
NOT_COMPARED = ("ill-conditioned", "degenerate")
"""Variants of goldens that depend on rounding alone."""
NOISE = (
    "where a neighbourhood is flat, I − μ is rounding noise of the filter's summation order (BLAS, FMA), and"
    " its sign enters the fits; `corrected` sets it to 0 in both"
)
REASONS = {
    "VIF": (
        "where an image is saturated (VIFB carLight: the headlights) local variances are rounding noise near"
        " the threshold 1e-10: one or two images of 42; a literal 2-D convolution in float64 stays 2.3e-8"
        " away from the original on the same image"
    ),
    "SSIM": (
        "with L = 1 the constant C₂ is 9e-4, and rounding noise of variances shows where an image is"
        " saturated (VIFB carLight); in extended precision the value lies 7.6e-10 below the original's and"
        " 2.8e-10 above ours"
    ),
    "NIQE": NOISE,
    "BRISQUE": NOISE,
}


KEYS = ("dataset", "name", "method", "convention", "metric", "variant")


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
    def grey(self) -> bool:
        """Whether the original was given grey images (MEFB, but for its `rgb` rows)."""
        return self.convention == "mefb" and not self.variant.startswith("rgb")

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
            f"{path}: no such file; point FUSIONBENCH_TEST_DATA or --data at the folder that holds goldens/"
            " and data/"
        )
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if "5 digits" not in line["source"]]
    images = {
        (r["dataset"], r["name"], r["method"])
        for r in lines
        if r["metric"] == "flat_pixels" and float(r["value"])
    }
    return [
        Golden(
            r["dataset"],
            r["name"],
            r["method"],
            r["convention"],
            r["metric"],
            r["variant"],
            float(r["value"]),
            (r["dataset"], r["name"], r["method"]) in images,
        )
        for r in lines
    ]


def read_demo() -> list[Golden]:
    """The golden values on our own scenes. Raises ``MissingDataError`` if they are missing."""
    path = DEMO / "metrics.csv"
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; it is part of the repository")
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Golden(value=float(r["value"]), **cast("dict[str, Any]", {key: r[key] for key in KEYS}))
            for r in csv.DictReader(file)
            if r["variant"] not in NOT_COMPARED
        ]


def load_triple(root: Path, dataset: str, name: str, method: str, grey: bool = False) -> Triple:
    """The images that a golden value belongs to. Raises ``MissingDataError`` naming the missing file."""

    def find(folder: Path) -> Path:
        for path in sorted(folder.glob(f"{name}.*")):
            return path
        raise MissingDataError(f"{folder}: no image called {name}")

    if dataset == "demo":
        sources, fused = DEMO / "images", DEMO / "images/fused" / method
    else:
        sources = root / SOURCES[dataset]
        fused = root / "goldens/metrics/images" / dataset / "fused" / method
    triple = Triple.of(*(read_image(find(folder)) for folder in (sources / "ir", sources / "vi", fused)))
    if not grey:
        return triple
    levels = triple.grey("matlab")
    return Triple.of(levels.infrared, levels.visible, levels.fused)


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
    triples: dict[tuple[str, str, str, bool], Triple] = {}
    for golden in goldens:
        convention, metric = golden.ours
        formula = FORMULAS.get(convention, {}).get(metric)
        if formula is None:
            continue
        key = golden.dataset, golden.name, golden.method, golden.grey
        if key not in triples:
            kept = {k: t for k, t in triples.items() if k[:3] == key[:3]}
            triples = kept | {key: load_triple(root, *key)}
        yield golden, metric_value(formula, triples[key])


def agreement(root: Path, goldens: list[Golden]) -> dict[tuple[str, str, str], Agreement]:
    """The table's rows: (convention, metric, variant) → how far."""
    rows: dict[tuple[str, str, str], Agreement] = defaultdict(Agreement)
    for golden, value in compare(root, goldens):
        rows[golden.row].add(value.value, golden.value, value.reason or "")
    return dict(rows)


def target(convention: str, metric: str) -> float:
    """The relative difference that the original's arithmetic allows."""
    if convention == "cddfuse" and metric in FLOAT32:
        return 1e-6
    if convention == "ivif-zoo" and metric not in ("MI", "Nabf"):
        return 2e-4 if metric in ("SSIM", "MS-SSIM", "VIF") else 1e-6
    if convention == "ivif-zoo-f64" and metric in ("SSIM", "MS-SSIM"):
        return 5e-5  # its window is float32
    return 1e-9


Rows = Mapping[tuple[str, str, str], Agreement]


def render(rows: Rows, demo: Rows) -> str:
    """The page as Markdown: real images, then our own scenes."""
    return f"""# Metric parity

Written by `python tools/metric_parity.py`; do not edit.

Our value against the original implementation's, image by image. The originals are not included here. "Within target": the
largest relative difference is below what the original's arithmetic allows. That is 1e-9; for originals that work in float32
it is 1e-6 (sums), or 2e-4 (IVIF_ZOO's SSIM, MS-SSIM and VIF).
`niqe-utlive` and `brisque-live` are our conventions `utlive` and `utlive-corrected`.

## Real images

TNO, MSRS and VIFB, three fusion methods each. Images with flat areas have rows of their own for NIQE and BRISQUE.

{_table(rows)}

## Our own scenes

Three scenes of the demo dataset, three fusion methods each; values and images are in `tests/goldens/metrics`. `mefb` is
compared on grey images and on colour images. `ivif-zoo-f64` is the same code on float64 images.

{_table(demo)}

Not offered, since their rules are not known here: MEFB's Qp and Qc; IVIF_ZOO's CE, Qcb, Qy and TE.
"""


def _table(rows: Rows) -> str:
    lines = [
        "| convention | metric | variant | n | max abs difference | max relative | within target |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    for (convention, metric, variant), row in sorted(rows.items()):
        reason = row.missing.partition(". ")[0] or REASONS.get(metric, "unexplained")
        within = (
            "yes" if row.relative <= target(convention, METRIC_NAMES.get(metric, metric)) else f"no: {reason}"
        )
        numbers = f"{row.count} | {row.absolute:.2e} | {row.relative:.2e}"
        lines.append(f"| {convention} | {metric} | {variant} | {numbers} | {within} |")
    return "\n".join(lines)


def short_of_target(rows: Rows) -> list[tuple[str, str, str]]:
    """The rows beyond their target."""
    return [
        key
        for key, row in rows.items()
        if not row.relative <= target(key[0], METRIC_NAMES.get(key[1], key[1]))
    ]


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
        demo = agreement(options.data, read_demo())
        rows = agreement(options.data, read_goldens(options.data))
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(render(rows, demo), encoding="utf-8")
    short = short_of_target(rows) + short_of_target(demo)
    print(f"{len(rows) + len(demo)} rows, {len(short)} beyond their target; written to {options.out}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
