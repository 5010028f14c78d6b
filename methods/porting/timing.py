"""Is a port slower than the official code? ``python -m fusionbench.methods.porting.timing`` measures,
``parity`` shows it in its table.

Absolute times wobble on a shared machine, so a port is timed by the CPU time of one thread and divided by
that of a fixed convolution timed right before and after. The official code's times were recorded without such
a convolution. What it would have taken follows from the fastest of them: PIAFusion's PyTorch network did its
361 GMACs at 65.6 a second, and a single large convolution is no slower than a whole network of smaller ones,
so it took 2.83 / 65.6 s at most.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from fusionbench.execution.memory import reuse_freed_memory
from fusionbench.plugins import catalog
from fusionbench.store.provenance import processor

from .fixture_weights import fixture_weights
from .network import build_network

FULL, SMALL = (480, 640), (178, 368)
"""(height, width): MSRS, and the smaller size at which some slow methods were timed too."""

OFFICIAL_SECONDS: dict[str, tuple[tuple[int, int], float, str]] = {
    "caf": (FULL, 2.0, ""),
    "cddfuse": (SMALL, 5.1, ""),
    "dafusion": (FULL, 1.25, ""),
    "datfuse": (FULL, 0.84, ""),
    "densefuse": (FULL, 0.71, ""),
    "densefuse-tf": (FULL, 0.90, "TensorFlow"),
    "didfuse": (FULL, 2.1, ""),
    "emma": (FULL, 2.0, ""),
    "fiscnet": (FULL, 6.6, ""),
    "gifnet": (SMALL, 2.0, ""),
    "ifcnn": (FULL, 0.76, ""),
    "ignet": (FULL, 4.4, ""),
    "itfuse": (FULL, 2.5, ""),
    "lrrnet": (FULL, 7.7, ""),
    "lutfuse": (FULL, 0.26, ""),
    "mfeif": (FULL, 11.5, ""),
    "mmdrfuse": (FULL, 0.02, ""),
    "mmdrfuse-teacher": (FULL, 2.2, ""),
    "mufusion": (SMALL, 1.5, "float64, with file handling"),
    "pfcfuse": (FULL, 19.6, "with file handling"),
    "piafusion-port": (FULL, 5.5, ""),
    "reconet": (FULL, 1.1, ""),
    "refusion": (FULL, 7.7, ""),
    "res2fusion": (FULL, 72.0, "the attention in blocks of rows"),
    "sage": (FULL, 0.65, ""),
    "sdnet": (FULL, 0.42, "TensorFlow"),
    "seafusion": (FULL, 1.43, ""),
    "sfdfusion": (FULL, 1.6, ""),
    "ship": (FULL, 5.8, "with file handling"),
    "siba": (FULL, 17.0, ""),
    "swinfusion": (SMALL, 6.9, ""),
    "tardal": (FULL, 1.5, ""),
    "u2fusion": (FULL, 3.5, "TensorFlow"),
    "ydtr": (FULL, 11.1, ""),
}
"""CPU seconds of one pair on one thread in the official code: size, the least recorded time, what else is in
it.
"""

CONVOLUTION_GMACS = 64 * 64 * 9 * 320 * 240 / 1e9
OFFICIAL_CONVOLUTION_SECONDS = CONVOLUTION_GMACS / (360.99 / OFFICIAL_SECONDS["piafusion-port"][1])
"""The most that the fixed convolution can have taken beside the official code."""

SECONDS_ENOUGH = 2.0
"""A method isn't run a third time once its runs took this long; the least of them counts.

The first one also maps the memory.
"""
FEWEST_RUNS, MOST_RUNS = 2, 5


@dataclass(frozen=True)
class Timing:
    """CPU seconds of one thread: the port's, and those of the fixed convolution beside it."""

    method: str
    size: tuple[int, int]
    seconds: float
    convolution: float


def time_port(name: str, size: tuple[int, int]) -> Timing:
    """Time a port, with random weights (they don't matter), on random images of that (height, width)."""
    spec = catalog.methods.get(name)
    network = build_network(spec.options)
    network.load_official(
        fixture_weights(network.official_shapes(), lambda _: 0.7, tensorflow=network.tensorflow)
    )
    network.eval().requires_grad_(False)
    infrared = torch.rand(1, 1, *size)
    visible = torch.rand(1, 3 if spec.input == "rgb" else 1, *size)
    ratios: list[tuple[float, float, float]] = []
    spent = 0.0
    with torch.inference_mode():
        fixed = _fixed_convolution()
        while len(ratios) < FEWEST_RUNS or (spent < SECONDS_ENOUGH and len(ratios) < MOST_RUNS):
            before = min(_cpu_seconds(fixed) for _ in range(3))
            seconds = _cpu_seconds(lambda: network.fuse(infrared, visible))
            after = min(_cpu_seconds(fixed) for _ in range(3))
            convolution = (before + after) / 2
            ratios.append((seconds / convolution, seconds, convolution))
            spent += seconds
    _, seconds, convolution = min(ratios)
    return Timing(name, size, seconds, convolution)


def _fixed_convolution() -> Callable[[], object]:
    """3×3, 64 to 64 channels, 320×240 (2.83 GMACs): that of the metric RelativeLatency."""
    weight, image = torch.rand(64, 64, 3, 3), torch.rand(1, 64, 240, 320)
    return lambda: torch.nn.functional.conv2d(image, weight, padding=1)


def _cpu_seconds(run: Callable[[], object]) -> float:
    begun = time.thread_time()
    run()
    return time.thread_time() - begun


def read_timings(path: Path) -> dict[str, Timing]:
    """The timings of a file by method; none if there is no file."""
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {
        t["method"]: Timing(t["method"], (t["size"][0], t["size"][1]), t["seconds"], t["convolution"])
        for t in content["timings"]
    }


def read_processor(path: Path) -> str:
    """The processor on which a file's timings were taken."""
    return (
        str(json.loads(path.read_text(encoding="utf-8"))["processor"])
        if path.is_file()
        else "no processor yet"
    )


def relative(timings: dict[str, Timing], name: str) -> tuple[float, float] | None:
    """Port and official code relative to the fixed convolution; None where one of them wasn't timed."""
    if name not in timings or name not in OFFICIAL_SECONDS:
        return None
    timing = timings[name]
    return timing.seconds / timing.convolution, OFFICIAL_SECONDS[name][1] / OFFICIAL_CONVOLUTION_SECONDS


def main() -> None:
    """Time the ports and write the file; methods that it holds already are left as they are unless named."""
    parser = argparse.ArgumentParser(
        prog="python -m fusionbench.methods.porting.timing", description=main.__doc__
    )
    parser.add_argument("methods", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("docs/baseline-timing.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reuse_freed_memory()
    timings = read_timings(arguments.out)
    fast_first = sorted(OFFICIAL_SECONDS, key=lambda name: OFFICIAL_SECONDS[name][1])
    for name in arguments.methods or [n for n in fast_first if n not in timings]:
        timings[name] = time_port(name, OFFICIAL_SECONDS[name][0])
        content = {
            "processor": processor(),
            "torch": torch.__version__,
            "timings": [asdict(timings[n]) for n in sorted(timings)],
        }
        arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        port, official = relative(timings, name) or (0.0, 0.0)
        print(f"{name}: port {port:.1f}, official {official:.1f} fixed convolutions", flush=True)


if __name__ == "__main__":
    main()
