"""Where the CPU time of a run goes: decode, metrics, encode, and everything else (the harness).

    python benchmarks/overhead.py --data-root /data/MSRS

Runs ``max`` with quality scores over MSRS and prints each part's share of the process's CPU time, counted
after the libraries are imported and the metric kernels are compiled.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fusionbench.api import make_config
from fusionbench.datasets.reader import FolderDataset
from fusionbench.evaluators.quality.cpu_evaluator import QualityEvaluator
from fusionbench.execution import fused_images
from fusionbench.execution.runner import execute

spent: dict[str, float] = defaultdict(float)
lock = threading.Lock()


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the CPU time of each call to ``spent[name]``."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        begun = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            with lock:
                spent[name] += time.thread_time() - begun

    return wrapper


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--method", default="max")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    FolderDataset.load = timed("decode", FolderDataset.load)  # type: ignore[method-assign]
    FolderDataset.digest = timed("hash the sources", FolderDataset.digest)  # type: ignore[method-assign]
    QualityEvaluator.score = timed("metrics", QualityEvaluator.score)  # type: ignore[method-assign]
    stages: Any = fused_images
    stages.encode_png = timed("encode", stages.encode_png)
    stages.write_atomic = timed("write", stages.write_atomic)
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {
            "method": options.method,
            "dataset": "msrs",
            "data_root": options.data_root,
            "task": "quality",
            "out": folder,
        }
        execute(make_config(settings | {"limit": 2, "name": "warm-up"}), quiet=True)
        spent.clear()
        begun, wall = time.process_time(), time.perf_counter()
        result = execute(make_config(settings | {"limit": options.limit, "name": "measured"}), quiet=True)
        total, wall = time.process_time() - begun, time.perf_counter() - wall
    work = spent["decode"] + spent["metrics"] + spent["encode"]
    print(
        f"{result.fused} pairs, {wall:.1f} s wall, {total:.1f} s CPU"
        f" ({1000 * total / max(result.fused, 1):.1f} ms a pair)"
    )
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:18} {seconds:6.2f} s  {100 * seconds / total:5.1f} %")
    print(
        f"  {'everything else':18} {total - sum(spent.values()):6.2f} s "
        f" {100 * (total - sum(spent.values())) / total:5.1f} %"
    )
    print(f"decode + metrics + encode: {100 * work / total:.1f} % of the CPU time")


if __name__ == "__main__":
    main()
