"""The paper's ablations by one command: `ablate(...)` is what `fusionbench ablate sgdfuse` calls.

Every variant of `ablation.yaml` is trained and scored with the same data, seed, settings and steps. Finished
variants are skipped, a killed one goes on at its last checkpoint, and the table is written anew after each
variant.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from fusionbench.errors import InputError, MissingDataError, UnitsFailedError
from fusionbench.execution.runner import execute
from fusionbench.files import artifacts
from fusionbench.files.atomic import write_atomic
from fusionbench.planning.config import RunConfig
from fusionbench.store.run_store import RunStore
from fusionbench.terminal.progress import make_progress

from ..checkpoint import load_weights, save_weights
from ..config import Config
from ..network.network import build_network
from ..training.launch import make_fabric
from ..training.pack import Pack, build_pack, step_seed
from ..training.train import WEIGHTS, train
from .plan import PLAN, STAGE2_SWITCHES, Ablation, Variant, read_plan
from .table import Scores, TableRow, csv_table, difference_table, latex_table, latex_text, markdown_table

METHOD = "sgdfuse-paper"
"""The spec that ships no weights and fuses with those that it is given, whatever their preset."""

RESULT = "result.json"
BEGUN = "begun.json"


def ablate(
    *,
    out: Path | str = Path("runs/sgdfuse-ablation"),
    datasets: Sequence[tuple[str, str | Path | None]] = (),
    config: Path | None = None,
    resume: bool = True,
    steps: int | None = None,
    masks: Sequence[str] | None = None,
    device: str = "auto",
    precision: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    data_root: Mapping[str, Path] | None = None,
    only: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> Path:
    """Train and score the variants of the plan `config` (default: the paper's) below `out`; returns the
    Markdown table's path.

    `datasets` are the (name, root) pairs to train on (without a root: where the dataset lies on this
    machine); the dataset that scores is looked for at `data_root`, else at the root it has in `datasets`.
    `precision` (32, bf16, 16; default: the plan's) is that of training; scoring is float32. `steps` is the
    length of each stage (default: the plan's), `masks` the provider instead of the plan's, `limit` the number
    of scored pairs, evenly spread (default: all), `only` the names of variants to do now, `overrides`
    settings for all variants. With `resume` finished variants are kept. Writes `ablation.tex`, `ablation.csv`
    and `ablation.md`. Raises InputError for an unusable plan, or for results in `out` that were made
    otherwise.
    """
    out = Path(out)
    plan = read_plan(Path(config) if config else PLAN, steps, masks, overrides or {})
    precision = precision or plan.precision
    unknown = set(only) - {variant.name for variant in plan.variants}
    if unknown:
        known = ", ".join(variant.name for variant in plan.variants)
        raise InputError(f"no variant {', '.join(sorted(unknown))}; there are {known}")
    located = [(name, _root_of(name, root)) for name, root in datasets]
    if not located:
        raise InputError(
            "an ablation trains: pass --dataset NAME:ROOT at least once (for example msrs:/data/MSRS)"
        )
    roots = dict(located) | dict(data_root or {})
    identity = {
        "seed": seed,
        "precision": precision,
        "limit": limit,
        "datasets": [name for name, _ in datasets],
    }
    chosen = [variant for variant in plan.variants if not only or variant.name in only]
    if not resume:
        _discard(out, chosen)
    decoded: dict[tuple[str, ...], Pack] = {}

    def pack_of(masks: Sequence[str], held_out: int) -> Pack:
        """The data with these masks, decoded once for consecutive variants (one set at a time: it fills
        memory).
        """
        if tuple(masks) not in decoded:
            decoded.clear()
            found = build_pack(located, masks, out / "masks", held_out, make_fabric(device).device)
            decoded[tuple(masks)] = found
        return decoded[tuple(masks)]

    failures: list[str] = []
    with make_progress() as progress:
        if plan.reason:
            progress.message(f"masks by {', '.join(plan.variants[-1].masks)}: {plan.reason}")
        for variant in chosen:
            expected = {**_description(variant), **identity}
            if _finished(out / variant.name, expected):
                progress.message(f"{variant.label}: finished before")
                continue
            progress.message(f"{variant.label}: training")
            weights = _train_variant(variant, out, located, pack_of, device, precision, seed)
            progress.message(f"{variant.label}: scoring")
            try:
                scores = _score(variant, weights, plan, out, roots, device, seed, limit)
            except UnitsFailedError as error:
                failures.append(f"{variant.label}: {error}")
                continue
            result = {**expected, "scores": scores, "facts": load_weights(weights)[1]}
            _write(out / variant.name / RESULT, json.dumps(result, indent=1))
            write_tables(plan, out, seed)
    table = write_tables(plan, out, seed)
    if failures:
        raise UnitsFailedError("; ".join(failures))
    return table


def _root_of(name: str, root: str | Path | None) -> Path:
    """Where a dataset lies: what the user said, else FUSIONBENCH_DATA or the cache."""
    found = Path(root) if root else artifacts.data_root(name)
    if found is None:
        raise MissingDataError(
            f"dataset {name}: say where it lies with --dataset {name}:FOLDER, or set FUSIONBENCH_DATA"
        )
    return found


def _train_variant(
    variant: Variant,
    out: Path,
    datasets: Sequence[tuple[str, Path]],
    pack_of: Callable[[Sequence[str], int], Pack],
    device: str,
    precision: str,
    seed: int,
) -> Path:
    """Train one variant (a stage I that several have in common is trained once); returns the weights."""
    folder = out / variant.name
    overrides = _overrides(variant.config)
    pack = pack_of(variant.masks, variant.config.train.validation_pairs)
    common: dict[str, Any] = {
        "datasets": datasets,
        "preset": variant.config.preset,
        "device": device,
        "precision": precision,
        "seed": seed,
        "resume": True,
    }
    init = None
    if variant.config.model.use_stage1:
        first = out / "stage1" / variant.stage1_key
        weights = first / WEIGHTS
        if not (first / RESULT).exists():
            _write(first / BEGUN, "{}")
            bare = {**overrides, **{f"model.{name}": value for name, value in STAGE2_SWITCHES.items()}}
            # Stage I sees no masks, so that whichever they are it is the same training.
            maskless = dataclasses.replace(pack, providers=())
            weights = train(out=first, stage=1, masks=["none"], pack=maskless, overrides=bare, **common)
            _write(first / RESULT, "{}")
        init = folder / "stage1.safetensors"
        if not init.exists():
            start_from_stage1(weights, variant.config, seed, init)
        if not variant.config.model.use_stage2:
            return init
    return train(
        out=folder, stage=2, masks=variant.masks, pack=pack, init=init, overrides=overrides, **common
    )


def start_from_stage1(weights: Path, config: Config, seed: int, path: Path) -> None:
    """Write weights with the trained stage I of `weights` and, for the rest, what a run of `seed` starts
    from.

    Going on from them gives what training both stages in one go would give, since stage I touches nothing
    else.
    """
    source, facts = load_weights(weights)
    torch.manual_seed(step_seed(seed, "weights"))
    network = build_network(config)
    if network.stage1 is None or source.stage1 is None:
        raise InputError(f"{weights} and the variant must both have a stage I")
    network.stage1.load_state_dict(source.stage1.state_dict())
    save_weights(path, network.state_dict(), config, facts)


def _score(
    variant: Variant,
    weights: Path,
    plan: Ablation,
    out: Path,
    roots: Mapping[str, Path],
    device: str,
    seed: int,
    limit: int | None,
) -> Scores:
    """Fuse and score through the harness."""
    settings = RunConfig(
        method=[METHOD],
        method_options={METHOD: {"weights": str(weights), "masks": variant.masks[0].partition("@")[0]}},
        dataset=[plan.dataset],
        data_root={plan.dataset: roots[plan.dataset]} if plan.dataset in roots else {},
        split=plan.split,
        task=["quality"],
        metrics=list(plan.metrics),
        convention=[plan.convention],
        limit=limit,
        device=device,
        seed=seed,
        out=out / variant.name,
        name="scores",
        report=[],
    )
    result = execute(settings)
    if result.failures:
        raise UnitsFailedError(f"{sum(map(len, result.failures.values()))} pairs failed; see {result.folder}")
    rows = RunStore.read_only(result.folder).rows(result.plan.selection())
    of_metric = {metric: rows[rows["metric"] == metric] for metric in plan.metrics}
    return {
        metric: dict(zip(chosen["image"].astype(str), chosen["value"].astype(float), strict=True))
        for metric, chosen in of_metric.items()
    }


def write_tables(plan: Ablation, out: Path, seed: int) -> Path:
    """Write `ablation.tex`, `.csv` and `.md` from the results that are there; returns the Markdown file's
    path.
    """
    results = {
        v.name: json.loads((out / v.name / RESULT).read_text())
        for v in plan.variants
        if (out / v.name / RESULT).exists()
    }
    rows = [
        TableRow(
            variant.group, variant.label, results.get(variant.name, {}).get("scores", {}), variant.published
        )
        for variant in plan.variants
    ]
    facts = _facts(plan, results, seed)
    caption = _caption(plan, facts)
    metrics = [(name, "$Q^{AB/F}$" if name == "Qabf" else name) for name in plan.metrics]
    _write(
        out / "ablation.tex", latex_table(rows, metrics, latex_text(caption), latex_text(plan.published_from))
    )
    _write(out / "ablation.csv", csv_table(rows, plan.metrics, facts))
    text = markdown_table(rows, plan.metrics, caption, plan.published_from)
    if results.get(plan.variants[-1].name):
        text += "\n" + difference_table(rows, plan.metrics)
    _write(out / "ablation.md", text)
    return out / "ablation.md"


def _facts(plan: Ablation, results: Mapping[str, Any], seed: int) -> dict[str, object]:
    """The budget, for caption and CSV."""
    ours = plan.variants[-1]
    settings = ours.config.train
    known: Mapping[str, Any] = next(iter(results.values()), {})
    return {
        "preset": ours.config.preset,
        "steps1": settings.steps1 or f"{settings.epochs1} epochs",
        "steps2": settings.steps2 or f"{settings.epochs2} epochs",
        "batch_size": settings.batch_size,
        "crop": settings.crop,
        "training_pairs": known.get("facts", {}).get("training_pairs", ""),
        "masks": "+".join(ours.masks),
        "precision": known.get("precision", plan.precision),
        "seed": seed,
        "dataset": f"{plan.dataset}/{plan.split}",
        "pairs": max(map(len, known.get("scores", {}).values()), default=0),
        "convention": plan.convention,
    }


def _caption(plan: Ablation, facts: Mapping[str, object]) -> str:
    stages = f"{facts['steps1']} steps of stage I and {facts['steps2']} of stage II".replace(
        "epochs steps", "epochs"
    )
    published = (
        f"Published: values of {plan.published_from} "
        "(SAM masks, 1083 training pairs, 200 epochs), copied, not measured. "
        if any(variant.published for variant in plan.variants)
        else ""
    )
    return (
        f"{plan.title} on {facts['dataset']} ({facts['pairs']} pairs, "
        f"convention {facts['convention']}). Measured: preset {facts['preset']}, every variant trained with "
        f"the same budget of {stages}, {facts['batch_size']} crops of {facts['crop']}×{facts['crop']} a "
        f"step from {facts['training_pairs']} pairs, masks by {facts['masks']}, {facts['precision']}, seed "
        f"{facts['seed']}. {published}Best in bold."
    )


def _finished(folder: Path, expected: Mapping[str, Any]) -> bool:
    """Whether a variant's result is there. Raises InputError when it, or what was begun, was made with other
    settings.
    """
    for name in (RESULT, BEGUN):
        path = folder / name
        if not path.exists():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        different = [key for key in expected if found.get(key) != json.loads(json.dumps(expected[key]))]
        if different:
            raise InputError(
                f"{path} was made with another {' and '.join(different)}; choose another --out, or "
                "begin anew with --restart"
            )
        if name == RESULT:
            return True
    _write(folder / BEGUN, json.dumps(dict(expected), indent=1))
    return False


def _discard(out: Path, variants: Sequence[Variant]) -> None:
    """Throw away what an earlier ablation left for the variants; folders without our mark are left alone."""
    for variant in variants:
        for folder in (out / variant.name, out / "stage1" / variant.stage1_key):
            if (folder / BEGUN).exists():
                shutil.rmtree(folder)


def _description(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "masks": list(variant.masks), "config": variant.config.to_dict()}


def _overrides(config: Config) -> dict[str, Any]:
    """A configuration as overrides by dotted name."""
    return {
        f"{section}.{name}": value
        for section, values in config.to_dict().items()
        if isinstance(values, dict)
        for name, value in values.items()
    }


def _write(path: Path, text: str) -> None:
    write_atomic(path, text.encode("utf-8"))
