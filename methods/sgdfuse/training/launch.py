"""The Lightning Fabric of a training run: device, precision, and one process per device (torchrun or started
by Fabric).
"""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy

from fusionbench.errors import InputError

PRECISIONS = {
    "32": "32-true",
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "16": "16-mixed",
    "fp16": "16-mixed",
    "32-true": "32-true",
    "bf16-mixed": "bf16-mixed",
    "16-mixed": "16-mixed",
}


def make_fabric(device: str = "auto", precision: str = "32", devices: int = 1, num_nodes: int = 1) -> Fabric:
    """A Fabric for `device` (auto, cpu, cuda, cuda:1, mps), `devices` processes a machine, `num_nodes`
    machines.

    Under torchrun the environment it sets counts. Raises InputError for an unknown precision or an absent
    device.
    """
    if str(precision) not in PRECISIONS:
        raise InputError(f"--precision is one of fp32, bf16, fp16, not {precision!r}")
    kind, _, index = device.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "--device cuda, but torch sees no CUDA device here; use --device cpu or install torch for CUDA"
        )
    several = devices * num_nodes > 1
    # Ablations leave parts of the network without a gradient (no HFAH, stage I frozen), which plain DDP
    # refuses.
    backend = "nccl" if kind == "cuda" else "gloo"
    strategy = DDPStrategy(find_unused_parameters=True, process_group_backend=backend) if several else "auto"
    return Fabric(
        accelerator=kind,
        devices=[int(index)] if index and not several else devices,
        num_nodes=num_nodes,
        precision=PRECISIONS[str(precision)],  # type: ignore[arg-type]
        strategy=strategy,
    )
