"""Scores folders of fused images: a run over ``dir:`` methods whose numbers are passed on and not kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..contracts.report import ReportInput
from ..errors import InputError, MissingDataError
from ..execution.runner import execute
from ..external.folder import FolderFuser, folder_method
from ..images.codec import EXTENSIONS
from ..planning.config import RunConfig, validate
from ..planning.plan import Plan, make_plan
from ..planning.units import Group
from ..plugins import catalog
from ..rendering import report_input
from ..store.run_store import RunStore


@dataclass
class Scores:
    """What ``score`` found: the reports' input, and failures as {method: {image: reason}}.

    ``skipped`` says of each metric that was asked for, and that no chosen convention defines, where it is defined.
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
) -> Scores:
    """Score folders of fused images against two folders of sources, matched by stem.

    ``fused`` are folders, each optionally ``folder:label``. Pairs whose fused image is missing or unusable are reported by name in
    ``failures`` and left out; the others are scored. Raises ``MissingDataError`` or ``InputError`` if a folder can't be used at all.
    """
    _check_sources("IR", Path(infrared))
    _check_sources("VIS", Path(visible))
    _check_labels([folder_method(f"dir:{folder}", f"FUSED {folder}")[0] for folder in fused])
    with tempfile.TemporaryDirectory(prefix="fusionbench-score-") as scratch:
        config = _config(Path(scratch), infrared, visible, fused, metrics, conventions, images, limit, jobs)
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
    """The tasks that ``score`` evaluates: those that a run evaluates unasked, and that need only fused images and sources."""
    return [
        task
        for task in catalog.default_tasks()
        if (spec := catalog.evaluator_of_task(task)).scope == "image" and spec.needs <= {"fused", "sources"}
    ]


def _config(
    scratch: Path,
    infrared: Path,
    visible: Path,
    fused: Sequence[str | Path],
    metrics: Sequence[str] | None,
    conventions: Sequence[str],
    images: Sequence[str],
    limit: int | None,
    jobs: int,
) -> RunConfig:
    dataset = catalog.folder_dataset().name
    values = {
        "method": [f"dir:{folder}" for folder in fused],
        "dataset": [dataset],
        "dataset_options": {dataset: {"ir": str(infrared), "vi": str(visible)}},
        "task": scored_tasks(),
        "metrics": metrics,
        "convention": conventions,
        "images": images,
        "limit": limit,
        "jobs": jobs,
        "device": "cpu",
        "out": scratch,
        "name": "score",
    }
    return validate(values, "fusionbench score")


def _check_sources(role: str, folder: Path) -> None:
    """Raise ``InputError`` that names the argument unless the folder is there and has images."""
    if folder.is_file():
        raise InputError(
            f"{role}: {folder} is a file; score takes folders of images (in Python, fusionbench.score takes files)"
        )
    if not folder.is_dir():
        raise MissingDataError(f"{role}: there is no folder {folder}")
    if not any(path.suffix.lower() in EXTENSIONS for path in folder.iterdir()):
        raise MissingDataError(f"{role}: {folder} holds no images (png, jpg, bmp, tif, webp)")


def _check_labels(methods: Sequence[MethodSpec]) -> None:
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two folders are both called {name!r}; give them labels: FOLDER:LABEL")


def _check_names(group: Group) -> None:
    """Raise ``InputError`` if no image of a folder is named like one of the pairs."""
    assert group.method.folder is not None
    pairs = [pair.name for pair in group.dataset.pairs]
    found = FolderFuser(group.method.spec, group.method.folder).names
    if set(pairs) & set(found):
        return
    holds = f"holds {_first(found)}" if found else "holds no images"
    raise InputError(
        f"FUSED {group.method.text.removeprefix('dir:')}: no image in it is named like a pair: it {holds}; "
        f"the pairs are {_first(pairs)}"
    )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _in_order(rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The rows in the order of the plan's units: the store lists them by name."""
    units = [score.id for group in plan.groups for score in group.scores]
    place = {(unit.method, unit.convention): number for number, unit in enumerate(units)}
    order = [place[key] for key in zip(rows["method"], rows["convention"], strict=True)]
    return rows.iloc[pd.Series(order, dtype=int).argsort(kind="stable")].reset_index(drop=True)
