"""Keys of units: hashes of all that a unit's result depends on. A unit whose key is in the store is done.

What is left out is what can't change a result (titles, paths, the place of a clone), so that it never makes
anybody compute again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contracts.evaluator import ConventionSpec, EvaluatorSpec
from ..files import artifacts
from ..store.provenance import processor
from ..store.unit_id import FUSING, UnitId
from . import protocols
from .config import RunConfig
from .option_files import by_content, without_names
from .units import PlannedDataset, PlannedMethod

HARNESS_VERSION = 1
"""Raised when the harness itself changes what a method's pixels come out as."""

_IDENTITY = {
    "name",
    "input",
    "output",
    "grey",
    "colour",
    "quantise",
    "rounding",
    "size_multiple",
    "size_rule",
    "minimum_size",
    "options",
    "version",
}
"""The fields of a method spec that its pixels depend on (the rest is description)."""

_UNSEEDED = {"classical", "precomputed"}
"""Families whose pixels depend on neither seed nor precision."""


def fuse_unit(config: RunConfig, method: PlannedMethod, dataset: PlannedDataset) -> UnitId:
    """The unit that fuses a method's images of a split. Raises ``InputError`` for a file that can't be
    read."""
    key = hashed(
        {
            "harness": HARNESS_VERSION,
            **_method_identity(method, config),
            **_list_identity(method, dataset),
            "dataset": [
                dataset.spec.name,
                dataset.spec.version,
                dataset_settings(dataset.options),
                dataset.split,
            ],
            **({"corruption": dataset.corruption.identity} if dataset.corruption is not None else {}),
        }
    )
    return UnitId(FUSING, method.name, dataset.name, dataset.split, "", config.seed, key)


def score_identity(
    fuse: UnitId, evaluator: EvaluatorSpec, convention: ConventionSpec, recipe: Mapping[str, Any]
) -> list[Any]:
    """What the result of an evaluator with one convention on a method's images of a split depends on.
    Raises ``MissingWeightsError``."""
    identity: list[Any] = [fuse.key, evaluator.name, evaluator.version, convention.name, convention.version]
    if recipe:  # a file counts by content, not by path
        identity.append({**recipe, **protocols.files_of(evaluator, recipe)})
    return identity


def method_unit_id(
    config: RunConfig, method: PlannedMethod, evaluator: EvaluatorSpec, sizes: Sequence[tuple[int, int]]
) -> UnitId:
    """The unit that measures a method itself, which depends on this machine too."""
    identity = [_method_identity(method, config), evaluator.name, evaluator.version, list(sizes)]
    key = hashed([*identity, config.device, config.jobs, config.batch_size, processor()])
    return UnitId(evaluator.name, method.name, "", "", "", config.seed, key)


def method_identity_hash(method: PlannedMethod, config: RunConfig) -> str:
    """64 hex digits that hash all that a method's pixels depend on beside the images."""
    return hashed(_method_identity(method, config))


def method_settings(method: PlannedMethod, config: RunConfig) -> dict[str, Any]:
    """What tells variants of a method apart: its options (files by content), and precision and seed where
    pixels depend on them.

    Raises ``InputError`` for a file that can't be read.
    """
    options: dict[str, Any] = by_content(_pixel_options(method))
    return {"precision": _precision(method, config), "seed": _seed(method, config), **options}


def dataset_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """What tells variants of a dataset apart: its options, folders by their full path."""
    return {key: _full_path(value) for key, value in options.items()}


def _full_path(value: Any) -> Any:
    if isinstance(value, str) and "/" in value and Path(value).expanduser().exists():
        return str(Path(value).expanduser().resolve())
    return value


def _precision(method: PlannedMethod, config: RunConfig) -> str:
    return "fp32" if method.spec.family in _UNSEEDED else config.precision


def _seed(method: PlannedMethod, config: RunConfig) -> int:
    return 0 if method.spec.family in _UNSEEDED else config.seed


def _list_identity(method: PlannedMethod, dataset: PlannedDataset) -> dict[str, Any]:
    """The images of the selection, where a method's pixels depend on which ones are fused together."""
    if method.spec.external is None or method.options.get("call", method.spec.external.call) != "split":
        return {}
    return {"pairs": [pair.name for pair in dataset.pairs]}


def _method_identity(method: PlannedMethod, config: RunConfig) -> dict[str, Any]:
    spec = method.spec
    return {
        "method": {k: v for k, v in spec.model_dump(mode="json").items() if k in _IDENTITY},
        # An optional artifact that is available changes the result, one that isn't doesn't count.
        "weights": [
            [a.name, a.sha256 or a.git_blob]
            for a in spec.artifacts
            if not (a.optional and artifacts.absence(a))
        ],
        "code": method.fingerprint or spec.factory,
        **({"external": spec.external.pixel_part()} if spec.external is not None else {}),
        "options": without_names(by_content(_pixel_options(method))),
        "precision": _precision(method, config),
        "seed": _seed(method, config),
    }


def _pixel_options(method: PlannedMethod) -> dict[str, Any]:
    """The options that pixels may depend on; an external method's others say where things lie."""
    if method.spec.external is None:
        return method.options
    from ..external.setting import PIXEL_OPTIONS

    return {k: v for k, v in method.options.items() if k in PIXEL_OPTIONS}


def hashed(content: Any) -> str:
    """sha256 of content as JSON: 64 hex digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
