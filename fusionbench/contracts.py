"""The contracts between the harness and its plugins: all that the author of a method, dataset, evaluator or report must know.

Specs are pure data (pydantic, frozen) and cheap to import: nothing in this module imports torch, NumPy or OpenCV at run
time. The protocols below them are what a spec's ``factory`` builds.

Words: a *pair* is a registered infrared and visible image of one scene; a *unit* is one schedulable piece of a run; a
*row* is one number with all that is needed to know what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, field_validator

from .external.recipe import ExternalRecipe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import torch

    UInt8Array = npt.NDArray[np.uint8]
else:
    UInt8Array = Any  # plugins may import the name at run time; NumPy stays unimported here


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Artifact(_Spec):
    """A file that is fetched or shipped: weights, parameters, a dataset archive.

    Either ``resource`` names a file inside an installed package (``"fusionbench.methods.sgdfuse:weights/x.safetensors"``),
    or the file lies in the cache (see ``fusionbench weights where``) under ``filename``, downloaded from ``urls`` or put there by
    hand as ``instructions`` say. It is used only if ``sha256`` (or, where only that is known, ``git_blob``) agrees.
    """

    name: str
    filename: str
    sha256: str | None = None
    git_blob: str | None = None
    bytes: int | None = None
    urls: tuple[str, ...] = ()
    instructions: str = ""
    resource: str | None = None
    licence: str = ""
    unpack: bool = False
    optional: bool = False
    """Used where it is at hand; a method runs without it."""
    alternatives: tuple[Artifact, ...] = ()
    """Other files with the same content (a conversion), each with its own checksum; used where this one is absent."""

    @field_validator("filename")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if "/" in value or "\\" in value or value in {"", ".", ".."}:
            raise ValueError(f"artifact file names are plain names, not paths: {value!r}")
        return value


MethodStatus = Literal["verified", "ported", "external", "needs-weights"]


class MethodSpec(_Spec):
    """A fusion method as data.

    ``input`` is what ``Method.fuse`` gets as its visible image: ``luma`` and ``gray`` N×1×H×W, ``rgb`` N×3×H×W.
    ``output`` is what it returns: ``luma`` (N×1×H×W, to which the harness adds the visible image's colour) or ``rgb`` (N×3×H×W).
    ``grey`` names the conversion that yields luma/gray (see ``fusionbench.images.GREY_CONVERSIONS``), ``colour`` the
    recombination, ``quantise`` how float becomes uint8: ``clip`` clamps to [0,1], ``minmax`` stretches each luma (``minmax-rgb``: the
    recombined image) to its own range first, ``max-rgb`` scales the recombined image so that its largest value becomes 255;
    ``rounding`` is ``nearest`` (half to even) or ``truncate``.
    """

    name: str
    title: str
    summary: str = ""
    paper: str = ""
    doi: str = ""
    year: int | None = None
    venue: str = ""
    code_url: str = ""
    commit: str = ""
    licence: str = ""
    family: Literal["classical", "learned", "diffusion", "precomputed", "user"] = "learned"
    artifacts: tuple[Artifact, ...] = ()
    trained_on: tuple[str, ...] = ()
    input: Literal["luma", "gray", "rgb"] = "luma"
    output: Literal["luma", "rgb"] = "luma"
    grey: str = "bt601"
    colour: str = "bt601"
    quantise: Literal["clip", "minmax", "minmax-rgb", "max-rgb"] = "clip"
    rounding: Literal["nearest", "truncate", "half-up", "half-down"] = "nearest"
    size_multiple: int = 1
    size_rule: Literal["pad", "crop"] = "pad"
    minimum_size: int = 1
    batchable: bool = True
    tileable: bool = False
    status: MethodStatus = "ported"
    note: str = ""
    published_as: str | None = None
    options: Mapping[str, Any] = {}
    factory: str = ""
    trainer: str | None = None
    ablation: str | None = None
    external: ExternalRecipe | None = None
    """How to run the official repository, for methods that run outside fusionbench (they have no factory)."""
    version: int = 1


@dataclass(frozen=True)
class MethodContext:
    """What the harness gives a method when it builds it.

    ``weights(name)`` returns the verified local path of the spec's artifact of that name, or raises ``MissingWeightsError`` with
    instructions. ``cache_dir`` is a folder beside the run for intermediate results (masks); None where there is no run.
    """

    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    cache_dir: Path | None = None
    weights: Callable[[str], Path] = field(default=Path)


@runtime_checkable
class Method(Protocol):
    """A method ready to fuse. Built by ``factory(spec, context)``.

    Optional attributes: ``network`` (an ``nn.Module`` or list of them, for counting parameters) and
    ``provenance() -> dict`` (JSON data to be kept with the run, e.g. the mask provider used).
    """

    def load(self, device: torch.device, precision: str) -> None:
        """Build the network on ``device``; ``precision`` is ``fp32``, ``bf16`` or ``fp16`` (the harness autocasts)."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse a batch: float32 in [0,1], N×1×H×W and N×C×H×W (C by ``spec.input``) → N×1 or 3×H×W (by ``spec.output``)."""
        ...


class DatasetSpec(_Spec):
    """A dataset as data. ``splits`` are its official splits, the first one the default for ``run``."""

    name: str
    title: str
    summary: str = ""
    splits: tuple[str, ...] = ("test",)
    licence: str = ""
    citation: str = ""
    year: int | None = None
    url: str = ""
    size: tuple[int, int] | None = None
    """(height, width) if all pairs have one size."""
    semantic_classes: tuple[str, ...] = ()
    box_classes: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    layout: str = ""
    """The folders and files expected below the root, in words (shown when something is missing)."""
    needs_root: bool = True
    factory: str = ""
    options: Mapping[str, Any] = {}
    version: int = 1


@dataclass(frozen=True)
class Boxes:
    """Object boxes of one image: ``xyxy`` float64 N×4 in pixels (x right, y down, right and lower edges exclusive), ``classes`` int64 N, indices into the dataset's ``box_classes``.

    ``notes`` name what the file holds and these lack (boxes of unknown classes, boxes outside the image), with file and line."""

    xyxy: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """One scene of a dataset. ``name`` is the stem that also names the fused image; stable, unique in its split, a plain file name."""

    name: str
    infrared: Path | None = None
    visible: Path | None = None
    labels: Path | None = None
    boxes: Path | None = None


@dataclass(frozen=True)
class PairImages:
    """The decoded images of a pair: uint8, ``infrared`` H×W, ``visible`` H×W×3 RGB; ``labels`` H×W uint8 ids and ``boxes`` where the dataset has them."""

    infrared: UInt8Array
    visible: UInt8Array
    labels: UInt8Array | None = None
    boxes: Boxes | None = None


@dataclass(frozen=True)
class Finding:
    """Something wrong with a dataset: the ``file`` (or image name), what kind of problem, and what to do."""

    file: str
    problem: Literal["missing", "unreadable", "mismatched", "duplicate", "label", "warning"]
    message: str


@runtime_checkable
class Dataset(Protocol):
    """An opened dataset. Built by ``factory(spec, root)``; opening raises ``MissingDataError`` with the expected layout."""

    spec: DatasetSpec

    def pairs(self, split: str) -> Sequence[Pair]:
        """All pairs of a split, in a stable order (sorted by name unless the dataset's own list says otherwise)."""
        ...

    def load(self, pair: Pair, *, labels: bool = False) -> PairImages:
        """Decode a pair (with labels and boxes if asked). Raises ``ImageError`` naming the file."""
        ...

    def digest(self, pair: Pair) -> str:
        """A hash of the pair's content (file bytes, or the recipe for procedural data): 64 hex digits.

        A dataset whose labels may change on their own also offers ``label_digest(pair)``, so that tasks are scored anew without fusing.
        """
        ...

    def verify(self, split: str | None = None) -> list[Finding]:
        """Everything missing, unreadable, mismatched or duplicate, by file name; empty if all is well."""
        ...


class MetricSpec(_Spec):
    """A metric as data: what ``fusionbench info metric NAME`` prints.

    ``conventions`` maps each convention that defines the metric to what it does differently. ``constant`` says what comes out where the
    fused image, one source, both sources, or all three images (then equal) are constant: a number, ``finite``, or ``no value: why``.
    ``differentiable``: the metric has a torch version with a gradient.
    """

    name: str
    title: str
    family: str = ""
    direction: Literal["higher", "lower", "none"] = "higher"
    unit: str = ""
    value_range: str = ""
    minimum_size: int = 1
    formula: str = ""
    source: str = ""
    constant: Mapping[str, str] = {}
    conventions: Mapping[str, str] = {}
    pitfalls: tuple[str, ...] = ()
    differentiable: bool = False
    digits: int = 3
    """Decimals to print in tables."""


class ConventionSpec(_Spec):
    """A named set of exact definitions (quality: a convention; downstream tasks: a protocol)."""

    name: str
    title: str
    summary: str = ""
    source: str = ""
    task: str = "quality"
    recipe: Mapping[str, Any] = {}
    """All that a protocol's result depends on besides the images: judge, image size, thresholds, loss, schedule. Part of the unit key.
    Task options (``--task-option detection.model=…``) replace entries of this name; others are refused. A text that is the
    name or file name of one of the evaluator's artifacts, or the path of a file, stands for that file's content."""
    retrains: bool = False
    """The judge is trained on each method's fused images: those of ``training_split``, or folds of the evaluated split itself."""
    training_split: str = ""
    seeds: int = 1
    """How many times a retraining protocol is repeated (``--seeds`` overrides it); each seed is a unit of its own."""
    version: int = 1


class EvaluatorSpec(_Spec):
    """An evaluator as data.

    ``scope``: ``image`` (scored image by image, by threads, resumable per image), ``dataset`` (sees all fused images of a dataset at
    once) or ``method`` (sees the method, not its images). ``needs`` lists what it reads.
    """

    name: str
    title: str
    task: str
    summary: str = ""
    scope: Literal["image", "dataset", "method"] = "image"
    needs: frozenset[Literal["fused", "sources", "labels", "boxes", "network"]] = frozenset({"fused"})
    metrics: tuple[MetricSpec, ...] = ()
    default_metrics: tuple[str, ...] = ()
    conventions: tuple[ConventionSpec, ...] = ()
    default_convention: str = ""
    default_conventions: Mapping[str, str] = {}
    """Dataset → the protocol that is the default there, where it isn't ``default_convention``."""
    reference_methods: tuple[str, ...] = ()
    """Methods that are always scored by this evaluator beside those asked for (tasks: the two sensors alone)."""
    artifacts: tuple[Artifact, ...] = ()
    factory: str = ""
    trainer: str | None = None
    """Import string of what ``fusionbench train <task>`` calls (it trains the judges that ship with the package)."""
    version: int = 1


@dataclass(frozen=True)
class Value:
    """One measured number. ``reason`` says why where ``value`` is NaN; ``convention`` overrides the unit's where a unit yields several."""

    metric: str
    value: float
    class_name: str = ""
    reason: str = ""
    convention: str | None = None


@dataclass(frozen=True)
class EvaluatorSettings:
    """What the harness gives an evaluator when it builds it: ``metrics`` to compute (None: its defaults), one convention or protocol, seed, device.

    ``options`` is the protocol's recipe with the user's task options in it. ``cache_dir`` is a folder beside the run for intermediate
    checkpoints, by content. ``details_dir``: where an evaluator of scope ``dataset`` may leave deterministic tables and masks for
    reports (an empty folder; kept only if the unit succeeds, discarded with it). Both None where there is no run. ``note(text)`` tells the
    user, once, what is odd about the data and doesn't stop the work.
    """

    metrics: tuple[str, ...] | None = None
    convention: str = ""
    seed: int = 0
    device: str = "cpu"
    cache_dir: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    details_dir: Path | None = None
    note: Callable[[str], None] = field(default=lambda text: None)


class ImageEvaluator(Protocol):
    """An evaluator of scope ``image``. Built by ``factory(spec, settings)``; called from several threads at once.

    One that is faster on several images at once also has ``score_batch(fused, sources)``: sequences of what ``score`` takes, in; a list
    of what it returns, one an image, out. The harness then hands it the batches that it fused.
    """

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """Score one fused image (uint8, H×W or H×W×3 RGB) against its sources."""
        ...


@dataclass(frozen=True)
class FusedSet:
    """All fused images of one method on one split, for evaluators of scope ``dataset``: ``fused(name)`` decodes one (uint8 H×W or H×W×3 RGB).

    Where the evaluator needs labels or boxes, ``pairs`` are those that have them. ``training`` is the fused training split, where the
    protocol names one; ``digest`` hashes the fused images and labels of ``pairs`` (for caches).
    """

    method: str
    dataset: Dataset
    split: str
    pairs: tuple[Pair, ...]
    fused: Callable[[str], UInt8Array]
    training: FusedSet | None = None
    digest: str = ""


class DatasetEvaluator(Protocol):
    """An evaluator of scope ``dataset``. Yields ``(image name or "", Value)``; ``progress(done, total)`` may be called at any time.

    An image that had to be left out (its labels can't be used) gets a NaN value with the reason, and the run names it among what failed.
    """

    def score(self, fused: FusedSet, progress: Callable[[int, int], None]) -> Iterable[tuple[str, Value]]:
        """Score the whole set."""
        ...


class MethodEvaluator(Protocol):
    """An evaluator of scope ``method``: measures the method itself. ``sizes`` are (height, width)."""

    def score(
        self, spec: MethodSpec, context: MethodContext, sizes: Sequence[tuple[int, int]]
    ) -> list[Value]:
        """Build the method, measure it, and return its values."""
        ...


class ReportSpec(_Spec):
    """A report as data. ``default`` reports are rendered at the end of every run."""

    name: str
    title: str
    summary: str = ""
    default: bool = True
    factory: str = ""
    version: int = 1


def _no_details() -> pd.DataFrame:
    from .store import details_frame

    return details_frame([])


@dataclass(frozen=True)
class ReportInput:
    """What a report gets. ``rows`` has the columns of ``fusionbench.store.COLUMNS``; ``run`` is the run file's content.

    ``methods``, ``metrics`` and ``conventions`` are the specs (as data) of what the rows name, so that a report knows titles, directions and
    digits without importing any other plugin. ``fused_dir`` holds ``<method>/<dataset>/<split>/<image>.png``; ``load_pair(dataset, split, image)``
    decodes sources for figures. ``options`` are the report's own settings (``published``: show published rows). ``details`` has one
    row a unit that left tables or masks: method, dataset, split, evaluator, protocol, seed, folder (``fusionbench.store.DETAIL_COLUMNS``).
    """

    rows: pd.DataFrame
    run: Mapping[str, Any]
    methods: Mapping[str, MethodSpec]
    metrics: Mapping[str, MetricSpec]
    datasets: Mapping[str, DatasetSpec]
    fused_dir: Path
    load_pair: Callable[[str, str, str], PairImages]
    options: Mapping[str, Any] = field(default_factory=dict)
    details: pd.DataFrame = field(default_factory=_no_details)


class Report(Protocol):
    """Rows in, files out. Built by ``factory(spec)``."""

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the report's files into ``folder`` and return their paths (empty if the rows have nothing for it)."""
        ...
