"""Times the quality metrics against the targets of their issue and against other packages: ``python
benchmarks/metrics.py``.

Peers (``pip install -e ".[benchmark]"``) are left out by name where they aren't installed. Images are real
MSRS pairs below FUSIONBENCH_TEST_DATA (``../shared`` by default) if there are any, else synthetic ones. Times
are medians of the calling thread's CPU time, which other programs on the machine disturb less than wall time;
nothing here is a test. ``--write`` puts the tables into docs/benchmarks.md, ``--only`` measures some of them.
"""

from __future__ import annotations

import os
from functools import partial

# ruff: noqa: E402 — the thread settings must precede every import that reads them
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and torch read them

import argparse
import datetime
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
from metrics_measure import (
    EIGHT,
    FULL_REFERENCE,
    NO_REFERENCE,
    SETS,
    clock,
    forget_peak,
    grey_only,
    maximum,
    pairs,
    resident,
    sample,
    score,
    synthetic,
)
from tabulate import tabulate

from fusionbench.evaluators.quality.conventions.scoring import score_arrays, score_triple
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.inputs.triple import Triple
from fusionbench.execution.memory import return_freed_memory, reuse_freed_memory
from fusionbench.images.codec import decode_image, read_image

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/benchmarks.md"
SIZES = ((320, 240), (640, 480), (1280, 960), (2048, 1536), (4096, 3072))


def _verdict(measured: float, limit: float) -> str:
    return "pass" if measured <= limit else "fail"


def _decode_and_score(encoded: Sequence[bytes], of: str) -> None:
    infrared, visible, fused = (decode_image(data, "") for data in encoded)
    score((infrared, visible, fused), of)


def targets() -> str:
    """The targets on a pair and on the whole MSRS test set."""
    label, encoded, _ = sample()
    rows = []
    for of, limit, names in (("eight", 35, EIGHT), ("full-reference", 1000, FULL_REFERENCE)):
        decoded = clock(partial(_decode_and_score, encoded, of))
        kind = "" if of == "eight" else f"{of} "
        rows.append(
            [
                f"{len(names)} {kind}metrics of a pair, decoding included",
                f"≤ {limit} ms",
                f"{decoded:.0f} ms",
                _verdict(decoded, limit),
            ]
        )
    files = pairs()
    if files:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_score_files, files[:2]))
            wall, cpu = time.perf_counter(), time.process_time()
            list(pool.map(_score_files, files))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        label_of_set = f"eight metrics of all {len(files)} MSRS pairs, two threads"
        rows.append([label_of_set, "≤ 12 s", f"{wall:.1f} s ({cpu:.1f} s of CPU)", _verdict(wall, 12)])
    table = tabulate(
        rows, headers=["640×480", "target", "measured", ""], tablefmt="github", disable_numparse=True
    )
    return (
        f"One pair: {label}, one thread. The set: both sources decoded, fused by their maximum,"
        f" scored.\n\n{table}"
    )


FIRST = """
import time
start = time.process_time()
import numpy as np
from fusionbench.evaluators.quality.conventions.scoring import score_arrays
rng = np.random.default_rng(0)
images = [rng.integers(0, 256, (480, 640), dtype=np.uint8) for _ in range(3)]
score_arrays(*images, metrics={metrics!r}, convention={convention!r})
print(time.process_time() - start)
"""
"""A process that imports, compiles and scores; its kernels' cache is an empty folder the first time."""


def first_call() -> str:
    """CPU seconds of a process's first scores, imports included: with an empty cache of compiled kernels, and
    again.
    """
    rows = []
    full = [*FULL_REFERENCE]
    for label, limit, metrics, convention in (
        ("default nine, cddfuse", 6.0, None, "cddfuse"),
        (f"all {len(full)}, corrected", 20.0, full, "corrected"),
    ):
        code = FIRST.format(metrics=metrics, convention=convention)
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"NUMBA_CACHE_DIR": cache}
            seconds = [
                float(
                    subprocess.run(
                        [sys.executable, "-c", code],
                        env=environment,
                        capture_output=True,
                        text=True,
                        check=True,
                    ).stdout
                )
                for _ in range(2)
            ]
        rows.append(
            [
                label,
                f"≤ {limit:.0f} s",
                f"{seconds[0]:.1f} s",
                _verdict(seconds[0], limit),
                f"{seconds[1]:.1f} s",
            ]
        )
    headers = ["640×480, imports included", "target", "first call ever", "", "first call of a later process"]
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _score_files(paths: tuple[Path, Path]) -> float:
    infrared, visible = (read_image(path) for path in paths)
    return score_arrays(infrared, visible, maximum(infrared, visible), metrics=EIGHT)["VIF"].value


def _score_alone(triple: Triple, name: str, convention: str) -> None:
    score_triple(grey_only(triple), metrics=[name], convention=convention)


def each_metric() -> str:
    """Every metric alone, on ready grey levels."""
    _, encoded, images = sample()
    triple = Triple.of(*images)
    triple.grey("matlab"), triple.grey("opencv-float")
    decoding = [clock(partial(decode_image, data, "")) for data in encoded]
    rows = []
    for convention in ("cddfuse", "corrected"):
        for name in FORMULAS[convention]:
            if (convention == "corrected" and name in FORMULAS["cddfuse"]) or name in NO_REFERENCE:
                continue
            alone = clock(partial(_score_alone, triple, name, convention), 5)
            rows.append([name, convention, alone])
    headers = ["metric alone, grey levels ready", "convention", "ms"]
    table = tabulate(rows, headers=headers, floatfmt=".2f", tablefmt="github")
    shown = " + ".join(f"{t:.1f}" for t in decoding)
    return (
        f"Decoding infrared, visible and fused file takes {shown} ms. Metrics of a family share work when"
        f" they are asked for together.\n\n{table}"
    )


