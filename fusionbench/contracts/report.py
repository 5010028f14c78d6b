"""Reports: spec, and the rows and details that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pandas as pd

from ..errors import InputError
from .artifact import _Spec
from .dataset import DatasetSpec, PairImages, UInt8Array
from .evaluator import ConventionSpec, MetricSpec
from .method import MethodSpec
from .names import PlainName


class ReportSpec(_Spec):
    """A report as data. ``default`` reports are rendered at the end of every run."""

    name: PlainName
    title: str
    summary: str = ""
    default: bool = True
    role: Literal["", "tables", "comparison", "site"] = ""
    """What the harness uses it for beside ``report``: the tables of ``score``, ``compare`` (both fulfil
    ``HasTables``), or ``site``."""
    factory: str = ""
    version: int = 1


def _no_details() -> pd.DataFrame:
    from .rows import details_frame

    return details_frame([])


def _no_images(path: Path) -> UInt8Array:
    raise InputError(f"{path}: these rows come without images")


def _no_corrupted(columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    from .rows import CORRUPTION_COLUMNS

    return pd.DataFrame(columns=[*columns, *CORRUPTION_COLUMNS])


def _no_corrupted_rows() -> pd.DataFrame:
    from .rows import COLUMNS

    return _no_corrupted(COLUMNS)


def _no_corrupted_details() -> pd.DataFrame:
    from .rows import DETAIL_COLUMNS

    return _no_corrupted(DETAIL_COLUMNS)


@dataclass(frozen=True)
class ReportInput:
    """What a report gets. ``rows`` has the columns of ``fusionbench.contracts.rows.COLUMNS``; ``run`` is the
    run file's content.

    ``rows`` and ``details`` are about clean pairs alone, so that no table mixes them with corrupted ones. Those of
    corrupted pairs are in ``corrupted`` and ``corrupted_details``, with ``CORRUPTION_COLUMNS`` added.
    ``load_pair`` of a corrupted dataset's name (``variant``) gives what methods saw.

    ``methods``, ``metrics`` and ``conventions`` are the specs (as data) of what the rows name, so that a
    report knows titles, directions and digits without importing any other plugin. ``fused_dir`` holds
    ``<method>/<dataset>/<split>/<image>.png``; where several runs are joined it is the first run's, and
    ``fused_dirs`` names each run's (see ``fused_path``). ``load_pair(dataset, split, image)`` decodes sources
    for figures. ``conventions`` are keyed by evaluator and name. ``options`` are the report's own settings
    (``published``: show published rows). ``details`` has one row per unit that left tables or masks: method, dataset, split, evaluator, protocol, seed, folder
    (``fusionbench.contracts.rows.DETAIL_COLUMNS``). ``read_fused(path)`` decodes a fused image below
    ``fused_dir`` (uint8), and raises ``FusionBenchError`` for a file that isn't the image that was scored.
    ``notes`` says what the run folder holds and ``rows`` do not have; a report appends what it leaves out.
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
    read_fused: Callable[[Path], UInt8Array] = field(default=_no_images)
    notes: list[str] = field(default_factory=list)
    conventions: Mapping[tuple[str, str], ConventionSpec] = field(default_factory=dict)
    fused_dirs: Mapping[str, Path] = field(default_factory=dict)
    corrupted: pd.DataFrame = field(default_factory=_no_corrupted_rows)
    corrupted_details: pd.DataFrame = field(default_factory=_no_corrupted_details)

    def fused_path(self, run: str, method: str, dataset: str, split: str, image: str) -> Path | None:
        """Where a fused image of a run would lie; None for names that lead out of the run's folder."""
        folder = self.fused_dirs.get(run, self.fused_dir)
        path = folder / method / dataset / split / f"{image}.png"
        parts = (method, dataset, split, image)
        plain = all(part not in ("", ".", "..") and not set("/\\\0") & set(part) for part in parts)
        return path if plain else None


class Report(Protocol):
    """Rows in, files out. Built by ``factory(spec)``."""

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the report's files into ``folder`` and return their paths (empty if the rows have nothing
        for it)."""
        ...


@dataclass(frozen=True)
class Rendered:
    """A report's tables as data: ``shown`` is what the terminal prints (rich renderables), ``texts`` maps
    file names to contents.

    ``make_texts`` makes those when they are first asked for.
    """

    shown: tuple[Any, ...] = ()
    make_texts: Callable[[], Mapping[str, str]] = dict

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The contents of the files, by name."""
        return self.make_texts()


@runtime_checkable
class HasTables(Protocol):
    """A report that gives its tables as data; the harness prints them and writes the files."""

    def tables(self, data: ReportInput) -> Rendered:
        """The tables of the rows; nothing is written."""
        ...
