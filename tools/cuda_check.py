"""What only a CUDA machine can tell, by one command of at most nine minutes, without the internet.

python tools/cuda_check.py --out cuda-check [--data FOLDER] [--state FOLDER] [--minutes 8.5]
python tools/cuda_check.py --out /tmp/check --rehearse        # the same on a CPU, in small, to try the code

It leaves OUT/report.json (rewritten after each part, so that a kill loses one part at most) and OUT/training
(checkpoint, weights, history). Parts: every method on CPU and CUDA; metrics in batches; SGDFuse's latency,
throughput and memory; then training from STATE's last checkpoint (a folder of `fusionbench train sgdfuse`)
for the rest of the time. STATE/masks, where it is there, spares the time of finding the masks again: take it
along.

FOLDER holds `msrs`, `roadscene`, `train/llvip` and `train/m3svd`; without it the demo scenes stand in.
Metrics on CUDA are measured by benchmarks/metrics_cuda.py, which looks for pairs where FUSIONBENCH_TEST_DATA
says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import shutil
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fusionbench.contracts.dataset import Pair, PairImages
from fusionbench.contracts.method import MethodContext
from fusionbench.errors import FusionBenchError
from fusionbench.execution.fusing import MethodFuser, weights_resolver
from fusionbench.methods.sgdfuse.checkpoint import load_weights
from fusionbench.methods.sgdfuse.network.network import SGDFuseNetwork, image_noise
from fusionbench.methods.sgdfuse.training.pack import Pack, build_pack
from fusionbench.methods.sgdfuse.training.train import CHECKPOINT, HISTORY, train
from fusionbench.plugins import catalog

SHARES = {"methods": 0.22, "metrics": 0.08, "speed": 0.20, "pack": 0.10}
"""Parts of the time; training gets the rest."""
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
FP32_TOLERANCE = 2
"""Grey levels that CPU and CUDA may differ by at the worst pixel in fp32 (rounding to a level, and a
reordered sum).
"""
MEAN_TOLERANCE = 0.05
TRAINING_DATA = (
    ("msrs", "msrs"),
    ("roadscene", "roadscene"),
    ("llvip", "train/llvip"),
    ("m3svd", "train/m3svd"),
)


@dataclass
class Check:
    """One run of the tool: where it writes, on what device, and how much time is left."""

    out: Path
    device: str
    seconds: float
    rehearse: bool
    begun: float = field(default_factory=time.monotonic)
    report: dict[str, Any] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds until the end."""
        return self.seconds - (time.monotonic() - self.begun)

    def part(self, name: str, work: Callable[[float], Any]) -> None:
        """Do one part within its share of the time; what goes wrong in it is written down and does not stop
        the others.
        """
        until = time.monotonic() + self.seconds * SHARES.get(name, 1.0)
        begun = time.monotonic()
        try:
            result = work(until)
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()[-2000:]}
        self.report[name] = result
        self.report.setdefault("seconds", {})[name] = round(time.monotonic() - begun, 1)
        (self.out / "report.json").write_text(json.dumps(self.report, indent=1, default=str), "utf-8")
        print(f"{name}: {time.monotonic() - begun:.0f} s, {self.left():.0f} s left", flush=True)


def machine(device: str) -> dict[str, Any]:
    """Versions and the device, as they belong beside every figure."""
    facts: dict[str, Any] = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
        "cpu_threads": torch.get_num_threads(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": properties.name,
            "gpu_gib": round(properties.total_memory / 2**30, 1),
            "compute_capability": f"{properties.major}.{properties.minor}",
        }
    return facts


def demo_pairs(count: int, size: str) -> list[PairImages]:
    """Demo test scenes, rendered."""
    spec = catalog.datasets.get("demo")
    spec = spec.model_copy(update={"options": {**spec.options, "count": count, "size": size}})
    dataset = catalog.build(spec.factory)(spec, None)
    return [dataset.load(pair) for pair in dataset.pairs("test")]


def compare_methods(device: str, rehearse: bool, until: float) -> dict[str, Any]:
    """Every method that runs in this process, on CPU and device: largest and mean difference of its uint8
    image, in grey levels.
    """
    images = demo_pairs(1, "160x128" if rehearse else "320x256")[0]
    names = ["max", "sgdfuse"] if rehearse else sorted(catalog.methods.all())
    rows: dict[str, Any] = {}
    for name in names:
        if time.monotonic() > until:
            rows[name] = {"skipped": "no time left for this part"}
            continue
        rows[name] = _compare_method(name, images, device)
    compared = [row for row in rows.values() if "largest" in row]
    agree = [row for row in compared if row["largest"] <= FP32_TOLERANCE and row["mean"] <= MEAN_TOLERANCE]
    return {"compared": len(compared), "agree": len(agree), "size": images.infrared.shape, "methods": rows}


