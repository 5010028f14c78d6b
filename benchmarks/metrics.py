"""Times the quality metrics against other packages, on one thread, in one process: ``python benchmarks/metrics.py``.

Peers (``pip install sewar torchmetrics scikit-learn pytorch-msssim``) are left out by name where they aren't installed. Images are real MSRS pairs below
FUSIONBENCH_TEST_DATA (``../shared`` by default) if there are any, else synthetic ones. Times are medians of the calling thread's CPU time, which other
programs on the machine disturb less than wall time; nothing here is a test.
"""

from __future__ import annotations

# ruff: noqa: E402 — the thread settings must precede every import that reads them
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch read them

import argparse
import importlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tabulate import tabulate

from fusionbench.evaluators.quality.catalogue import FORMULAS
from fusionbench.evaluators.quality.scoring import score_arrays, score_triple
from fusionbench.evaluators.quality.spec import SPEC
from fusionbench.evaluators.quality.triple import Triple
from fusionbench.images import decode_image, read_image

UInt8 = npt.NDArray[np.uint8]
EIGHT = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf")
DATA = Path(os.environ.get("FUSIONBENCH_TEST_DATA", "../shared")) / "data/msrs/test"
NO_REFERENCE = tuple(m.name for m in SPEC.metrics if m.family == "no-reference")


def clock(function: Callable[[], Any], repeats: int = 9) -> float:
    """Median CPU time of this thread in ms after one warm call."""
    function()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return 1e3 * statistics.median(times)


def synthetic(height: int, width: int) -> tuple[UInt8, UInt8, UInt8]:
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


def sample() -> tuple[str, list[bytes], tuple[UInt8, UInt8, UInt8]]:
    """One 640×480 pair: a description, the three files' bytes, and their images (fused: the maximum, as grey PNG)."""
    files = sorted((DATA / "ir").glob("*")) if DATA.is_dir() else []
    if files:
        paths = files[len(files) // 2], next((DATA / "vi").glob(files[len(files) // 2].stem + ".*"))
        encoded = [path.read_bytes() for path in paths]
        label = f"MSRS {paths[0].stem} ({paths[0].suffix[1:]}, {paths[1].suffix[1:]}, png)"
        infrared, visible = (decode_image(data, "sample") for data in encoded)
        fused = np.maximum(
            cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY), infrared if infrared.ndim == 2 else infrared[..., 0]
        )
    else:
        label = "synthetic (png)"
        infrared, visible, fused = synthetic(480, 640)
        encoded = [
            cv2.imencode(".png", i if i.ndim == 2 else i[..., ::-1])[1].tobytes() for i in (infrared, visible)
        ]
    encoded.append(cv2.imencode(".png", fused)[1].tobytes())
    return label, encoded, (infrared, visible, fused)


def ours(images: tuple[UInt8, UInt8, UInt8], encoded: list[bytes]) -> None:
    """Decode, the eight metrics, each metric, and all of them."""
    decode = [clock(lambda data=data: decode_image(data, "")) for data in encoded]
    eight = clock(lambda: score_arrays(*images, metrics=EIGHT), 15)
    together = clock(lambda: score_arrays(*(decode_image(data, "") for data in encoded), metrics=EIGHT), 15)
    corrected = [name for name in FORMULAS["corrected"] if name not in NO_REFERENCE]
    everything = clock(lambda: score_arrays(*images, metrics=corrected, convention="corrected"), 5)
    rows = [
        ["decode infrared, visible, fused", sum(decode), " + ".join(f"{t:.1f}" for t in decode)],
        ["eight metrics, arrays in memory", eight, ", ".join(EIGHT)],
        ["eight metrics, decode included", together, "target 50 ms"],
        [f"all {len(corrected)} full-reference metrics (corrected)", everything, "target 400 ms"],
    ]
    print(tabulate(rows, headers=["ours", "ms", ""], floatfmt=".1f"), "\n")
    each = []
    for convention in ("cddfuse", "corrected"):
        for name in FORMULAS[convention]:
            if (convention == "corrected" and name in FORMULAS["cddfuse"]) or name in NO_REFERENCE:
                continue
            triple = Triple.of(*images)
            triple.grey("matlab"), triple.grey("opencv-float")
            alone = clock(
                lambda n=name, c=convention, t=triple: score_triple(_fresh(t), metrics=[n], convention=c), 5
            )
            each.append([name, convention, alone])
    print(
        tabulate(each, headers=["metric alone, grey levels ready", "convention", "ms"], floatfmt=".2f"), "\n"
    )


def _fresh(triple: Triple) -> Triple:
    """The same images with their grey levels, but without what was derived from them."""
    from fusionbench.evaluators.quality.triple import GreyTriple

    copy = Triple(triple.infrared, triple.visible, triple.fused)
    for conversion, grey in triple._grey.items():
        copy._grey[conversion] = GreyTriple(grey.infrared, grey.visible, grey.fused)
    return copy


