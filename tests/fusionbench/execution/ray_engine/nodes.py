"""Starts a Ray cluster on this machine: one node for each JSON object of the first argument, which holds the
environment of that node beside ``cpus``. Prints the address; ends the cluster when standard input closes.

A process of its own, so that the tests' process never joins a cluster.
"""

from __future__ import annotations

import json
import os
import sys

STORE_BYTES = 100 << 20
"""The object store of a node; Ray refuses less than 75 MB."""


def main() -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    for index, about in enumerate(json.loads(sys.argv[1])):
        head = {"include_dashboard": False} if index == 0 else {}
        cpus = about.pop("cpus", 1)
        for attempt in range(3):  # on a busy machine Ray gives up after 30 s
            try:
                cluster.add_node(num_cpus=cpus, object_store_memory=STORE_BYTES, env_vars=about, **head)
                break
            except Exception:
                if attempt == 2:
                    raise
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