def _compare_method(name: str, images: PairImages, device: str) -> dict[str, Any]:
    spec = catalog.methods.get(name)
    if spec.external is not None or not spec.factory:
        return {"skipped": "runs outside this process"}
    made, seconds = {}, {}
    try:
        for where in ("cpu", device):
            context = MethodContext(0, dict(spec.options), None, weights_resolver(spec))
            fuser = MethodFuser(spec, context, where, "fp32")
            fuser.fuse([Pair("a")], [images])  # the first call chooses kernels
            begun = time.perf_counter()
            made[where] = fuser.fuse([Pair("a")], [images])[0].astype(np.int16)
            seconds[where] = round(time.perf_counter() - begun, 4)
            if fuser.fallbacks:
                return {"skipped": f"fell back: {fuser.fallbacks}"}
    except FusionBenchError as error:
        return {"skipped": str(error)[:300]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:600]}
    difference = np.abs(made["cpu"] - made[device])
    return {
        "largest": int(difference.max()),
        "mean": float(difference.mean()),
        "seconds_cpu": seconds["cpu"],
        "seconds_device": seconds[device],
    }


def batched_metrics(device: str, rehearse: bool, until: float) -> dict[str, str]:
    """The table of benchmarks/metrics_cuda.py: pairs per second in batches, and agreement with the CPU."""
    del until
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    import metrics_cuda
    from metrics_measure import synthetic

    if rehearse:
        metrics_cuda._batch = lambda size: [synthetic(64, 96)] * size
    return {
        "table": metrics_cuda.on_device(device, batch=2 if rehearse else 32, repeats=1 if rehearse else 5)
    }


def sgdfuse_speed(weights: Path, device: str, rehearse: bool, until: float) -> dict[str, Any]:
    """SGDFuse without its mask provider at 640×480: seconds a pair, pairs per second in batches, peak memory,
    agreement with fp32.
    """
    network, _ = load_weights(weights)
    network = network.to(device)
    size = (64, 96) if rehearse else (480, 640)
    batches = (1, 2) if rehearse else (1, 8, 32)
    rows: list[dict[str, Any]] = []
    reference: torch.Tensor | None = None
    for compiled in (False, True) if not rehearse else (False,):
        for name, dtype in PRECISIONS.items():
            if device == "cpu" and name == "fp16":
                continue
            run: Callable[..., torch.Tensor] = torch.compile(network) if compiled else network
            for batch in batches if not compiled else batches[:2]:
                if time.monotonic() > until:
                    rows.append(
                        {"precision": name, "compiled": compiled, "batch": batch, "skipped": "no time left"}
                    )
                    continue
                row = {"precision": name, "compiled": compiled, "batch": batch}
                try:
                    fused, figures = _measure(run, network, batch, size, device, dtype, 2 if rehearse else 20)
                except Exception as error:  # out of memory, or a compiler that is not there
                    rows.append({**row, "error": f"{type(error).__name__}: {error}"[:400]})
                    continue
                if reference is None:
                    reference = fused
                figures["largest_difference_from_fp32"] = float(255 * (fused - reference).abs().max())
                rows.append({**row, **figures})
    return {"size": list(size), "rows": rows}


@torch.inference_mode()
def _measure(
    run: Callable[..., torch.Tensor],
    network: SGDFuseNetwork,
    batch: int,
    size: tuple[int, int],
    device: str,
    dtype: torch.dtype | None,
    repeats: int,
) -> tuple[torch.Tensor, dict[str, float]]:
    """The first fused image of the batch (float32, on the CPU), and the figures of `repeats` calls."""
    generator = torch.Generator().manual_seed(0)
    infrared, visible, mask = (torch.rand(1, c, *size, generator=generator) for c in (1, 3, 1))
    noise = image_noise(infrared, visible, 0, network.noise_channels)
    inputs = [item.to(device).expand(batch, -1, -1, -1) for item in (infrared, visible, mask, mask, noise)]
    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    autocast = (
        torch.autocast(torch.device(device).type, dtype) if dtype is not None else contextlib.nullcontext()
    )
    times = []
    with autocast:
        for call in range(repeats + 2):
            begun = time.perf_counter()
            fused = run(*inputs)
            if cuda:
                torch.cuda.synchronize(device)
            if call >= 2:
                times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    figures = {"seconds_a_batch": median, "pairs_per_second": batch / median}
    if cuda:
        figures["peak_gib"] = torch.cuda.max_memory_allocated(device) / 2**30
    return fused[:1].float().cpu(), figures


