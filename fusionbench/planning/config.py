"""The configuration of a run: one model for flags, YAML and Python, validated whole before anything heavy
starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ..contracts.names import plain_name, split_names
from ..errors import InputError
from ..files.yaml_text import read_yaml_file
from ..plugins import catalog


def _split(value: Any) -> Any:
    """Comma lists and repeated flags become one tuple of names; anything else is left to the field's own
    type."""
    if isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)):
        return tuple(split_names(value))
    return value


def _split_methods(value: Any) -> Any:
    """As ``_split``, but a folder whose path has a comma in it stays whole."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(t, str) for t in texts):
        return value
    parts = [[t] if t.startswith("dir:") and Path(t[4:]).exists() else split_names(t) for t in texts]
    return tuple(dict.fromkeys(part for found in parts for part in found))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _root(value: Any) -> Any:
    """A data root: a path, or the URL of object storage, which stays a text."""
    return Path(value) if isinstance(value, str) and "://" not in value else value


DataRoot = Annotated[Path | str, BeforeValidator(_root)]

Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Names: a list, comma lists, or a single one."""


class RunConfig(BaseModel):
    """What to run, on what, how: resolved, and not changed afterwards.

    Every field has the name of its flag; ``description`` is the flag's help, ``default`` in it says what an
    unset field means.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Annotated[tuple[str, ...], BeforeValidator(_split_methods)] = Field(
        min_length=1,
        description="Methods: names, globs, 'all', dir:/path[:label], external:PATH.yaml or file.py:Class.",
    )
    dataset: Names = Field(
        default_factory=lambda: (catalog.datasets.default().name,),
        min_length=1,
        description="Datasets: names or globs. Default: the embedded demo.",
    )
    task: Names = Field(
        default_factory=lambda: tuple(catalog.default_tasks()),
        description="Evaluations; see `fusionbench list tasks`. Default: those marked default.",
    )
    metrics: Names | None = Field(
        default=None,
        description="Metrics: names, globs or 'all'. Default: each evaluator's own choice.",
    )
    convention: Names = Field(
        default=(),
        description="Metric conventions and protocols, or 'all'. Default: each evaluator's own.",
    )
    split: str | None = Field(default=None, description="Dataset split. Default: each dataset's first.")
    limit: int | None = Field(
        default=None, gt=0, description="Use only this many pairs, evenly spread over the split."
    )
    images: Names = Field(default=(), description="Use only these images: names or globs.")
    data_root: dict[str, DataRoot] = Field(
        default={},
        description="Where the data lie: PATH or URL (s3://…) for all datasets, or NAME=PATH for one.",
    )
    device: str = Field(
        default="auto",
        description="auto (default), cpu, cuda, cuda:N, cuda:all, or a comma list: one process for each.",
    )
    engine: Literal["local", "ray"] = Field(
        default="local",
        description="What executes the run: local (default), this machine; or ray, a cluster.",
    )
    ray_address: str = Field(
        default="auto",
        description="The Ray cluster: auto (default), the one this machine belongs to; HOST:PORT; or local, one "
        "that is started here for this run.",
    )
    gpus_per_worker: float = Field(
        default=1.0,
        gt=0,
        le=64,
        description="With Ray: GPUs that one worker takes; 0.25 lets four share one. Default: 1.",
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Precision of networks: fp32 (default), bf16 or fp16."
    )
    batch_size: int = Field(
        default=0, ge=0, description="Pairs fused at once. Default: 1 on the CPU, 8 on CUDA."
    )
    jobs: int = Field(
        default=0, ge=0, le=4096, description="Threads that decode, score and encode. Default: one per core."
    )
    corrupt: Names = Field(
        default=(),
        description="Corruptions of what methods see: NAME[:SEVERITY], a kind or 'all'; clean pairs run too.",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Seed of everything random, below 2^32. Default: 0."
    )
    seeds: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Repetitions of retraining protocols. Default: the protocol's own number.",
    )
    out: Path = Field(default=Path("runs"), description="Folder for runs. Default: runs.")
    name: str | None = Field(
        default=None, description="The run's folder below --out. Default: the datasets' names."
    )
    overwrite: Literal["never", "always", "only-missing"] = Field(
        default="only-missing",
        description="Overwrite results: never, always or only-missing (default).",
    )
    skip_missing: bool = Field(
        default=False, description="Leave out methods and datasets that are named but missing, and say so."
    )
    fail_fast: bool = Field(default=False, description="Stop at the first image that fails.")
    published: bool = Field(
        default=False, description="Add the literature's published rows, marked, to the tables."
    )
    report: Names | None = Field(
        default=None, description="Reports to render. Default: those marked default."
    )
    method_options: dict[str, dict[str, Any]] = Field(
        default={}, description="Options of methods, by name ('' for all)."
    )
    dataset_options: dict[str, dict[str, Any]] = Field(
        default={}, description="Options of datasets, by name."
    )
    task_options: dict[str, dict[str, Any]] = Field(
        default={}, description="Entries of protocols' recipes, by task."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key, value in values.items():
                if _holds_nul(value):
                    raise ValueError(f"{key} holds a NUL character, which no name or path can hold")
        return values

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
        earlier = self.out / plain_name(",".join(self.dataset))  # what 0.1 called a run of a comma list
        if (earlier / "run.json").is_file():
            return earlier
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
        content = read_yaml_file(path)
    except InputError as error:
        raise InputError(f"--config {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"--config {path}: isn't valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise InputError(
            f"--config {path}: expected a mapping of settings; `fusionbench config` prints one to start from"
        )
    return content


def dump(config: RunConfig) -> str:
    """The configuration as YAML that ``load`` takes back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
