"""Freed memory is used again instead of being mapped afresh."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import torch
from fusionbench.execution.memory import reuse_freed_memory
if sys.argv[1] == "reuse" and not reuse_freed_memory():
    print(-1)
    sys.exit()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    torch.ones(10, 2**20)  # 40 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(argument: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, argument], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")
def test_large_results_dont_get_new_pages_every_time() -> None:
    faults = _page_faults("reuse")
    if faults < 0:
        pytest.skip("the C library isn't glibc")
    assert faults < _page_faults("default") / 2
