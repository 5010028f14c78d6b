"""What the Ray engine costs against the local one, and how it scales.

``python benchmarks/cluster.py overhead``: the same run by both engines, for few and for many pairs; the difference
is what a pair costs, in processor seconds of all processes and in wall seconds.
``python benchmarks/cluster.py scaling --workers 32``: a synthetic method that sleeps
instead of computing, so that one machine can stand for many GPUs; efficiency is the time that the sleeping alone
takes, divided by the workers, over the time measured between the first and the last image.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STORE_BYTES = 500 << 20

SLEEPER = """
import time

class Sleeper:
    def __init__(self, spec, context):
        self.seconds = float(context.options.get("seconds", 1))

    def load(self, device, precision): ...

    def fuse(self, infrared, visible):
        time.sleep(self.seconds * len(infrared))
        return infrared
"""


def run(arguments: list[str], **environment: str) -> dict[str, Any]:
    """Run the command line; returns its JSON with ``wall`` seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "fusionbench", "run", "--json", "--report", "per-image", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return {**json.loads(done.stdout), "wall": time.monotonic() - begun}


def processor_seconds() -> float:
    """Processor seconds of all processes that this one started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start_cluster(cpus: int, gpus: int = 0) -> Any:
    """A cluster of one node, so that its start isn't measured."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": cpus,
        "num_gpus": gpus,
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
    }
    return Cluster(initialize_head=True, head_node_args=head)


def overhead(options: argparse.Namespace, folder: Path) -> None:
    """Print what each engine takes for few and for many pairs; the difference is what a pair costs."""
    common = [
        "--method",
        options.method,
        "--dataset",
        options.dataset,
        "--task",
        "quality",
        "--device",
        "cpu",
    ]
    common += ["--jobs", str(options.jobs), "--out", str(folder)]
    common += ["--data-root", options.data_root] if options.data_root else []
    costs: dict[str, float] = {}
    for engine in ("local", "ray"):
        busy, wall, images = [0.0, 0.0], [0.0, 0.0], [0, 0]
        for number, limit in enumerate((options.limit // 6, options.limit)):
            before = processor_seconds()
            more: list[str] = []
            cluster = start_cluster(options.jobs) if engine == "ray" else None
            if cluster is not None:
                more = ["--engine", "ray", "--ray-address", cluster.address]
            found = run([*common, *more, "--limit", str(limit), "--name", f"{engine}-{limit}"])
            if cluster is not None:
                cluster.shutdown()
            busy[number] = processor_seconds() - before
            wall[number], images[number] = found["seconds"], found["fused"]
            print(
                f"{engine}: {images[number]} images, {busy[number]:.1f} processor seconds, {wall[number]:.1f} s",
                flush=True,
            )
        costs[engine] = (busy[1] - busy[0]) / (images[1] - images[0])
        print(
            f"{engine}: {1000 * costs[engine]:.1f} processor ms per image, "
            f"{1000 * (wall[1] - wall[0]) / (images[1] - images[0]):.1f} ms"
        )
    print(f"overhead of Ray: {costs['ray'] / costs['local'] - 1:.0%} processor time per image")


def scaling(options: argparse.Namespace, folder: Path) -> None:
    """Print the efficiency with so many workers."""
    file = folder / "sleeper.py"
    file.write_text(SLEEPER)
    cluster = start_cluster(options.workers)
    count = options.workers * options.each
    arguments = ["--method", f"{file}:Sleeper", "--option", f"sleeper.seconds={options.seconds}"]
    arguments += ["--task", "quality", "--metrics", "SD", "--dataset", "demo", "--device", "cpu"]
    arguments += ["--option", f"demo.count={count}", "--option", "demo.size=64x48", "--jobs", "1"]
    try:
        name = f"scaling-{options.workers}"
        run(
            [
                *arguments,
                "--engine",
                "ray",
                "--ray-address",
                cluster.address,
                "--out",
                str(folder),
                "--name",
                name,
            ]
        )
    finally:
        cluster.shutdown()
    times = sorted(p.stat().st_mtime for p in (folder / name / "fused").rglob("*.png"))
    ideal = options.seconds * (count - options.workers) / options.workers
    # The first round of images comes while workers start; it marks the beginning.
    measured = times[-1] - times[options.workers - 1]
    print(
        f"{options.workers} workers, {count} images of {options.seconds} s: {measured:.1f} s after each worker's "
        f"first image, ideal {ideal:.1f} s, efficiency {ideal / measured:.0%}"
    )


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["overhead", "scaling"])
    parser.add_argument("--method", default="laplacian,guided-filter")
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--data-root", default="")
    parser.add_argument("--limit", type=int, default=60, help="pairs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0, help="that one image takes")
    parser.add_argument("--each", type=int, default=32, help="images per worker")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fusionbench-cluster-") as folder:
        {"overhead": overhead, "scaling": scaling}[options.what](options, Path(folder))


if __name__ == "__main__":
    main()
