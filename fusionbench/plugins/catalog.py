"""Finds plugins by name, by path, or by a folder of fused images. Knows no plugin itself.

Plugins register under the entry-point groups ``fusionbench.methods``, ``.datasets``, ``.evaluators`` and
``.reports``; an entry point may be a spec, a list of specs, or a function that returns them. Specs are data:
nothing heavy is imported until ``build`` resolves a spec's ``factory``.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import Any, Generic, TypeVar

from ..contracts.dataset import DatasetSpec
from ..contracts.evaluator import EvaluatorSpec, MetricSpec
from ..contracts.method import MethodSpec
from ..contracts.names import split_names
from ..contracts.report import ReportSpec
from ..errors import FusionBenchError, InputError, UnknownNameError
from ..extras import missing_extra

__all__ = [
    "Catalog",
    "build",
    "datasets",
    "default_tasks",
    "evaluator_of_task",
    "evaluators",
    "folder_dataset",
    "methods",
    "metrics",
    "report_with_role",
    "reports",
    "specs_below",
    "split_names",
    "unknown_name_message",
]

S = TypeVar("S", MethodSpec, DatasetSpec, EvaluatorSpec, ReportSpec)


def specs_below(package: str, path: Iterable[str]) -> list[object]:
    """All specs in the ``spec`` modules of a plugin folder: its own ``spec.py`` and those one level below.

    A ``spec`` module offers ``SPECS`` (a list) or ``SPEC``. Used by the built-in plugin folders'
    ``discover``.
    """
    found: list[object] = []
    for module in sorted(pkgutil.iter_modules(list(path)), key=lambda m: m.name):
        if module.ispkg:
            folder = importlib.import_module(f"{package}.{module.name}")
            names = [m.name for m in pkgutil.iter_modules(folder.__path__)]
            if "spec" not in names:
                continue
            spec_module = importlib.import_module(f"{package}.{module.name}.spec")
        elif module.name == "spec":
            spec_module = importlib.import_module(f"{package}.spec")
        else:
            continue
        found += list(getattr(spec_module, "SPECS", None) or [spec_module.SPEC])
    return found


class Catalog(Generic[S]):
    """The plugins of one kind, loaded from entry points at first use."""

    def __init__(self, kind: str, spec_type: type[S]) -> None:
        self.kind = kind
        self.group = f"fusionbench.{kind}s"
        self._type: type[S] = spec_type
        self._specs: dict[str, S] | None = None

    def all(self) -> dict[str, S]:
        """All specs by name, built-in ones first. Raises ``FusionBenchError`` if two plugins carry one
        name."""
        if self._specs is None:
            specs: dict[str, S] = {}
            entries = sorted(
                importlib.metadata.entry_points(group=self.group), key=lambda e: (e.name != "builtin", e.name)
            )
            for entry in entries:
                value = entry.load()
                if callable(value) and not isinstance(value, self._type):
                    value = value()
                for spec in [value] if isinstance(value, self._type) else list(value):
                    if spec.name in specs:
                        raise FusionBenchError(
                            f"two installed {self.kind}s are called {spec.name!r} (the second from entry "
                            "point "
                            f"{entry.value!r}); uninstall one of them"
                        )
                    specs[spec.name] = spec
            self._specs = specs
        return self._specs

    def add(self, spec: S) -> None:
        """Register a spec for this process (user code, tests). Replaces a spec of the same name."""
        self.all()[spec.name] = spec

    def get(self, name: str) -> S:
        """The spec of that name. Raises ``UnknownNameError`` with suggestions."""
        specs = self.all()
        if name not in specs:
            raise UnknownNameError(unknown_name_message(self.kind, name, specs))
        return specs[name]

    def default(self) -> S:
        """The spec that stands in where none is named (the first one marked ``default``). Raises
        ``UnknownNameError`` if none is."""
        for spec in self.all().values():
            if spec.default:
                return spec
        raise UnknownNameError(f"no installed {self.kind} is marked as the default; name one")

    def match(self, pattern: str) -> list[S]:
        """The specs whose names match a glob (``all`` means every one). Raises ``UnknownNameError`` if
        none does."""
        if pattern == "all":
            return list(self.all().values())
        if not any(c in pattern for c in "*?["):
            return [self.get(pattern)]
        names = fnmatch.filter(self.all(), pattern)
        if not names:
            raise UnknownNameError(
                f"no {self.kind} matches {pattern!r}; `fusionbench list {self.kind}s` shows all"
            )
        return [self.all()[n] for n in names]


methods: Catalog[MethodSpec] = Catalog("method", MethodSpec)
datasets: Catalog[DatasetSpec] = Catalog("dataset", DatasetSpec)
evaluators: Catalog[EvaluatorSpec] = Catalog("evaluator", EvaluatorSpec)
reports: Catalog[ReportSpec] = Catalog("report", ReportSpec)


def unknown_name_message(kind: str, name: str, known: Iterable[str], *, listed: bool = True) -> str:
    """The message for a name that nobody carries, with the nearest names as suggestions.

    ``listed``: ``fusionbench list`` shows names of this kind.
    """
    known = list(known)
    folded = {k.lower(): k for k in known}
    near = [folded[n] for n in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.5)]
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    plural = kind if kind.endswith("s") else f"{kind}s"
    where = f" `fusionbench list {plural}` shows all of them" if listed else ""
    return f"there is no {kind} called {name!r}{hint}{where}"


def build(import_string: str) -> Any:
    """Resolve ``"package.module:attribute"``. Raises ``InputError`` naming what can't be imported."""
    module_name, _, attribute = import_string.partition(":")
    if not attribute:
        raise InputError(f"an import string has the form 'package.module:name', got {import_string!r}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if (missing := missing_extra(error, import_string)) is not None:
            raise missing from error
        raise InputError(
            f"can't import {import_string!r}: no module {error.name!r}; is the plugin's package installed?"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise InputError(f"can't import {import_string!r}: {module_name} has no {attribute!r}") from None


@cache
def metrics() -> dict[str, MetricSpec]:
    """All metrics of all evaluators by name, each evaluator's default ones first, in its own order (that
    of the tables)."""
    found: dict[str, MetricSpec] = {}
    for evaluator in evaluators.all().values():
        by_name = {metric.name: metric for metric in evaluator.metrics}
        for name in dict.fromkeys([*evaluator.default_metrics, *by_name]):
            found.setdefault(name, by_name[name])
    return found


def evaluator_of_task(task: str) -> EvaluatorSpec:
    """The evaluator that serves a ``--task``. Raises ``UnknownNameError``."""
    for spec in evaluators.all().values():
        if spec.task == task:
            return spec
    raise UnknownNameError(unknown_name_message("task", task, [s.task for s in evaluators.all().values()]))


def default_tasks() -> list[str]:
    """The tasks that a run evaluates where none is named."""
    chosen = [spec for spec in evaluators.all().values() if spec.default]
    return [spec.task for spec in sorted(chosen, key=lambda s: ("image", "dataset", "method").index(s.scope))]


def folder_dataset() -> DatasetSpec:
    """The dataset that reads any two folders. Raises ``UnknownNameError`` if none is installed."""
    for spec in datasets.all().values():
        if spec.takes_folders:
            return spec
    raise UnknownNameError("no installed dataset reads two folders of any name")


def report_with_role(role: str) -> ReportSpec:
    """The report that fills a role of the harness (see ``ReportSpec.role``). Raises ``UnknownNameError``
    if none is installed."""
    for spec in reports.all().values():
        if spec.role == role:
            return spec
    raise UnknownNameError(f"no installed report has the role {role!r}")
