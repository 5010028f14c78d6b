"""What executes the work of a plan: the contract, and the choice of an engine.

A plan's work has three kinds: images (methods × splits, fused and scored image by image), sets (evaluators of
whole splits, among them those that train judges) and measurements of methods. An engine decides where and at
the same time as what each runs. Everything else is the same for all engines: the plan, what is missing
(``missing``, ``set_scoring.find_jobs``), how one piece is done (``image_flow``, ``set_scoring.score_set``,
``method_scoring.measure_method``), and the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ..contracts.evaluator import Value
from ..extras import require
from ..planning.config import RunConfig
from ..planning.plan import Plan
from ..planning.units import MethodUnit
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .devices import resolve_devices
from .group_journal import GroupResult
from .set_scoring import SetJob, SetValues


class Engine(Protocol):
    """Executes a plan's work. Results are the same bytes for every engine.

    ``device`` is where single pieces run that the run itself starts (the scripts of external methods).
    """

    device: str

    def prepare(self, plan: Plan, store: RunStore, progress: ProgressDisplay) -> None:
        """Look whether all that the plan needs is there where it will run. Raises ``FusionBenchError``."""
        ...

    def close(self) -> None:
        """Give back what the engine holds; it isn't used afterwards."""
        ...

    def fuse_and_score(
        self, plan: Plan, store: RunStore, progress: ProgressDisplay
    ) -> dict[str, GroupResult]:
        """Fuse and score the images that the store lacks; returns what happened, by the key of each group's
        fuse unit.

        Entries reach the store's journals as they come, so that a kill loses only images in work. Raises
        ``StoreError`` if they can't be written, ``FusionBenchError`` if a process dies.
        """
        ...

    def score_sets(
        self,
        jobs: Sequence[SetJob],
        plan: Plan,
        store: RunStore,
        progress: ProgressDisplay,
        note: Callable[[str], None],
    ) -> Iterator[tuple[SetJob, SetValues | Exception]]:
        """Score whole sets; yields each job with its values, or with what went wrong, as they finish."""
        ...

    def measure_methods(
        self, units: Sequence[MethodUnit], plan: Plan, store: RunStore
    ) -> Iterator[tuple[MethodUnit, list[Value] | Exception]]:
        """Measure methods themselves, one at a time on an otherwise idle device; yields as ``score_sets``
        does."""
        ...


def choose_engine(config: RunConfig) -> Engine:
    """The engine that a configuration asks for; ``close`` it. Raises ``InputError`` for devices that are
    missing or a cluster that doesn't answer, ``MissingExtraError`` without the packages of a cluster."""
    if config.engine == "ray":
        require("ray", "--engine ray")
        from .ray_engine.engine import RayEngine

        return RayEngine(config)
    from .local_engine import LocalEngine

    return LocalEngine(resolve_devices(config.device))
