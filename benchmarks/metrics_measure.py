"""What the metric benchmarks share: which metrics, which images, the clock, the memory of this process."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.inputs.triple import GreyTriple, Triple
from fusionbench.evaluators.quality.spec import SPEC
from fusionbench.images.codec import decode_image

UInt8 = npt.NDArray[np.uint8]
Images = tuple[UInt8, UInt8, UInt8]
EIGHT = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf")
NO_REFERENCE = tuple(m.name for m in SPEC.metrics if m.family == "no-reference")
FULL_REFERENCE = tuple(name for name in FORMULAS["corrected"] if name not in NO_REFERENCE)
SETS: dict[str, tuple[Sequence[str], str]] = {
    "eight": (EIGHT, "cddfuse"),
    "full-reference": (FULL_REFERENCE, "corrected"),
    "all but Qp, Qcb, Qcv": (
        [name for name in FULL_REFERENCE if name not in ("Qp", "Qcb", "Qcv")],
        "corrected",
    ),
}
"""Metrics and the convention that they are timed in."""
DATA = Path(os.environ.get("FUSIONBENCH_TEST_DATA", "../shared")) / "data/msrs/test"


def clock(function: Callable[[], Any], repeats: int = 9) -> float:
    """Median CPU time of this thread in ms after one warm call."""
    function()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return 1e3 * statistics.median(times)


def score(images: Images, of: str) -> None:
    """All metrics of one of `SETS`."""
    metrics, convention = SETS[of]
    score_arrays(*images, metrics=metrics, convention=convention)


def synthetic(height: int, width: int) -> Images:
    """An infrared, a visible (RGB) and a fused image with edges, texture and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    infrared = 40 + 160 * (((x // 60) + (y // 45)) % 5 == 0) + rng.normal(0, 3, (height, width))
    visible = (100 + 60 * np.sin(x / 9) * np.cos(y / 13))[..., None] + rng.normal(0, 6, (height, width, 3))
    fused = np.maximum(infrared, visible.mean(-1))
    infrared, visible, fused = (
        np.clip(np.rint(i), 0, 255).astype(np.uint8) for i in (infrared, visible, fused)
    )
    return infrared, visible, fused


def maximum(infrared: UInt8, visible: UInt8) -> UInt8:
    """The fused image of the benchmarks: the brighter of both sources' grey levels."""
    grey = (i if i.ndim == 2 else cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in (infrared, visible))
    fused: UInt8 = np.maximum(*grey)
    return fused


def pairs() -> list[tuple[Path, Path]]:
    """The files of all MSRS test pairs, if they are available."""
    files = sorted((DATA / "ir").glob("*")) if DATA.is_dir() else []
    return [(path, next((DATA / "vi").glob(path.stem + ".*"))) for path in files]


def sample() -> tuple[str, list[bytes], Images]:
    """One 640×480 pair: a description, the three files' bytes, and their images (fused: the maximum, as grey
    PNG).
    """
    files = pairs()
    if files:
        paths = files[len(files) // 2]
        encoded = [path.read_bytes() for path in paths]
        label = f"MSRS {paths[0].stem} ({paths[0].suffix[1:]}, {paths[1].suffix[1:]}, png)"
        infrared, visible = (decode_image(data, "sample") for data in encoded)
        fused = maximum(infrared, visible)
    else:
        label = "synthetic (png)"
        infrared, visible, fused = synthetic(480, 640)
        encoded = [
            cv2.imencode(".png", i if i.ndim == 2 else i[..., ::-1])[1].tobytes() for i in (infrared, visible)
        ]
    encoded.append(cv2.imencode(".png", fused)[1].tobytes())
    return label, encoded, (infrared, visible, fused)


def grey_only(triple: Triple) -> Triple:
    """The same images with their grey levels, but without what was derived from them."""
    copy = Triple(triple.infrared, triple.visible, triple.fused)
    for conversion, grey in triple._grey.items():
        copy._grey[conversion] = GreyTriple(grey.infrared, grey.visible, grey.fused)
    return copy


def resident(field: str) -> int:
    """A figure of this process in KiB (Linux; elsewhere the peak since the start)."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(next(line for line in status.read_text().splitlines() if line.startswith(field)).split()[1])


def forget_peak() -> None:
    """Reset the peak of `resident`, where that is possible."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
