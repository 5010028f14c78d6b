"""A Ray cluster of two nodes on this machine, and runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionbench.api import make_config
from fusionbench.execution.runner import RunResult, execute

ray = pytest.importorskip("ray")

STORE_BYTES = 100 << 20
"""The object store of a node; Ray refuses less than 75 MB."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Two nodes with one CPU each; tests that end a node add one of their own."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=node)
    started.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    yield started
    if ray.is_initialized():
        ray.shutdown()
    started.shutdown()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunResult]:
    """``run(name, **settings)``: two methods over a few demo pairs with two metrics, on the CPU, with the
    settings changed or added."""

    def call(name: str, **settings: Any) -> RunResult:
        common = {
            "method": "max,laplacian",
            "dataset": "demo",
            "dataset_options": {"demo": {"count": 6, "size": "96x80"}},
            "task": "quality",
            "metrics": "EN,SD",
            "device": "cpu",
            "out": tmp_path / "runs",
            "name": name,
        }
        return execute(make_config(common | settings), quiet=True)

    return call


@pytest.fixture
def on_ray(cluster: Any, run: Callable[..., RunResult]) -> Callable[..., RunResult]:
    """The same on the cluster."""
    return lambda name, **settings: run(name, **{"engine": "ray", "ray_address": cluster.address, **settings})
