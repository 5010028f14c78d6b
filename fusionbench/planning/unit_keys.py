"""Keys of units: hashes of all that a unit's result depends on. A unit whose key is in the store is done.

What is left out is what can't change a result (titles, paths, the place of a clone), so that it never makes anybody compute again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..contracts.evaluator import ConventionSpec, EvaluatorSpec
from ..files import artifacts
from ..store.provenance import processor
from ..store.unit_id import UnitId
from . import protocols
from .config import RunConfig
from .units import PlannedDataset, PlannedMethod

HARNESS_VERSION = 1
"""Raised when the harness itself changes what a method's pixels come out as."""

_IDENTITY = {
    "name", "input", "output", "grey", "colour", "quantise", "rounding", "size_multiple", "size_rule", "minimum_size", "options", "version",
}  # fmt: skip
"""The fields of a method spec that its pixels depend on (the rest is description)."""


def fuse_unit(config: RunConfig, method: PlannedMethod, dataset: PlannedDataset) -> UnitId:
    """The unit that fuses a method's images of a split."""
    key = hashed({
        "harness": HARNESS_VERSION,
        **_method_identity(method, config),
        **_list_identity(method, dataset),
        "dataset": [dataset.spec.name, dataset.spec.version, dataset.options, dataset.split],
    })  # fmt: skip
    return UnitId("fuse", method.spec.name, dataset.spec.name, dataset.split, "", config.seed, key)


def score_identity(
    fuse: UnitId, evaluator: EvaluatorSpec, convention: ConventionSpec, recipe: Mapping[str, Any]
) -> list[Any]:
    """What the result of an evaluator with one convention on a method's images of a split depends on. Raises ``MissingWeightsError``."""
    identity: list[Any] = [fuse.key, evaluator.name, evaluator.version, convention.name, convention.version]
    if recipe:  # a file counts by content, not by path
        identity.append({**recipe, **protocols.files_of(evaluator, recipe)})
    return identity


def method_unit_id(
    config: RunConfig, method: PlannedMethod, evaluator: EvaluatorSpec, sizes: Sequence[tuple[int, int]]
) -> UnitId:
    """The unit that measures a method itself, which depends on this machine too."""
    key = hashed([
        _method_identity(method, config), evaluator.name, evaluator.version, list(sizes), config.device, config.jobs, config.batch_size, processor(),
    ])  # fmt: skip
    return UnitId(evaluator.name, method.spec.name, "", "", "", config.seed, key)


def _list_identity(method: PlannedMethod, dataset: PlannedDataset) -> dict[str, Any]:
    """The images of the selection, where a method's pixels depend on which ones are fused together."""
    if method.spec.external is None or method.options.get("call", method.spec.external.call) != "split":
        return {}
    return {"pairs": [pair.name for pair in dataset.pairs]}


def _method_identity(method: PlannedMethod, config: RunConfig) -> dict[str, Any]:
    spec = method.spec
    return {
        "method": {k: v for k, v in spec.model_dump(mode="json").items() if k in _IDENTITY},
        # An optional artifact that is at hand changes the result, one that isn't doesn't count.
        "weights": [
            [a.name, a.sha256 or a.git_blob]
            for a in spec.artifacts
            if not (a.optional and artifacts.absence(a))
        ],
        "code": method.fingerprint or spec.factory,
        **({"external": spec.external.pixel_part()} if spec.external is not None else {}),
        "options": _pixel_options(method),
        "precision": config.precision,
        "seed": config.seed,
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
