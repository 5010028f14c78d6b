"""Methods: spec (pure data), what a method gets when it is built, the protocol it fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from .external_recipe import ExternalRecipe

if TYPE_CHECKING:
    import torch

from .artifact import Artifact, _Spec
from .names import PlainName

MethodStatus = Literal["verified", "ported", "external", "needs-weights"]


class MethodSpec(_Spec):
    """A fusion method as data.

    ``input`` is what ``Method.fuse`` gets as its visible image: ``luma`` and ``gray`` N×1×H×W, ``rgb``
    N×3×H×W. ``output`` is what it returns: ``luma`` (N×1×H×W, to which the harness adds the visible image's
    colour) or ``rgb`` (N×3×H×W). ``grey`` names the conversion that yields luma/gray (see
    ``fusionbench.images.grey.GREY_CONVERSIONS``), ``colour`` the recombination, ``quantise`` how float
    becomes uint8: ``clip`` clamps to [0,1], ``minmax`` stretches each luma (``minmax-rgb``: the recombined
    image) to its own range first, ``max-rgb`` scales the recombined image so that its largest value becomes
    255; ``rounding`` is ``nearest`` (half to even) or ``truncate``.
    """

    name: PlainName
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
    rounding: Literal["nearest", "truncate", "half-up", "half-down", "wrap"] = "nearest"
    size_multiple: int = 1
    size_rule: Literal["pad", "crop"] = "pad"
    minimum_size: int = 1
    batchable: bool = True
    tileable: bool = False
    status: MethodStatus = "ported"
    note: str = ""
    published_as: str | None = None
    default: bool = False
    """``fuse`` takes this method where none is named."""
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

    ``weights(name)`` returns the verified local path of the spec's artifact of that name, or raises
    ``MissingWeightsError`` with instructions. ``cache_dir`` is a folder beside the run for intermediate
    results (masks); None where there is no run.
    """

    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    cache_dir: Path | None = None
    weights: Callable[[str], Path] = field(default=Path)


@runtime_checkable
class Method(Protocol):
    """A method ready to fuse. Built by ``factory(spec, context)``.

    A method may also fulfil ``HasNetwork``, ``HasProvenance`` and ``ConvertsWeights``.
    """

    def load(self, device: torch.device, precision: str) -> None:
        """Build the network on ``device``; ``precision`` is ``fp32``, ``bf16`` or ``fp16`` (the harness
        autocasts)."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse a batch: float32 in [0,1], N×1×H×W and N×C×H×W (C by ``spec.input``) → N×1 or 3×H×W (by
        ``spec.output``)."""
        ...


@runtime_checkable
class HasNetwork(Protocol):
    """A method that shows its network: an ``nn.Module`` or a list of them, for counting parameters."""

    network: Any


@runtime_checkable
class HasProvenance(Protocol):
    """A method (or whatever else gives fused images) that has something to be kept with the run."""

    def provenance(self) -> dict[str, Any]:
        """JSON data, for example the mask provider used."""
        ...


@runtime_checkable
class ConvertsWeights(Protocol):
    """A method that rewrites its official weight files as safetensors (``fusionbench weights convert``)."""

    def convert(self, files: Mapping[str, Path], out: Path) -> None:
        """Read the files (by artifact name) and write ``out``. Called in a confined process; nothing in
        the files is executed."""
        ...
