"""Kills workers, nodes and drivers of runs on a Ray cluster at random moments, and looks at what is left.

``python tests/robustness/kills_ray.py --count 20``. Needs the extra [cluster].

After the kills the same command finishes: the bytes of an undisturbed local run, each image recorded once, nothing
left over.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

METHODS, COUNT = "max,laplacian,average", 24
STORE_BYTES = 100 << 20
PATIENCE_S = 900
KINDS = ("worker", "worker", "node", "driver")


def start(out: Path, address: str) -> subprocess.Popen[str]:
    """Start the run; on Ray if there is an address."""
    command = [sys.executable, "-m", "fusionbench", "run", "--method", METHODS, "--dataset", "demo"]
    command += ["--option", f"demo.count={COUNT}", "--option", "demo.size=96x80", "--task", "quality"]
    command += ["--metrics", "EN,SD", "--report", "per-image", "--device", "cpu", "--jobs", "1"]
    command += ["--out", str(out), "--name", "run", "--quiet"]
    if address:
        command += ["--engine", "ray", "--ray-address", address]
    log = (out / "log.txt").open("a")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=log, stderr=log, text=True, env=environment)


def images(out: Path) -> int:
    """How many fused images are there."""
    return len(list((out / "run").glob("fused/*/*/*/*.png")))


def result_bytes(out: Path) -> dict[str, bytes]:
    """The bytes of fused images and rows."""
    paths = [p for part in ("fused", "rows") for p in (out / "run" / part).rglob("*") if p.is_file()]
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(paths)}


def recorded_twice(out: Path) -> list[str]:
    """Images that the journals of an unfinished run hold more than once, with one digest."""
    found: Counter[tuple[str, str, str]] = Counter()
    for path in (out / "run" / "journal").glob("fuse--*.jsonl"):
        for line in path.read_text().splitlines():
            if line.startswith("[") and "\t" in line:
                image, digest, _ = json.loads(line.partition("\t")[0])
                found[(path.name, image, digest)] += 1
    return [f"{name}: {image}" for (name, image, _), count in found.items() if count > 1]


def workers() -> list[int]:
    """The processes that work for runs: those that Ray has named after what they do."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if text.startswith((b"ray::FusingWorker", b"ray::load", b"ray::finish")):
            found.append(int(path.parent.name))
    return found


def add_node(cluster: Any, **settings: Any) -> None:
    """Add a node; on a busy machine Ray gives up after 30 s, so try again."""
    for attempt in range(3):
        try:
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, **settings)
            return
        except Exception:  # Ray raises nothing more exact
            if attempt == 2:
                raise


def attack(out: Path, cluster: Any, moment: random.Random, kinds: list[str], faults: list[str]) -> None:
    """One command, killed at random moments as ``kinds`` say, and again until it ends."""
    process = start(out, cluster.address)
    for kind in kinds:
        more, begun = images(out) + moment.randrange(0, COUNT), time.monotonic()
        while process.poll() is None and images(out) < more and time.monotonic() - begun < PATIENCE_S:
            time.sleep(0.02)
        time.sleep(moment.random())
        if kind == "worker" and (found := workers()):
            os.kill(moment.choice(found), signal.SIGKILL)
        elif kind == "node":
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
            add_node(cluster)
        elif kind == "driver":
            process.send_signal(signal.SIGKILL)
            process.wait()
            faults += [f"recorded twice: {text}" for text in recorded_twice(out)]
            process = start(out, cluster.address)
        print(f"  killed a {kind} at {images(out)} images", flush=True)
    try:
        code = process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        code = -99
    if code != 0:
        faults.append(f"the command ended with {code}: {(out / 'log.txt').read_text()[-3000:]}")


def main() -> int:
    """Run the attack; returns 1 if faults were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="kills")
    parser.add_argument("--each", type=int, default=5, help="kills of one run")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    faults: list[str] = []
    moment, kills, begun = random.Random(options.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fusionbench-kills-") as folder:
        undisturbed = Path(folder) / "local"
        undisturbed.mkdir()
        if start(undisturbed, "").wait() != 0:
            raise SystemExit((undisturbed / "log.txt").read_text())
        expected = result_bytes(undisturbed)
        cluster = Cluster()
        add_node(cluster, include_dashboard=False)
        add_node(cluster)
        try:
            while sum(kills.values()) < options.count:
                out = Path(folder) / f"ray-{sum(kills.values())}"
                out.mkdir()
                kinds = moment.choices(KINDS, k=min(options.each, options.count - sum(kills.values())))
                attack(out, cluster, moment, kinds, faults)
                kills.update(kinds)
                found = result_bytes(out)
                different = [n for n in sorted({*expected, *found}) if found.get(n) != expected.get(n)]
                faults += [f"other bytes: {', '.join(different[:5])}"] if different else []
                left = [*out.glob("run/staged/*"), *out.glob("run/journal/*"), *out.rglob("*.part")]
                faults += [f"left over: {path}" for path in left]
                print(f"{sum(kills.values())} kills, {len(faults)} faults", flush=True)
        finally:
            cluster.shutdown()
    for fault in faults:
        print(f"FAULT {fault}")
    kinds_text = ", ".join(f"{count} of a {kind}" for kind, count in sorted(kills.items()))
    print(f"seed {options.seed}: {kinds_text}; {len(faults)} faults, {time.monotonic() - begun:.0f} s")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
