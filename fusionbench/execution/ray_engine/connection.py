"""Joining a Ray cluster, and what it consists of."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from dataclasses import dataclass
from typing import Any

import ray

from ...errors import InputError

PATIENCE_S = 5.0
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class Node:
    """A living machine of the cluster."""

    id: str
    host: str
    address: str
    cpus: int
    gpus: float

    def __str__(self) -> str:
        return f"{self.host} ({self.address}, node {self.id[:8]})"


def connect(address: str) -> str:
    """Join the cluster (``auto``, ``local`` or ``HOST:PORT``); returns the address of its dashboard ("" if
    it has none). Raises ``InputError`` with what to do."""
    if ray.is_initialized():
        raise InputError("this process uses Ray already; call `ray.shutdown()` first")
    if "://" in address:
        raise InputError(f"--ray-address {address}: Ray clients aren't supported. {_HOW}")
    if address not in {"auto", "local"}:
        _check_port(address)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        context: Any = ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises nothing more exact
        with contextlib.suppress(Exception):
            ray.shutdown()
        reason = str(error).strip().rstrip(".")
        raise InputError(f"--ray-address {address}: {reason}. {_HOW}") from error
    return str(context.dashboard_url or "")


_HOW = (
    "Start a cluster with `ray start --head` and run the command on one of its machines, or take "
    "--ray-address local, which starts one here"
)


def _check_port(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise InputError(f"--ray-address {address}: expected auto, local or HOST:PORT")
    try:
        socket.create_connection((host, int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"--ray-address {address}: nothing answers there ({error}). {_HOW}") from error


def disconnect() -> None:
    """Leave the cluster; one that was started for this run ends."""
    ray.shutdown()


def nodes() -> list[Node]:
    """The living machines, in a stable order."""
    found = []
    for about in ray.nodes():
        if about["Alive"]:
            has = about["Resources"]
            host, address = about["NodeManagerHostname"], about["NodeManagerAddress"]
            found.append(Node(about["NodeID"], host, address, int(has.get("CPU", 0)), has.get("GPU", 0.0)))
    return sorted(found, key=lambda n: n.id)


def this_node() -> Node:
    """The machine that this process runs on. Raises ``InputError`` if the cluster has lost it."""
    own = ray.get_runtime_context().get_node_id()
    for node in nodes():
        if node.id == own:
            return node
    raise InputError(f"{socket.gethostname()}: this machine isn't part of the cluster any more. {_HOW}")


def on_node(node: Node, *, soft: bool = False) -> Any:
    """The scheduling strategy that keeps a task on a machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node.id, soft=soft)
