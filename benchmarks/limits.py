"""One machine at its limit: many small pairs, and one huge pair.

``python benchmarks/limits.py`` makes 1,000 and 10,000 pairs of 64×64, runs two methods on each, and prints processor
seconds, wall seconds and peak memory of the run, of a run with nothing left to do, of a dry run and of the report.
``--huge`` adds one pair of 12,000×9,000.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

METHODS, METRICS = "max,laplacian", "EN,SD,AG"


def make_pairs(folder: Path, count: int) -> Path:
    """So many different pairs of 64×64 as PNG."""
    generator = np.random.default_rng(0)
    scenes = [
        cv2.GaussianBlur(generator.integers(0, 256, (64, 64, 3), dtype=np.uint8), (5, 5), 0)
        for _ in range(16)
    ]
    for side in ("ir", "vi"):
        (folder / side).mkdir(parents=True)
    for number in range(count):
        image = np.array(np.roll(scenes[number % 16], number // 16, axis=number % 2), np.uint8)
        image.flat[number % image.size] ^= np.uint8(0x55)
        cv2.imwrite(str(folder / "vi" / f"{number:05}.png"), image)
        cv2.imwrite(str(folder / "ir" / f"{number:05}.png"), image[..., 1])
    return folder


def make_huge(folder: Path) -> Path:
    """One pair of 12,000×9,000."""
    for side in ("ir", "vi"):
        (folder / side).mkdir(parents=True)
    small = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    image = cv2.resize(small, (12_000, 9_000), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "vi" / "a.png"), image)
    cv2.imwrite(str(folder / "ir" / "a.png"), image[::-1, :, 1])
    return folder


def measure(what: str, arguments: list[str]) -> str:
    """Run the command line, print what it took, return what it printed."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "fusionbench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    print(
        f"{what}: exit code {os.waitstatus_to_exitcode(status)}, {used.ru_utime + used.ru_stime:.1f} processor "
        f"seconds, {time.monotonic() - begun:.1f} s, peak {used.ru_maxrss / 1024:.0f} MB",
        flush=True,
    )
    return said


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--huge", action="store_true")
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fusionbench-limits-") as root:
        common = ["run", "--dataset", "folder", "--task", "quality", "--device", "cpu", "--jobs", "2"]
        common += ["--out", f"{root}/runs", "--quiet", "--report", "per-image"]
        for count in options.counts:
            folder = make_pairs(Path(root) / str(count), count)
            run = [*common, "--method", METHODS, "--metrics", METRICS]
            run += ["--data-root", f"folder={folder}", "--name", str(count)]
            measure(f"{count} pairs", run)
            measure(f"{count} pairs, nothing to do", run)
            measure(f"{count} pairs, dry run", [*run, "--dry-run"])
            measure(f"{count} pairs, report", ["report", f"{root}/runs/{count}"])
        if options.huge:
            folder = make_huge(Path(root) / "huge")
            run = [*common, "--method", "max", "--metrics", "EN,SD", "--data-root", f"folder={folder}"]
            print(measure("12,000×9,000", [*run, "--name", "huge"]))
            measure("12,000×9,000, max_pixels raised", [*run, "--option", "folder.max_pixels=120000000"])


if __name__ == "__main__":
    main()
