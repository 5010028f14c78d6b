"""Hands the store's rows to the reports: the only way from numbers to tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from .contracts.dataset import DatasetSpec, PairImages
from .contracts.method import MethodSpec
from .contracts.names import split_names
from .contracts.report import HasTables, Rendered, ReportInput, ReportSpec
from .contracts.rows import CORRUPTION_COLUMNS
from .corruptions.choice import parse
from .corruptions.engine import corrupt
from .errors import FusionBenchError, InputError, StoreError
from .files.atomic import write_atomic
from .images.codec import UInt8Array, read_image
from .planning.corrupted import other_frames
from .planning.selection import open_dataset
from .planning.units import PlannedDataset
from .plugins import catalog
from .store.entrants import CORRUPTION, Entrants, base_of
from .store.fused import read_fused
from .store.reading import fused_digests
from .store.run_store import RunStore


def report_input(
    store: RunStore,
    *,
    selection: Mapping[str, set[str] | None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> ReportInput:
    """What reports get of a run: its rows (all, or those of a plan's selection), the specs of what they
    name, its images."""
    info = store.info()
    notes: list[str] = []
    rows = store.rows(selection, notes)
    methods, datasets = _specs(store, info, rows, notes)
    known = store.entrants("datasets")
    rows, corrupted = split_corrupted(rows, known)
    details, corrupted_details = split_corrupted(store.details(selection), known)
    datasets = {n: s for n, s in datasets.items() if CORRUPTION not in (known.known.get(n) or {})}
    return ReportInput(
        rows=rows,
        run=info,
        methods=methods,
        metrics=catalog.metrics(),
        datasets=datasets,
        fused_dir=store.folder / "fused",
        load_pair=_pair_loader(info),
        options=dict(options or {}),
        details=details,
        read_fused=_fused_reader(store),
        notes=notes,
        conventions={
            (spec.name, convention.name): convention
            for spec in catalog.evaluators.all().values()
            for convention in spec.conventions
        },
        fused_dirs={_name_of(store): store.folder / "fused"},
        corrupted=corrupted,
        corrupted_details=corrupted_details,
    )


def _name_of(store: RunStore) -> str:
    """A run's name in its rows."""
    return store.folder.resolve().name


def split_corrupted(frame: pd.DataFrame, datasets: Entrants) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows (or details) about clean pairs, and those about corrupted ones with ``CORRUPTION_COLUMNS``.

    ``datasets`` are the names that the run folder knows, with their settings.
    """
    corrupted = {
        name: str(settings[CORRUPTION])
        for name, settings in datasets.known.items()
        if settings and CORRUPTION in settings
    }
    seen = frame["dataset"].isin(list(corrupted))
    part = frame[seen]
    texts = part["dataset"].map(corrupted).astype(str).str.partition(":")
    clean = {name: datasets.clean_name(name) for name in corrupted}
    part = part.assign(
        variant=part["dataset"],
        dataset=part["dataset"].map(clean),
        corruption=texts[0] if len(part) else "",
        severity=(texts[2] if len(part) else pd.Series(dtype=str)).astype("int64"),
    )
    columns = [*frame.columns, *CORRUPTION_COLUMNS]
    return frame[~seen].reset_index(drop=True), part[columns].reset_index(drop=True)


def merged_input(
    stores: Sequence[RunStore], options: Mapping[str, Any] | None = None, *, apart: bool = False
) -> ReportInput:
    """The rows of several runs as one. Sources come from the first run that has their dataset.

    A number that several runs hold counts once, from the first, or with ``apart`` stands once a run (a method
    in several runs is then compared with itself). ``run`` is the first's, with all of them by name under
    ``merged``. Raises ``InputError`` for two runs of one name: their rows could not be told apart.
    """
    folders: dict[str, Path] = {}
    for store in stores:
        other = folders.setdefault(_name_of(store), store.folder)
        if other.resolve() != store.folder.resolve():
            raise InputError(
                f"{other} and {store.folder}: two runs of the same name can't be joined; rename a folder"
            )
    inputs = [report_input(store, options=options) for store in stores]
    methods: dict[str, MethodSpec] = {}
    datasets: dict[str, DatasetSpec] = {}
    for data in inputs:  # the first run's specs, and its methods first
        methods = {**methods, **data.methods, **methods}
        datasets = {**datasets, **data.datasets, **datasets}
    rows = _joined([i.rows for i in inputs], apart=apart)
    notes = list(dict.fromkeys(note for i in inputs for note in i.notes))
    readers = {i.fused_dir: i.read_fused for i in inputs}

    def load_any(dataset: str, split: str, image: str) -> PairImages:
        own = next(
            (i for i in inputs if dataset in i.datasets or dataset in set(i.corrupted["variant"])), inputs[0]
        )
        return own.load_pair(dataset, split, image)

    def read_any(path: Path) -> UInt8Array:
        own = next((r for folder, r in readers.items() if path.is_relative_to(folder)), read_image)
        return own(path)

    return replace(
        inputs[0],
        run={
            **inputs[0].run,
            "merged": {_name_of(s): i.run for s, i in zip(stores, inputs, strict=True)},
        },
        rows=rows,
        methods=methods,
        datasets=datasets,
        details=_joined([i.details for i in inputs], apart=apart),
        corrupted=_joined([i.corrupted for i in inputs], apart=apart),
        corrupted_details=_joined([i.corrupted_details for i in inputs], apart=apart),
        notes=notes,
        load_pair=load_any,
        read_fused=read_any,
        fused_dirs={name: folder for i in inputs for name, folder in i.fused_dirs.items()},
    )


def _joined(frames: Sequence[pd.DataFrame], *, apart: bool) -> pd.DataFrame:
    """The frames of several runs as one. What several hold counts once, from the first; ``apart``: once per run."""
    filled = [f for f in frames if len(f)] or frames[:1]
    joined = pd.concat(filled, ignore_index=True)
    by_run = "run" in joined.columns
    if apart and not by_run:
        return joined
    free = {"value", "reason", "folder", *(() if apart else ("run",))}
    identity = joined[[c for c in joined.columns if c not in free]]
    if "folder" in joined.columns:  # two judges of one protocol are two units, whose folders differ in name
        identity = identity.assign(unit=joined["folder"].map(lambda folder: Path(folder).name))
    return joined[~identity.duplicated(keep="first")]


def chosen_reports(names: Sequence[str] | None) -> list[ReportSpec]:
    """The reports to render: those named (globs allowed), or all that are on by default."""
    if names is None:
        return [spec for spec in catalog.reports.all().values() if spec.default]
    return [spec for name in split_names(names) for spec in catalog.reports.match(name)]


def render(
    data: ReportInput, folder: Path, reports: Sequence[ReportSpec], *, strict: bool = False
) -> tuple[list[Path], list[Any], list[str]]:
    """Render reports into a folder. Returns the files, what is to be shown on the terminal, and what went
    wrong.

    A report that fails doesn't stop the others, unless ``strict``. What went wrong includes ``data.notes``:
    all that the run folder holds and the reports do not have.
    """
    files: list[Path] = []
    shown: list[Any] = []
    problems: list[str] = []
    for spec in reports:
        try:
            report = catalog.build(spec.factory)(spec)
            if isinstance(report, HasTables):
                rendered = report.tables(data)
                files += write_texts(rendered, folder)
                shown += rendered.shown
            else:
                files += report.render(data, folder)
        except Exception as error:
            if strict:
                raise
            text = str(error) if isinstance(error, FusionBenchError) else f"{type(error).__name__}: {error}"
            problems.append(f"report {spec.name}: {text}")
    return files, shown, [*dict.fromkeys(data.notes), *problems]


def write_texts(rendered: Rendered, folder: Path) -> list[Path]:
    """Write a report's tables into a folder; returns the files."""
    files = [folder / name for name in rendered.texts]
    for path, text in zip(files, rendered.texts.values(), strict=True):
        write_atomic(path, text.encode())
    return files


def find_runs(texts: Iterable[str | Path]) -> list[RunStore]:
    """Open runs by folder, or by name below runs/. Raises ``InputError`` with the runs that there are."""
    stores = []
    for text in texts:
        candidates = [Path(text), Path("runs") / text]
        folder = next((c for c in candidates if (c / "run.json").exists() or (c / "units").is_dir()), None)
        if folder is None:
            there = sorted(p.parent.name for p in Path("runs").glob("*/run.json"))
            raise InputError(
                f"there is no run {str(text)!r}"
                + (
                    f"; below runs/ there are {', '.join(there)}"
                    if there
                    else "; `fusionbench run` makes one"
                )
            )
        stores.append(RunStore.read_only(folder))
    return stores


def _specs(
    store: RunStore, info: Mapping[str, Any], rows: pd.DataFrame, notes: list[str]
) -> tuple[dict[str, MethodSpec], dict[str, DatasetSpec]]:
    """The specs of a run's methods and datasets by their names in the run folder; titles say what tells
    variants apart."""
    methods = _read_specs(store, "methods", MethodSpec, info, notes)
    datasets = _read_specs(store, "datasets", DatasetSpec, info, notes)
    for name in map(str, dict.fromkeys(rows["method"])):  # copied from another store, or run.json was damaged
        base = base_of(name)
        if name not in methods and base in catalog.methods.all():
            methods[name] = catalog.methods.get(base)
    for table, specs in (("methods", methods), ("datasets", datasets)):
        for name, label in store.entrants(table).titles().items():
            if name in specs:
                specs[name] = specs[name].model_copy(update={"title": f"{specs[name].title} ({label})"})
    return methods, datasets


def _read_specs(
    store: RunStore, table: str, model: type[Any], info: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    """The specs in a table of run.json. One that can't be read is noted, and its entrant goes by its plain
    name."""
    specs = {}
    for name, about in info.get(table, {}).items():
        try:
            specs[name] = model.model_validate({k: v for k, v in about.items() if k in model.model_fields})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            notes.append(
                f"{store.folder / 'run.json'}: {table} {name}: {where} is damaged ({first['msg']}); run the "
                "same command "
                "again to write it again"
            )
    return specs


def _fused_reader(store: RunStore) -> Callable[[Path], UInt8Array]:
    """A function that decodes a fused image of a store, and only the one that was scored."""
    found: list[dict[tuple[str, str, str], dict[str, str]]] = []
    fused = store.folder / "fused"

    def read(path: Path) -> UInt8Array:
        if not found:
            found.append(fused_digests(store))
        method, dataset, split, *rest = path.relative_to(fused).parts
        image = "/".join(rest).removesuffix(".png")
        digest = found[0].get((method, dataset, split), {}).get(image)
        if digest is None:
            raise StoreError(f"{path}: belongs to no finished unit; run the same command again")
        return read_fused(path, digest)

    return read


def _pair_loader(info: Mapping[str, Any]) -> Any:
    config = (info.get("invocations") or [{}])[-1].get("config", {})
    opened: dict[str, Any] = {}
    pairs: dict[tuple[str, str], dict[str, Any]] = {}

    def load(dataset: str, split: str, image: str) -> PairImages:
        if dataset not in opened:
            roots = dict(config.get("data_root", {}))
            base = base_of(dataset)
            given = info.get("datasets", {}).get(dataset, {}).get("given_options")
            options = config.get("dataset_options", {}).get(base) if given is None else given
            opened[dataset] = open_dataset(base, roots, options)
        if (dataset, split) not in pairs:
            pairs[dataset, split] = {pair.name: pair for pair in opened[dataset].pairs(split)}
        try:
            pair = pairs[dataset, split][image]
        except KeyError:
            raise InputError(
                f"{dataset}/{split} has no image {image!r} any more; was its root changed?"
            ) from None
        images: PairImages = opened[dataset].load(pair, labels=True)
        settings = info.get("datasets", {}).get(dataset, {}).get("settings") or {}
        if CORRUPTION not in settings:
            return images
        corruption = parse(str(settings[CORRUPTION]))
        frame = None
        if corruption.steps:
            spec, all_pairs = opened[dataset].spec, tuple(pairs[dataset, split].values())
            planned = PlannedDataset(spec, opened[dataset], split, all_pairs, {})
            frame = opened[dataset].load(other_frames(planned, corruption.steps)[image])
        return corrupt(images, corruption, image, frame)

    return load


def comparison(
    stores: Sequence[RunStore], baseline: str | None, methods: Sequence[str] | None = None
) -> tuple[pd.DataFrame, str]:
    """``statistics.compare`` of the other methods with ``baseline`` (the runs' first method if None), and
    the baseline's name."""
    from .statistics.comparison import compare

    data = merged_input(stores, apart=True)
    first, others = opponents(data, baseline, methods)
    return compare(data.rows, first, others), first


def opponents(
    data: ReportInput, baseline: str | None, methods: Sequence[str] | None
) -> tuple[str, list[str]]:
    """The method to compare with (the runs' first if None is named), and the others (all if none is
    named)."""
    from .statistics.comparison import entrant_names

    if not len(data.rows):
        raise InputError("the runs hold no rows to compare")
    names = list(dict.fromkeys(entrant_names(data.rows)))
    first = baseline or next((m for m in data.methods if m in names), names[0])
    return first, list(methods) if methods else [n for n in names if n != first]
