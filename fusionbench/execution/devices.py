"""The devices that a run's flags stand for, and how many threads work beside them."""

from __future__ import annotations

import os

from ..errors import InputError


def resolve_devices(text: str) -> list[str]:
    """``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``cuda:all`` or a comma list → device names. Raises
    ``InputError`` if one is missing."""
    if all(part.strip() == "cpu" for part in text.split(",")):
        return ["cpu" for _ in text.split(",")]
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices: list[str] = []
    for part in text.split(","):
        name = part.strip()
        if name == "auto":
            devices.append("cuda:0" if count else "cpu")
        elif name == "cpu":
            devices.append("cpu")
        elif name in {"cuda", "cuda:all"} or (name.startswith("cuda:") and name[5:].isdigit()):
            devices += [f"cuda:{index}" for index in _cuda_indices(text, name, count)]
        else:
            raise InputError(
                f"--device {text}: expected auto, cpu, cuda, cuda:N, cuda:all or a comma list of these"
            )
    return devices


def _cuda_indices(text: str, name: str, count: int) -> list[int]:
    """The indices that ``cuda``, ``cuda:all`` or ``cuda:N`` stands for, of ``count`` devices."""
    wanted = {"cuda": [0], "cuda:all": list(range(count))}.get(name)
    if wanted is None:
        wanted = [int(name[5:])]
    if not count or max(wanted) >= count:
        seen = f"{count} CUDA device{'s' if count != 1 else ''}" if count else "no CUDA device"
        raise InputError(
            f"--device {text}: PyTorch sees {seen}; use --device cpu, or see `fusionbench doctor`"
        )
    return wanted


def thread_count(jobs: int) -> int:
    """Threads for decoding, scoring and encoding: ``jobs``, or one per core if it is 0."""
    if jobs:
        return jobs
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
