"""Evaluators: spec, metrics, conventions, what they get and give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    pass

from .artifact import Artifact, _Spec
from .dataset import Dataset, Pair, PairImages, UInt8Array
from .method import MethodContext, MethodSpec
from .names import PlainName


class MetricSpec(_Spec):
    """A metric as data: what ``fusionbench info metric NAME`` prints.

    ``conventions`` maps each convention that defines the metric to what it does differently. ``constant``
    says what comes out where the fused image, one source, both sources, or all three images (then equal) are
    constant: a number, ``finite``, or ``no value: why``. ``differentiable``: the metric has a torch version
    with a gradient.
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
    aliases: tuple[str, ...] = ()
    """Other names in use (``FMI_w``); like the name itself they count in any case, with ``-`` or ``_``."""
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
    """All that a protocol's result depends on besides the images: judge, image size, thresholds, loss,
    schedule. Part of the unit key. Task options (``--task-option detection.model=…``) replace entries of
    this name; others are refused. A text that is the name or file name of one of the evaluator's
    artifacts, or the path of a file, stands for that file's content."""
    retrains: bool = False
    """The judge is trained on each method's fused images: those of ``training_split``, or folds of the
    evaluated split itself."""
    training_split: str = ""
    seeds: int = 1
    """How many times a retraining protocol is repeated (``--seeds`` overrides it); each seed is a unit of
    its own."""
    version: int = 1


class EvaluatorSpec(_Spec):
    """An evaluator as data.

    ``scope``: ``image`` (scored image by image, by threads, resumable per image), ``dataset`` (sees all fused
    images of a dataset at once) or ``method`` (sees the method, not its images). ``needs`` lists what it
    reads.
    """

    name: PlainName
    title: str
    task: str
    summary: str = ""
    default: bool = False
    """``run`` evaluates this task where none is named."""
    scope: Literal["image", "dataset", "method"] = "image"
    needs: frozenset[Literal["fused", "sources", "labels", "boxes", "network"]] = frozenset({"fused"})
    metrics: tuple[MetricSpec, ...] = ()
    default_metrics: tuple[str, ...] = ()
    conventions: tuple[ConventionSpec, ...] = ()
    default_convention: str = ""
    default_conventions: Mapping[str, str] = {}
    """Dataset → the protocol that is the default there, where it isn't ``default_convention``."""
    reference_methods: tuple[str, ...] = ()
    """Methods that are always scored by this evaluator beside those asked for (tasks: the two sensors
    alone)."""
    artifacts: tuple[Artifact, ...] = ()
    factory: str = ""
    trainer: str | None = None
    """Import string of what ``fusionbench train <task>`` calls (it trains the judges that ship with the
    package)."""
    version: int = 1

    @property
    def definitions(self) -> Literal["convention", "protocol"]:
        """What the evaluator calls an exact definition: protocols see whole sets, and may train."""
        return "convention" if self.scope == "image" else "protocol"


@dataclass(frozen=True)
class Value:
    """One measured number. ``reason`` says why where ``value`` is NaN; ``convention`` overrides the unit's
    where a unit yields several."""

    metric: str
    value: float
    class_name: str = ""
    reason: str = ""
    convention: str | None = None


@dataclass(frozen=True)
class EvaluatorSettings:
    """What the harness gives an evaluator when it builds it: ``metrics`` to compute (None: its defaults), one
    convention or protocol, seed, device.

    ``options`` is the protocol's recipe with the user's task options in it. ``cache_dir`` is a folder beside
    the run for intermediate checkpoints, by content. ``details_dir``: where an evaluator of scope ``dataset``
    may leave deterministic tables and masks for reports (an empty folder; kept only if the unit succeeds,
    discarded with it). Both None where there is no run. ``note(text)`` tells the user, once, what is odd
    about the data and doesn't stop the work.
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
    """An evaluator of scope ``image``. Built by ``factory(spec, settings)``; called from several threads at
    once.

    One that is faster on several images at once also fulfils ``BatchEvaluator``. The harness then hands it
    the batches that it fused.
    """

    def score(self, fused: UInt8Array, sources: PairImages) -> list[Value]:
        """Score one fused image (uint8, H×W or H×W×3 RGB) against its sources."""
        ...


@runtime_checkable
class BatchEvaluator(Protocol):
    """An image evaluator that is faster on several images at once."""

    def score_batch(self, fused: Sequence[UInt8Array], sources: Sequence[PairImages]) -> list[list[Value]]:
        """Score several fused images against their sources: what ``score`` takes and returns, one per
        image, in order."""
        ...


@dataclass(frozen=True)
class FusedSet:
    """All fused images of one method on one split, for evaluators of scope ``dataset``: ``fused(name)``
    decodes one (uint8 H×W or H×W×3 RGB).

    Where the evaluator needs labels or boxes, ``pairs`` are those that have them. ``training`` is the fused
    training split, where the protocol names one; ``digest`` hashes the fused images and labels of ``pairs``
    (for caches).
    """

    method: str
    dataset: Dataset
    split: str
    pairs: tuple[Pair, ...]
    fused: Callable[[str], UInt8Array]
    training: FusedSet | None = None
    digest: str = ""


class DatasetEvaluator(Protocol):
    """An evaluator of scope ``dataset``. Yields ``(image name or "", Value)``; ``progress(done, total)`` may
    be called at any time.

    An image that had to be left out (its labels can't be used) gets a NaN value with the reason, and the run
    names it among what failed.
    """

    def score(self, fused: FusedSet, progress: Callable[[int, int], None]) -> Iterable[tuple[str, Value]]:
        """Score the whole set."""
        ...


@runtime_checkable
class TrainsApart(Protocol):
    """An evaluator of whole sets whose trainings can be done at the same time, before it scores."""

    @property
    def trainings(self) -> int:
        """How many trainings there are; 0 if ``score`` does all itself."""
        ...

    def train(self, fused: FusedSet, number: int, progress: Callable[[int, int], None]) -> None:
        """Do one training (0 to ``trainings`` - 1) and leave the result in ``cache_dir``, where ``score``
        finds it."""
        ...


class MethodEvaluator(Protocol):
    """An evaluator of scope ``method``: measures the method itself. ``sizes`` are (height, width)."""

    def score(
        self, spec: MethodSpec, context: MethodContext, sizes: Sequence[tuple[int, int]]
    ) -> list[Value]:
        """Build the method, measure it, and return its values."""
        ...
