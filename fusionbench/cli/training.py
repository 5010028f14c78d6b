"""``train`` and ``ablate``: hand over to the trainer of a method (or of a task's judge), found through its
spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Method = Annotated[
    str,
    typer.Argument(
        help="A method that can be trained (sgdfuse), or a task whose demo judge can (detection)."
    ),
]
TrainData = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", help="NAME or NAME:ROOT, repeatable; the training split is used."),
]
Masks = Annotated[
    list[str] | None,
    typer.Option("--masks", help="Mask providers, comma list; several are varied at random."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Any other setting of the trainer: KEY=VALUE.")
]


def train(
    method: Method,
    stage: Annotated[str | None, typer.Option("--stage", help="Train one stage only: 1, 2 or all.")] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="The method's preset, for example default or paper.")
    ] = None,
    dataset: TrainData = None,
    masks: Masks = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for checkpoints and logs.")] = None,
    device: Device = "auto",
    devices: Annotated[int | None, typer.Option("--devices", help="Number of devices (processes).")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Optimiser steps a stage.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Epochs a stage.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size")] = None,
    crop: Annotated[
        int | None, typer.Option("--crop", help="Side of the square training crops, pixels.")
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate.")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    precision: Annotated[str | None, typer.Option("--precision", help="32, bf16 or 16.")] = None,
    overrides: Overrides = None,
) -> None:
    """Train a method, as its paper does or as its preset says, or a task's judge for the demo. Resumable;
    see its model card or README."""
    trainer = _entry(method, "trainer")
    trainer(
        **_given(
            stage=stage,
            preset=preset,
            datasets=_datasets(dataset),
            masks=_flat(masks),
            resume=resume,
            out=out,
            device=device,
            devices=devices,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            crop=crop,
            lr=lr,
            seed=seed,
            precision=precision,
            overrides=_overrides(overrides),
        )
    )


def ablate(
    method: Method,
    config: Annotated[
        Path | None, typer.Option("--config", help="The ablation's YAML. Default: the method's own.")
    ] = None,
    dataset: TrainData = None,
    masks: Masks = None,
    resume: Annotated[
        bool, typer.Option("--resume/--restart", help="Go on with what is there, or start again.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for checkpoints, scores and the table.")
    ] = None,
    device: Device = "auto",
    steps: Annotated[
        int | None, typer.Option("--steps", help="Optimiser steps a variant and stage (the budget).")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Score on only this many test pairs.")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    precision: Annotated[str | None, typer.Option("--precision", help="Of training: 32, bf16 or 16.")] = None,
    overrides: Overrides = None,
) -> None:
    """Train and score the ablation variants of a method's paper from one YAML, and write the paper's
    table."""
    ablation = _entry(method, "ablation")
    ablation(
        **_given(
            config=config,
            datasets=_datasets(dataset),
            masks=_flat(masks),
            resume=resume,
            out=out,
            device=device,
            steps=steps,
            limit=limit,
            seed=seed,
            precision=precision,
            overrides=_overrides(overrides),
        )
    )


def _entry(method: str, field: str) -> Any:
    from ..errors import InputError
    from ..plugins import catalog

    tasks = {e.task: e for e in catalog.evaluators.all().values()} if field == "trainer" else {}
    spec = tasks.get(method) or catalog.methods.get(method)
    target = getattr(spec, field)
    if not target:
        able = [m.name for m in catalog.methods.all().values() if getattr(m, field)]
        able += [task for task, e in tasks.items() if e.trainer]
        raise InputError(f"{method} has no {field}; those that have one: {', '.join(able) or 'none'}")
    return catalog.build(target)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _flat(texts: list[str] | None) -> tuple[str, ...] | None:
    from ..plugins.catalog import split_names

    return tuple(split_names(texts)) if texts else None


def _datasets(texts: list[str] | None) -> tuple[tuple[str, str | None], ...] | None:
    """``NAME`` or ``NAME:ROOT`` → (name, root or None)."""
    flat = _flat(texts)
    return tuple((t.partition(":")[0], t.partition(":")[2] or None) for t in flat) if flat else None


def _overrides(texts: list[str] | None) -> dict[str, str] | None:
    from ..errors import InputError

    if not texts:
        return None
    for text in texts:
        if "=" not in text:
            raise InputError(f"--set {text}: expected KEY=VALUE")
    return {t.partition("=")[0]: t.partition("=")[2] for t in texts}