def training_pack(
    data: Path | None, device: str, rehearse: bool, cache: Path
) -> tuple[Pack, list[Any], list[str]]:
    """All training pairs on the device as uint8, with their masks; the datasets and the mask providers."""
    datasets: list[tuple[str, Path | None]] = []
    if data is not None and not rehearse:
        datasets = [(name, data / place) for name, place in TRAINING_DATA if (data / place).is_dir()]
    masks = ["none"] if rehearse else ["two-sensor", "saliency", "labels"]
    datasets = datasets or [("demo", None)]
    if not rehearse and all(name != "demo" for name, _ in datasets):
        datasets.append(("demo", None))
    pack = build_pack(datasets, masks, cache, 6, device, only_held_out=rehearse)
    if rehearse:  # six scenes are enough to try the code
        pack = Pack(pack.validation, (), pack.providers)
    return pack, datasets, masks


def go_on_training(check: Check, data: Path | None, state: Path | None, preset: str) -> dict[str, Any]:
    """Train for what is left of the time, from the state's last checkpoint where there is one."""
    out = check.out / "training"
    out.mkdir(exist_ok=True)
    begun = time.monotonic()
    cache = out / "masks"
    if state is not None and (state / "masks").is_dir() and not check.rehearse:
        shutil.copytree(state / "masks", cache, dirs_exist_ok=True)
    pack, datasets, masks = training_pack(data, check.device, check.rehearse, cache)
    packed = time.monotonic() - begun
    settings: dict[str, Any] = {"train.validate_every": 10**9, "train.checkpoint_every": 500}
    if check.rehearse:
        settings |= {
            "train.steps1": 1,
            "train.steps2": 10**6,
            "train.checkpoint_every": 5,
            "train.log_every": 1,
        }
    init = None
    if state is not None and (state / CHECKPOINT).exists():
        init = out / "start.ckpt"
        shutil.copy(state / CHECKPOINT, init)
    seconds = max(5.0, check.left() - (2 if check.rehearse else 20))
    train(
        out=out,
        datasets=[(name, root) for name, root in datasets],
        stage="2" if init else "all",
        preset=preset,
        masks=masks,
        resume=True,
        device=check.device,
        precision="bf16" if not check.rehearse else "32",
        batch_size=2 if check.rehearse else 32,
        crop=64 if check.rehearse else None,
        init=init,
        pack=pack,
        minutes=seconds / 60,
        overrides=settings,
    )
    lines = (
        [json.loads(line) for line in (out / HISTORY).read_text("utf-8").splitlines()]
        if (out / HISTORY).exists()
        else []
    )
    rates = [line["crops_per_s"] for line in lines if "crops_per_s" in line]
    return {
        "seconds_of_packing": round(packed, 1),
        "pairs": len(pack.training),
        "started_from": str(state) if init else "scratch",
        "crops_per_second": statistics.median(rates) if rates else None,
        "last": lines[-1] if lines else None,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all parts; 0 if each gave figures, 1 if one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of the training pairs")
    parser.add_argument("--state", type=Path, help="training folder to go on from (last.ckpt)")
    parser.add_argument("--preset", default="default", help="what is trained: default or paper")
    parser.add_argument("--minutes", type=float, default=8.5, help="time for everything, at most 9 are meant")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, in small, in under a minute")
    options = parser.parse_args(arguments)
    if options.rehearse:
        options.device, options.minutes = "cpu", min(options.minutes, 0.6)
    elif not torch.cuda.is_available():
        print("torch sees no CUDA device here; try the code with --rehearse", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    check = Check(options.out, options.device, 60 * options.minutes, options.rehearse)
    check.report["machine"] = machine(options.device)
    spec = catalog.methods.get("sgdfuse")
    weights = weights_resolver(spec)(spec.artifacts[0].name)
    device, small = options.device, options.rehearse
    check.part("speed", lambda until: sgdfuse_speed(weights, device, small, until))
    check.part("metrics", lambda until: batched_metrics(device, small, until))
    check.part("methods", lambda until: compare_methods(device, small, until))
    check.part("training", lambda until: go_on_training(check, options.data, options.state, options.preset))
    methods = check.report["methods"]
    print(f"CPU and {device}: {methods.get('agree')} of {methods.get('compared')} methods agree")
    failed = [name for name, found in check.report.items() if isinstance(found, dict) and "error" in found]
    print(
        f"{options.out / 'report.json'}: " + (f"failed: {', '.join(failed)}" if failed else "all parts done")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
