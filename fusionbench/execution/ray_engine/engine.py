"""What the runner calls: the same contract as the local engine, on a Ray cluster."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...contracts.evaluator import Value
from ...errors import InputError, MissingDataError
from ...planning.config import RunConfig
from ...planning.plan import Plan
from ...planning.units import Group, MethodUnit
from ...store.run_store import RunStore
from ...terminal.progress import ProgressDisplay
from ..devices import resolve_devices
from ..fused_images import fused_path
from ..group_journal import GroupJournal, GroupResult
from ..image_pipeline import find_work, group_batches
from ..local_engine import LocalEngine
from ..set_scoring import SetJob, SetValues
from . import connection
from .checks import NodeCheck, find_places
from .dispatch import Dispatcher, OpenGroup, slots
from .pieces import GroupOnWorker, Setting, cut
from .places import Packed, Place, Sent
from .sets import score_on_cluster
from .stages import STAGED


class RayEngine:
    """See ``Engine``. Joins the cluster when it is made; ``close`` it."""

    def __init__(self, config: RunConfig) -> None:
        if config.device not in {"auto", "cpu", "cuda"}:
            raise InputError(
                f"--device {config.device}: with --engine ray it is auto, cpu or cuda; Ray hands out the GPUs"
            )
        self._config = config
        self._dashboard = connection.connect(config.ray_address)
        # Ray says on standard output that a worker ended; that one is for results.
        self._redirected = contextlib.redirect_stdout(sys.stderr)
        self._redirected.__enter__()
        self._places: tuple[Place, ...] = ()
        self._token = f".seen-{secrets.token_hex(8)}"
        try:
            self._nodes = connection.nodes()
            self._device = self._cluster_device()
            self.device = "cpu" if self._device == "cpu" else resolve_devices("auto")[0]
        except BaseException:
            self._leave()
            raise

    def _cluster_device(self) -> str:
        gpus = sum(node.gpus for node in self._nodes)
        if self._config.device == "cuda" and not gpus:
            raise InputError("--device cuda: no node of the cluster has a GPU; use --device cpu")
        return "cuda:0" if gpus and self._config.device != "cpu" else "cpu"

    def prepare(self, plan: Plan, store: RunStore, progress: ProgressDisplay) -> None:
        gpus_each = self._config.gpus_per_worker
        if not any(slots(node, self._config, self._device, gpus_each) for node in self._nodes):
            raise InputError(
                f"--gpus-per-worker {gpus_each:g}: no node of the cluster has so many GPUs"
                if self._device != "cpu"
                else "no node of the cluster has a CPU for work (ray start --num-cpus)"
            )
        dashboard = f"; dashboard: http://{self._dashboard}" if self._dashboard else ""
        cpus, gpus = sum(n.cpus for n in self._nodes), sum(n.gpus for n in self._nodes)
        progress.message(f"Ray: {len(self._nodes)} nodes, {cpus} CPUs, {gpus:g} GPUs{dashboard}")
        folder = store.folder.absolute()
        setting = Setting(
            _absolute(self._config), Path.cwd(), None, self._token, store.keeps_images, self._device
        )
        shutil.rmtree(folder / STAGED, ignore_errors=True)  # what a killed run left
        (folder / self._token).touch()
        self._check = NodeCheck(plan, setting, folder)
        seen = self._check.look_at(self._nodes)
        shared = all(found.run_folder for found in seen.values())
        self._setting = replace(setting, folder=folder) if shared else setting
        self._places = find_places(self._check, seen, progress)
        if len(self._nodes) > 1:
            how = (
                "written to the run folder by the workers" if self._setting.folder else "sent to this machine"
            )
            progress.message(f"Ray: fused images are {how}")

    def fuse_and_score(
        self, plan: Plan, store: RunStore, progress: ProgressDisplay
    ) -> dict[str, GroupResult]:
        groups = (self._open(group, store, progress) for group in plan.groups)
        gpus = self._config.gpus_per_worker
        dispatcher = Dispatcher(
            self._setting, store, progress, groups, self._nodes, self._check_joined, gpus=gpus
        )
        return dispatcher.run()

    def _check_joined(self, nodes: Sequence[connection.Node]) -> None:
        """Look at nodes that joined during the run. Raises ``FusionBenchError`` that names one which lacks
        something; then the same command goes on once that is mended."""
        seen = self._check.look_at(nodes)
        sent = {place.root for place in self._places}
        for node, found in seen.items():
            missing = [root for root, there in found.roots.items() if not there and root not in sent]
            if self._setting.folder is not None and not found.run_folder:
                missing.append(str(self._setting.folder))
            if missing:
                raise MissingDataError(f"{node} joined the cluster and doesn't see {', '.join(missing)}")

    def _open(self, group: Group, store: RunStore, progress: ProgressDisplay) -> OpenGroup:
        config, label = self._config, group.label
        journal = GroupJournal(group, store, "", progress, fail_fast=config.fail_fast)
        batches = group_batches(group, config.batch_size or (8 if self._device != "cpu" else 1))
        pairs = group.dataset.pairs
        work, unusable = find_work(group, store, pairs, progress, redo=config.overwrite == "always")
        progress.start(label, len(pairs), len(pairs) - len(work) - len(unusable))
        for name, error in unusable.items():
            journal.failed(name, error)
            journal.advance()
        images = fused_path(store, group, "x").absolute().parent
        known = GroupOnWorker.of(group, images)
        return OpenGroup(
            group,
            journal,
            Sent.of(
                Packed.of(replace(group.dataset, pairs=(), clean=None), self._places, group.dataset.name)
            ),
            Sent.of(Packed.of(known, self._places, group.method.name)),
            self._places,
            deque(cut(batches, work, images, send_saved=self._setting.folder is None)),
            dict(store.journal_facts(group.fuse).get("provenance") or {}),
        )

    def score_sets(
        self,
        jobs: Sequence[SetJob],
        plan: Plan,
        store: RunStore,
        progress: ProgressDisplay,
        note: Callable[[str], None],
    ) -> Iterator[tuple[SetJob, SetValues | Exception]]:
        gpus = self._config.gpus_per_worker
        yield from score_on_cluster(jobs, self._setting, self._places, store, progress, note, gpus)

    def measure_methods(
        self, units: Sequence[MethodUnit], plan: Plan, store: RunStore
    ) -> Iterator[tuple[MethodUnit, list[Value] | Exception]]:
        """On the machine of the driver: a unit's key holds its processor."""
        if self._device != "cpu" and self.device == "cpu":
            error = InputError(
                "methods are measured on the machine that runs the command, and it has no GPU; run it on one "
                "that has, with --engine local --task efficiency"
            )
            yield from ((unit, error) for unit in units)
            return
        yield from LocalEngine([self.device]).measure_methods(units, plan, store)

    def close(self) -> None:
        folder = self._config.folder.absolute()
        (folder / self._token).unlink(missing_ok=True)
        shutil.rmtree(folder / STAGED, ignore_errors=True)
        self._leave()

    def _leave(self) -> None:
        connection.disconnect()
        self._redirected.__exit__(None, None, None)


def _absolute(config: RunConfig) -> RunConfig:
    """The configuration with paths that don't depend on where a process runs."""
    roots = {
        name: root if "://" in str(root) else Path(root).absolute() for name, root in config.data_root.items()
    }
    return config.model_copy(update={"out": config.out.absolute(), "data_root": roots})
