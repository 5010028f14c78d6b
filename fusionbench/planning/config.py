"""The configuration of a run: one model for flags, YAML and Python, validated whole before anything heavy starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import InputError


class RunConfig(BaseModel):
    """What to run, on what, how. Every field has the name of its flag."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    method: list[str] = Field(
        min_length=1,
        description="names, globs, 'all', dir:/path[:label], external:PATH.yaml, path/to/file.py:Class",
    )
    dataset: list[str] = Field(default=["demo"], min_length=1, description="names or globs")
    task: list[str] = Field(default=["quality", "efficiency"], description="quality, efficiency, …")
    metrics: list[str] | None = Field(
        default=None, description="metrics to compute; the evaluator's defaults if unset"
    )
    convention: list[str] = Field(
        default=[], description="metric conventions, or 'all'; the evaluator's default if empty"
    )
    split: str | None = Field(default=None, description="dataset split; each dataset's first split if unset")
    limit: int | None = Field(
        default=None, gt=0, description="use only this many pairs, evenly spread over the split"
    )
    images: list[str] = Field(default=[], description="use only these images: names or globs")
    data_root: dict[str, Path] = Field(
        default={}, description="where datasets lie: '' for all, or by dataset name"
    )
    device: str = Field(
        default="auto", description="auto, cpu, cuda, cuda:N, or a comma list: one process each"
    )
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    batch_size: int = Field(default=0, ge=0, description="pairs fused at once; 0: 1 on CPU, 8 on CUDA")
    jobs: int = Field(
        default=0, ge=0, description="threads for decoding, scoring and encoding; 0: one a core"
    )
    seed: int = 0
    seeds: int = Field(
        default=0, ge=0, description="repetitions of retraining protocols; 0: the protocol's own number"
    )
    out: Path = Path("runs")
    name: str | None = Field(
        default=None, description="the run's folder below out; by default the datasets' names"
    )
    overwrite: Literal["never", "always", "only-missing"] = "only-missing"
    fail_fast: bool = False
    published: bool = False
    report: list[str] | None = Field(
        default=None, description="reports to render; those marked default if unset"
    )
    method_options: dict[str, dict[str, Any]] = Field(
        default={}, description="options by method name ('' for all)"
    )
    dataset_options: dict[str, dict[str, Any]] = Field(default={}, description="options by dataset name")
    task_options: dict[str, dict[str, Any]] = Field(
        default={}, description="options by task: entries of its protocols' recipes"
    )

    @field_validator("name")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and (value in {"", ".", ".."} or "/" in value or "\\" in value):
            raise ValueError(
                f"a run's name is a plain folder name, got {value!r}; use --out for the folder above it"
            )
        return value

    @property
    def folder(self) -> Path:
        """The run's folder."""
        if self.name:
            return self.out / self.name
        from ..contracts.names import plain_name

        return self.out / plain_name("+".join(self.dataset))


def validate(values: dict[str, Any], origin: str) -> RunConfig:
    """Make a configuration from plain values. Raises ``InputError`` that names each wrong field."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(p) for p in e['loc']) or '(whole)'}: {e['msg']}" for e in error.errors()]
        raise InputError(f"{origin}: the configuration is wrong\n" + "\n".join(lines)) from None


def load(path: Path) -> dict[str, Any]:
    """Read a YAML configuration. Raises ``InputError`` if it can't be read or isn't a mapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--config {path}: can't be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--config {path}: isn't valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise InputError(
            f"--config {path}: expected a mapping of settings; `fusionbench config` prints one to start from"
        )
    return content


def dump(config: RunConfig) -> str:
    """The configuration as YAML that ``load`` takes back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
