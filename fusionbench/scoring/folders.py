"""Scores folders of fused images: a run over ``dir:`` methods whose numbers are passed on and not kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..contracts.report import ReportInput
from ..errors import InputError
from ..execution.runner import execute
from ..external.folder import folder_method
from ..planning.config import RunConfig, validate
from ..planning.plan import Plan, make_plan
from ..planning.selection import open_dataset
from ..planning.units import Group
from ..plugins import catalog
from ..rendering import report_input
from ..store.run_store import RunStore
from .naming import (
    NAMED_ALONE,
    FolderOptions,
    check_fused_names,
    check_partners,
    check_sources,
    fused_methods,
)


@dataclass
class Scores:
    """What ``score`` found: the reports' input, and failures as {method: {image: reason}}.

    ``skipped`` says of each metric that was asked for, and that no chosen convention defines, where it is
    defined.
    """

    data: ReportInput
    failures: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows (``contracts.COLUMNS``), in the order of the folders and conventions asked for."""
        return self.data.rows


def score_folders(
    infrared: Path,
    visible: Path,
    fused: Sequence[str | Path],
    *,
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] = (),
    images: Sequence[str] = (),
    limit: int | None = None,
    jobs: int = 0,
    quiet: bool = True,
    options: FolderOptions = NAMED_ALONE,
) -> Scores:
    """Score folders of fused images against two folders of sources, matched by stem, or as ``options`` say.

    ``fused`` are folders, each optionally ``folder:label``. Pairs whose fused image is missing or unusable
    are reported by name in ``failures`` and left out; the others are scored. Raises ``MissingDataError`` or
    ``InputError`` if a folder can't be used at all.
    """
    infrared, visible = Path(infrared), Path(visible)
    check_sources("IR", infrared, options.ir_pattern)
    check_sources("VIS", visible, options.vi_pattern)
    dataset = open_dataset(catalog.folder_dataset().name, {}, options.sources(infrared, visible))
    pairs = dataset.pairs(dataset.spec.splits[0])
    check_partners(pairs, infrared, visible)
    names = {pair.name for pair in pairs}
    methods = [method for folder in fused for method in fused_methods(folder, names, options)]
    specs = [folder_method(method, f"FUSED {method.removeprefix('dir:')}")[0] for method in methods]
    _check_labels(specs)
    with tempfile.TemporaryDirectory(prefix="fusionbench-score-") as scratch:
        config = _config(
            Path(scratch),
            methods,
            metrics,
            conventions,
            images,
            limit,
            jobs,
            {
                "dataset_options": {dataset.spec.name: options.sources(infrared, visible)},
                "method_options": {spec.name: options.fused for spec in specs},
            },
        )
        plan = make_plan(config)
        for group in plan.groups:
            _check_names(group)
        store = RunStore.open(config.folder, keeps_images=False)
        result = execute(config, quiet=quiet, plan=plan, store=store)
        data = report_input(store, selection=plan.selection())
    label = plain_name(Path(infrared).resolve().parent.name or catalog.folder_dataset().name)
    rows = _in_order(data.rows, plan).assign(dataset=label)
    failures = {
        group.method.name: found for group in plan.groups if (found := result.failures.get(group.label))
    }
    return Scores(replace(data, rows=rows, run={}), failures, list(plan.skipped))


def scored_tasks() -> list[str]:
    """The tasks that ``score`` evaluates: those that a run evaluates unasked, and that need only fused
    images and sources."""
    return [
        task
        for task in catalog.default_tasks()
        if (spec := catalog.evaluator_of_task(task)).scope == "image" and spec.needs <= {"fused", "sources"}
    ]


def _config(
    scratch: Path,
    methods: Sequence[str],
    metrics: Sequence[str] | None,
    conventions: Sequence[str],
    images: Sequence[str],
    limit: int | None,
    jobs: int,
    options: dict[str, Any],
) -> RunConfig:
    values = {
        "method": methods,
        "dataset": [catalog.folder_dataset().name],
        "task": scored_tasks(),
        "metrics": metrics,
        "convention": conventions,
        "images": images,
        "limit": limit,
        "jobs": jobs,
        "device": "cpu",
        "out": scratch,
        "name": "score",
        **options,
    }
    return validate(values, "fusionbench score")


def _check_labels(methods: Sequence[MethodSpec]) -> None:
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two folders are both called {name!r}; give them labels: FOLDER:LABEL")


def _check_names(group: Group) -> None:
    """Raise ``InputError`` if no image of a folder is named like one of the pairs."""
    assert group.method.folder is not None
    said = f"FUSED {group.method.text.removeprefix('dir:')}"
    names = [pair.name for pair in group.dataset.pairs]
    check_fused_names(said, group.method.spec, group.method.folder, names)


def _in_order(rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The rows in the order of the plan's units: the store lists them by name."""
    units = [score.id for group in plan.groups for score in group.scores]
    place = {(unit.method, unit.convention): number for number, unit in enumerate(units)}
    order = [place[key] for key in zip(rows["method"], rows["convention"], strict=True)]
    return rows.iloc[pd.Series(order, dtype=int).argsort(kind="stable")].reset_index(drop=True)