def scaling() -> str:
    """Time and peak memory against the image's size, each in a process of its own."""
    rows, verdicts = [], []
    for of in SETS:
        cost: dict[tuple[int, int], float] = {}
        for width, height in SIZES:
            command = [sys.executable, __file__, "--size", f"{width}x{height}", "--of", of]
            done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            milliseconds, memory = float(done[0]), float(done[1])
            cost[width, height] = 1e6 * milliseconds / (width * height)
            rows.append(
                [
                    of,
                    f"{width}×{height}",
                    f"{milliseconds:.0f}",
                    f"{cost[width, height]:.0f}",
                    f"{memory:.0f}",
                ]
            )
        growth = cost[SIZES[-1]] / cost[640, 480]
        verdicts.append(
            [
                f"{of}: cost per pixel at 4096×3072 over that at 640×480",
                "≤ 1.3",
                f"{growth:.2f}",
                _verdict(growth, 1.3),
            ]
        )
        if of == "eight":
            verdicts.append(
                [
                    f"{of}: bytes per pixel and thread at 4096×3072",
                    "≤ 40",
                    f"{memory:.0f}",
                    _verdict(memory, 40),
                ]
            )
    options: dict[str, Any] = {"tablefmt": "github", "disable_numparse": True}
    return (
        tabulate(verdicts, headers=["scaling", "target", "measured", ""], **options)
        + "\n\nPeak memory is the growth of the process's resident memory over that with the three decoded"
        " images, after a small pair was scored.\n\n"
        + tabulate(rows, headers=["metrics", "size", "ms", "ms/megapixel", "bytes/pixel"], **options)
    )


def one_size(size: str, of: str) -> None:
    """Print the time of a set of metrics and the growth of the process's peak memory per pixel."""
    width, height = map(int, size.split("x"))
    score(synthetic(176, 200), of)
    images = synthetic(height, width)
    return_freed_memory()  # of making the images; kept, it would hide what scoring needs
    forget_peak()
    before = resident("VmRSS")
    score(images, of)
    growth = resident("VmHWM") - before
    repeats = max(1, 4_000_000 // (width * height))
    print(clock(lambda: score(images, of), min(repeats, 9)), 1024 * growth / (width * height))


def _peers() -> str:
    from metrics_peers import peers

    return peers(sample()[2])


def _cuda(device: str, batch: int) -> str:
    from metrics_cuda import on_device

    return on_device(device, batch)


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "targets": ("Targets", targets),
    "first": ("First call", first_call),
    "metrics": ("Each metric", each_metric),
    "peers": ("Against other packages", _peers),
    "scaling": ("Size and memory", scaling),
    "cuda": ("On a GPU", lambda: _cuda("cuda", 32)),
}


def _machine() -> str:
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    ).stdout.strip()
    return (
        f"{datetime.date.today().isoformat()}, commit {commit or 'unknown'}, {model}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}"
    )


def write(sections: dict[str, str]) -> None:
    """Put the sections into the page; those that weren't measured now stay as they are."""
    page = PAGE.read_text() if PAGE.is_file() else ""
    kept = dict(re.findall(r"^## (.*?)\n\n(.*?)(?=\n## |\Z)", page, re.S | re.M))
    text = (
        "# Speed of the quality metrics\n\nWritten by `python benchmarks/metrics.py --write` (peers: `pip"
        ' install -e ".[benchmark]"`); do not edit. Times are CPU time of one thread, the median of several'
        " calls after a warm one; kernels are compiled and cached before.\n"
    )
    for key, (title, _) in SECTIONS.items():
        body = sections.get(key) or kept.get(title, "").strip()
        if body:
            text += f"\n## {title}\n\n{body.strip()}\n"
    PAGE.write_text(text)


def main() -> None:
    """Measure and print the sections, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help=f"comma-separated: {', '.join(SECTIONS)}")
    parser.add_argument("--write", action="store_true", help="update docs/benchmarks.md")
    parser.add_argument(
        "--cuda",
        nargs="?",
        const="cuda",
        metavar="DEVICE",
        help="only the batched metrics, on a CUDA device (or cpu, to try)",
    )
    parser.add_argument("--batch", type=int, default=32, help="pairs in a batch of --cuda")
    parser.add_argument("--size", help=argparse.SUPPRESS)
    parser.add_argument("--of", choices=tuple(SETS), default="eight", help=argparse.SUPPRESS)
    reuse_freed_memory()  # as runs and `fusionbench score` do
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.size:
        one_size(options.size, options.of)
        return
    sections: dict[str, str] = {}
    chosen = ["cuda"] if options.cuda else (options.only or ",".join(SECTIONS)).split(",")
    if unknown := [key for key in chosen if key not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    for key in chosen:
        title, measure = SECTIONS[key]
        body = _cuda(options.cuda, options.batch) if options.cuda else measure()
        sections[key] = f"Measured {_machine()}.\n\n{body}"
        print(f"## {title}\n\n{sections[key]}\n", flush=True)
        if options.write:
            write(sections)


if __name__ == "__main__":
    main()