def peers(images: tuple[UInt8, UInt8, UInt8]) -> None:
    """The same quantities by other packages, with the ratio of times."""
    grey = Triple.of(*images).grey("opencv-float")
    a, b, f = grey.infrared, grey.visible, grey.fused
    x, y, z = (image.astype(np.float64) for image in (a, b, f))

    def vif_sewar() -> None:
        full_ref = importlib.import_module("sewar.full_ref")
        full_ref.vifp(a, f), full_ref.vifp(b, f)

    def tensors() -> list[Any]:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        return [torch.from_numpy(image)[None, None] for image in (x, y, z)]

    def torchmetrics_of(name: str, **options: Any) -> Callable[[], None]:
        def call() -> None:
            metric = getattr(importlib.import_module("torchmetrics.functional.image"), name)
            p, q, r = tensors()
            metric(r, p, **options), metric(r, q, **options)

        return call

    def msssim_of(name: str) -> Callable[[], None]:
        def call() -> None:
            metric = getattr(importlib.import_module("pytorch_msssim"), name)
            p, q, r = tensors()
            metric(r, p, data_range=255), metric(r, q, data_range=255)

        return call

    def ssim_skimage() -> None:
        metric = importlib.import_module("skimage.metrics").structural_similarity
        options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        metric(a, f, **options), metric(b, f, **options)

    def mi_sklearn() -> None:
        metric = importlib.import_module("sklearn.metrics").mutual_info_score
        metric(a.ravel(), f.ravel()), metric(b.ravel(), f.ravel())

    def entropy_skimage() -> None:
        importlib.import_module("skimage.measure").shannon_entropy(f)

    def own(name: str, convention: str = "cddfuse") -> float:
        triple = Triple.of(a, b, f)
        triple.grey("matlab"), triple.grey("opencv-float")
        return clock(lambda: score_triple(_fresh(triple), metrics=[name], convention=convention))

    vif, ssim, ms_ssim = own("VIF"), own("SSIM", "vifb"), own("MS-SSIM", "corrected")
    rows = []
    for metric, package, function, time_ in (
        ("VIF", "sewar", vif_sewar, vif),
        ("VIF", "torchmetrics", torchmetrics_of("visual_information_fidelity"), vif),
        ("SSIM", "scikit-image", ssim_skimage, ssim),
        (
            "SSIM",
            "torchmetrics",
            torchmetrics_of("structural_similarity_index_measure", data_range=255.0),
            ssim,
        ),
        ("SSIM", "pytorch-msssim", msssim_of("ssim"), ssim),
        (
            "MS-SSIM",
            "torchmetrics",
            torchmetrics_of("multiscale_structural_similarity_index_measure", data_range=255.0),
            ms_ssim,
        ),
        ("MS-SSIM", "pytorch-msssim", msssim_of("ms_ssim"), ms_ssim),
        ("MI", "scikit-learn", mi_sklearn, own("MI")),
        ("EN", "scikit-image", entropy_skimage, own("EN")),
    ):
        try:
            theirs = clock(function, 5)
        except ImportError as missing:
            print(f"left out: {metric} by {package} ({missing})")
            continue
        rows.append([metric, package, theirs, time_, f"{theirs / time_:.1f}×"])
    print(
        tabulate(
            rows, headers=["both sources, float64", "peer", "peer ms", "ours ms", "ratio"], floatfmt=".1f"
        ),
        "\n",
    )


def scaling() -> None:
    """Time and peak memory of the eight metrics against the image's size, each in its own process."""
    rows = []
    for width, height in ((640, 480), (1280, 960), (2048, 1536), (4096, 3072)):
        output = subprocess.run(
            [sys.executable, __file__, "--size", f"{width}x{height}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        milliseconds, memory = float(output[0]), float(output[1])
        rows.append([f"{width}×{height}", milliseconds, 1e6 * milliseconds / (width * height), memory])
    print(tabulate(rows, headers=["eight metrics", "ms", "ns/pixel", "bytes/pixel"], floatfmt=".1f"), "\n")


def one_size(size: str) -> None:
    """Print the time of the eight metrics and the growth of the process's peak memory per pixel, beyond the images themselves."""
    width, height = map(int, size.split("x"))
    score_arrays(*synthetic(64, 64), metrics=EIGHT)
    images = synthetic(height, width)
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak, which making the images has raised
    before = _resident("VmRSS")
    score_arrays(*images, metrics=EIGHT)
    growth = _resident("VmHWM") - before
    print(clock(lambda: score_arrays(*images, metrics=EIGHT), 3), 1024 * growth / (width * height))


def _resident(field: str) -> int:
    """A figure of this process in KiB (Linux; elsewhere the peak since the start)."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(next(line for line in status.read_text().splitlines() if line.startswith(field)).split()[1])


def _score_files(paths: tuple[Path, Path]) -> float:
    infrared, visible = (read_image(path) for path in paths)
    fused = np.maximum(infrared, cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY) if infrared.ndim == 2 else visible)
    return score_arrays(infrared, visible, fused, metrics=EIGHT)["VIF"].value


def whole_set() -> None:
    """All MSRS test pairs on two workers: decode two files, fuse by maximum, score."""
    files = (
        [(path, next((DATA / "vi").glob(path.stem + ".*"))) for path in sorted((DATA / "ir").glob("*"))]
        if DATA.is_dir()
        else []
    )
    if not files:
        print(f"left out: the whole set (no images below {DATA})")
        return
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_score_files, files[:2]))
        wall, cpu = time.perf_counter(), time.process_time()
        list(pool.map(_score_files, files))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{len(files)} pairs, eight metrics, decode of both sources included, two threads: {wall:.1f} s wall, {cpu:.1f} s CPU (target 12 s on two free cores)"
    )


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.size:
        one_size(options.size)
        return
    label, encoded, images = sample()
    print(f"640×480, one thread: {label}; load average {os.getloadavg()[0]:.1f}\n")
    ours(images, encoded)
    peers(images)
    scaling()
    whole_set()


if __name__ == "__main__":
    main()
