"""The plan of an ablation: which variants there are, what they are trained with, and what the paper reports
for them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fusionbench.errors import InputError
from fusionbench.files.yaml_text import read_yaml

from ..config import Config, apply_overrides, load_config
from ..masks import best_available, get_provider
from ..training.truth import LABELS

PLAN = Path(__file__).parent / "ablation.yaml"

STAGE2_SWITCHES: dict[str, Any] = {
    "use_mask_ir": True,
    "use_mask_vi": True,
    "use_stage2": True,
    "use_diffusion": True,
    "use_hfah": True,
}
"""Parts of stage II that a variant may be without."""

STAGE2_SETTINGS: dict[str, tuple[str, ...]] = {
    "model": (
        *STAGE2_SWITCHES,
        "unet_width",
        "unet_multipliers",
        "unet_blocks",
        "dropout",
        "norm",
        "hfah_width",
        "hfah_hidden",
        "hfah_residual",
    ),
    "diffusion": ("timesteps", "beta_start", "beta_end", "t_start", "steps", "clip_denoised"),
    "loss": ("noise", "noise_share", "intensity2", "gradient2", "mask_floor", "preliminary"),
    "train": ("steps2", "epochs2", "finetune_stage1", "stage1_lr_scale", "mask_drop"),
}
"""Settings that stage I does not see: it is trained once for all variants that differ in nothing else."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One row of the table: its network and training (`config`), its mask providers, and what the paper
    reports for it.
    """

    name: str
    group: str
    label: str
    config: Config
    masks: tuple[str, ...]
    published: Mapping[str, float]

    @property
    def stage1_key(self) -> str:
        """Variants with equal keys have the same stage I: same network, data order, seed and steps (masks
        play no part there).
        """
        same = self.config.to_dict()
        for section, names in STAGE2_SETTINGS.items():
            same[section] = {name: value for name, value in same[section].items() if name not in names}
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class Ablation:
    """A plan, read and resolved: what to train, how to score it, and why another mask provider stands in
    (`reason`).
    """

    variants: tuple[Variant, ...]
    dataset: str
    split: str
    convention: str
    metrics: tuple[str, ...]
    published_from: str
    reason: str | None
    title: str = "Ablation of SGDFuse"
    precision: str = "32"


def read_plan(
    path: Path, steps: int | None, masks: Sequence[str] | None, overrides: Mapping[str, Any]
) -> Ablation:
    """Read and resolve a plan: settings = preset + plan + `overrides` + the variant's own. Raises InputError
    naming what is wrong.
    """
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--config {path}: can't be read ({error.strerror or error})") from error
    except yaml.YAMLError as error:
        raise InputError(f"--config {path}: not valid YAML: {error}") from error
    try:
        budget = {f"train.{name}": steps or int(data["budget"][name]) for name in ("steps1", "steps2")}
        shared = {**budget, **data.get("settings", {}), **overrides}
        score, listed = data["score"], data["variants"]
        providers, reason = _providers(masks or data.get("masks", "auto"))
        base = load_config(data.get("preset", "default"))
        variants = tuple(
            Variant(
                name=entry["name"],
                group=entry.get("group", ""),
                label=entry["label"],
                config=apply_overrides(
                    base, {**shared, **entry.get("settings", {})}, origin=f"{path}: {entry['name']}"
                ),
                masks=_one_sided(
                    _providers(entry["masks"])[0] if "masks" in entry else providers, entry.get("mask_side")
                ),
                published={name: float(value) for name, value in entry.get("published", {}).items()},
            )
            for entry in listed
        )
        plan = Ablation(
            variants,
            score["dataset"],
            score.get("split", "test"),
            score["convention"],
            tuple(score["metrics"]),
            data.get("published_from", "the paper"),
            reason,
            data.get("title", "Ablation of SGDFuse"),
            str(data.get("precision", "32")),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"--config {path}: {type(error).__name__} {error}; compare it with {PLAN.name} beside the method"
        ) from error
    names = [variant.name for variant in variants]
    if len(set(names)) != len(names) or not all(name and name == Path(name).name for name in names):
        raise InputError(
            f"--config {path}: variants need different names that are plain folder names, not {names}"
        )
    return plan


def _one_sided(providers: tuple[str, ...], side: str | None) -> tuple[str, ...]:
    """The providers restricted to one source: the other one's mask is gone from the loss too, not from the
    input alone.
    """
    return tuple(f"{name}@{side}" for name in providers if name != LABELS) if side else providers


def _providers(wanted: str | Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """The names of mask providers that can run here, and why a wanted one is replaced; several are varied in
    training.
    """
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if len(names) == 1:
        chosen = best_available(names[0])
        return (chosen.provider.name,), chosen.reason
    return tuple(name if name == LABELS else get_provider(name).name for name in names), None
