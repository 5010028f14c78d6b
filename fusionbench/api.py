"""The Python API: the words of the command line as functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .planning.config import RunConfig, validate

if TYPE_CHECKING:
    import pandas as pd

    from .execution.runner import RunResult
    from .images.codec import UInt8Array


def run(config: RunConfig | None = None, *, quiet: bool = True, **settings: Any) -> RunResult:
    """Fuse, score and report, as ``fusionbench run`` does; settings are the fields of ``RunConfig``.

    >>> result = fusionbench.run(method="max,laplacian", dataset="demo", limit=4)  # doctest: +SKIP

    Single values stand for lists of one. Returns the run's folder, plan and failures; raises
    ``FusionBenchError`` for what is wrong before the start.
    """
    from .execution.runner import execute
    from .rendering import chosen_reports, render, report_input
    from .store.run_store import RunStore

    config = config or make_config(settings)
    result = execute(config, quiet=quiet)
    reports = chosen_reports(config.report)
    if reports:
        store = RunStore.read_only(result.folder)
        data = report_input(store, selection=result.plan.selection(), options={"published": config.published})
        *_, problems = render(data, result.folder / "report", reports)
        for problem in problems:
            warnings.warn(problem, stacklevel=2)
    return result


def make_config(settings: dict[str, Any]) -> RunConfig:
    """A ``RunConfig`` from keyword arguments: a single ``data_root`` stands for all datasets."""
    values = dict(settings)
    if isinstance(values.get("data_root"), str | Path):
        values["data_root"] = {"": values["data_root"]}
    return validate(values, "fusionbench.run")


def fuse(
    infrared: Any,
    visible: Any,
    method: str | None = None,
    *,
    device: str = "auto",
    seed: int = 0,
    **options: Any,
) -> UInt8Array:
    """Fuse one pair and return uint8 H×W×3 RGB (H×W for methods that give grey).

    ``method`` is a name, or ``path/to/file.py:Class``; None stands for the default method. Images are paths,
    arrays (H×W, H×W×3 RGB) or tensors (C×H×W, 1×C×H×W), uint8 or float in [0,1]. ``options`` are the method's
    own. Raises ``ImageError``, ``UnknownNameError`` or ``MissingWeightsError``.
    """
    from .contracts.dataset import Pair, PairImages
    from .contracts.method import MethodContext
    from .execution.devices import resolve_devices
    from .execution.fusing import MethodFuser, weights_resolver
    from .images.codec import as_grey, as_rgb, check_same_size
    from .images.from_python import as_image
    from .planning.selection import resolve_methods
    from .plugins import catalog

    sources = PairImages(as_grey(as_image(infrared, "infrared")), as_rgb(as_image(visible, "visible")))
    check_same_size(sources.infrared, sources.visible, "the pair")
    method = method or catalog.methods.default().name
    config = validate(
        {"method": [method], "method_options": {"": options}, "seed": seed, "device": device},
        "fusionbench.fuse",
    )
    planned = resolve_methods(method, config)[0]
    context = MethodContext(seed, planned.options, None, weights_resolver(planned.spec))
    fuser = MethodFuser(planned.spec, context, resolve_devices(device)[0], "fp32")
    return fuser.fuse([Pair("pair")], [sources])[0]


def score(
    infrared: Any,
    visible: Any,
    fused: Any,
    *,
    metrics: Sequence[str] | None = None,
    convention: str | None = None,
    jobs: int = 0,
) -> dict[str, Any]:
    """Metrics of fused images against their sources: {metric: float}, or for a batch of N {metric: float64
    array of shape (N,)}.

    >>> values = fusionbench.score(ir, vis, fused, metrics=["VIF", "Qabf"])  # doctest: +SKIP
    >>> {name: value.mean() for name, value in values.items()}  # doctest: +SKIP

    Each image is a path, an array H×W or H×W×3 (RGB), or a tensor H×W, 1×H×W or 3×H×W; batches are lists of
    images, arrays N×H×W×C or tensors N×C×H×W; uint8 or float in [0,1]. See
    ``fusionbench.scoring.arrays.score_arrays`` for the rest.
    """
    from .scoring.arrays import score_arrays

    return score_arrays(infrared, visible, fused, metrics=metrics, convention=convention, jobs=jobs)


def report(
    runs: str | Path | Sequence[str | Path],
    reports: Sequence[str] | None = None,
    *,
    out: Path | None = None,
    published: bool = False,
) -> list[Path]:
    """Render the reports of one or several runs again, from the store alone; returns the files. Raises on
    the first report that fails."""
    from .rendering import chosen_reports, find_runs, merged_input, render

    stores = find_runs([runs] if isinstance(runs, str | Path) else runs)
    files, _, _ = render(
        merged_input(stores, {"published": published}),
        out or stores[0].folder / "report",
        chosen_reports(reports),
        strict=True,
    )
    return files


def compare(runs: str | Path | Sequence[str | Path], baseline: str | None = None) -> pd.DataFrame:
    """Paired comparison of methods over the images of one or several runs: differences, intervals, p values.

    ``baseline`` names the method that the others are compared with (the first one otherwise). See
    ``fusionbench.statistics.comparison.compare`` for the columns.
    """
    from .rendering import comparison, find_runs

    frame, _ = comparison(find_runs([runs] if isinstance(runs, str | Path) else runs), baseline)
    return frame
