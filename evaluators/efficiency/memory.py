"""Measures how far memory grows during a call."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import torch

from fusionbench.execution.memory import return_freed_memory

MIB = 2**20


def peak_growth(run: Callable[[], object], device: torch.device) -> float | None:
    """Bytes by which memory in use grew at most while ``run`` ran; None where this can't be measured.

    CUDA: live bytes of torch's allocator. CPU: the process's peak resident set over its resident set before;
    free memory is returned to the system first, otherwise what earlier calls left in the heap would be reused
    unseen. Needs Linux's ``/proc``.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return float(torch.cuda.max_memory_allocated(device) - before)
    if device.type != "cpu" or not _reset_peak():
        run()
        return None
    resident = _status("VmRSS")
    run()
    return max(0.0, _status("VmHWM") - resident)


def _reset_peak() -> bool:
    """Return free heap to the system and set the peak resident set to the present one; False where the system
    can't.
    """
    try:
        return_freed_memory()
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmHWM") > 0
    except OSError:
        return False


def _status(field: str) -> float:
    """A field of ``/proc/self/status`` in bytes; 0 if it isn't there."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) * 1024
    return 0.0
