"""The qualitative grid: scenes × (infrared, visible, methods), each with two enlarged regions (the paper's
Figs. 5-8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import as_grey, as_rgb

from ..scores.labels import REFERENCE_METHODS, entrant_title, ordered_entrants, slug
from .drawing import FONT, new_figure, pages, save
from .insets import choose_regions, with_insets
from .scenes import chosen_scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput, ReportSpec

ACROSS = 8
"""Pictures side by side; more methods continue below, scene by scene."""

METHODS = 38
"""Methods a page, five lines of pictures with the sources: figures of hundreds fit into no memory."""

PICTURE_PIXELS = 420
_PICTURE_INCHES = 1.4
_TITLE_INCHES = 0.16
_GAP_INCHES = 0.03


@dataclass(frozen=True)
class QualitativeReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``qualitative-<dataset>-<split>.{png,pdf}`` from the run's fused images, ``METHODS`` a page.

        Scenes whose fused image exists for every method; by day and by night, those are shown on which the
        methods' scores differ most. A scene that can't be read is left out.
        """
        files: list[Path] = []
        scored = data.rows[data.rows["dataset"] != ""]  # costs belong to no dataset
        for place, rows in scored.groupby(["dataset", "split"], sort=False):
            dataset, split = map(str, place)
            pairs = ordered_entrants(rows.assign(entrant=rows["method"]), data.methods)
            shown = [m for m, _ in pairs if m not in REFERENCE_METHODS]
            methods = [m for m in shown if (data.fused_dir / m / dataset / split).is_dir()]
            own_run = set(rows["method"][rows["run"] == data.fused_dir.parent.name])
            for method in sorted((set(shown) - set(methods)) & own_run):
                data.notes.append(
                    f"{data.fused_dir / method / dataset / split}: is missing, so {method} is left out of the"
                    " qualitative figure; run the same command again"
                )
            folders = [data.fused_dir / m / dataset / split for m in methods]
            there = (
                set.intersection(*({p.stem for p in f.glob("*.png")} for f in folders)) if folders else set()
            )
            own = rows[rows["method"].isin(methods)]
            names = chosen_scenes(data, dataset, split, own, there)
            scenes = [
                s for s in (_scene(data, dataset, split, name, methods) for name in names) if s is not None
            ]
            if methods and scenes:
                names_of = [entrant_title(m, m, data.methods) for m in methods]
                for suffix, part in pages(range(len(methods)), METHODS):
                    figure = _figure(
                        [[*s[:2], *(s[2 + i] for i in part)] for s in scenes],
                        ["Infrared", "Visible", *(names_of[i] for i in part)],
                    )
                    files += save(figure, folder, slug(f"qualitative-{dataset}-{split}") + suffix, dpi=300)
        return files


def build(spec: ReportSpec) -> QualitativeReport:
    """The factory of ``spec.py``."""
    return QualitativeReport(spec)


def _scene(data: ReportInput, dataset: str, split: str, name: str, methods: list[str]) -> list[Any] | None:
    """The pictures of one scene, insets included: infrared, visible, then the methods. None if one can't be
    read.
    """
    try:
        pair = data.load_pair(dataset, split, name)
        fused = [data.read_fused(data.fused_dir / m / dataset / split / f"{name}.png") for m in methods]
    except FusionBenchError as error:
        data.notes.append(f"{dataset}/{split}: scene {name} left out of the qualitative figure: {error}")
        return None
    if any(f.shape[:2] != pair.infrared.shape for f in fused):
        return None
    grey = [as_grey(f) for f in fused]
    regions = choose_regions(pair.infrared, grey if len(grey) > 1 else [*grey, as_grey(pair.visible)])
    return [
        with_insets(as_rgb(picture), regions, PICTURE_PIXELS)
        for picture in (pair.infrared, pair.visible, *fused)
    ]


def _figure(scenes: list[list[Any]], titles: list[str]) -> Figure:
    """Rows of pictures placed by hand: a layout engine takes seconds for so many axes."""
    lines = math.ceil(len(titles) / ACROSS)
    across = math.ceil(len(titles) / lines)
    shapes = [max(p.shape[0] / p.shape[1] for p in scene) for scene in scenes for _ in range(lines)]
    titled = [lines > 1 or row == 0 for row in range(len(shapes))]
    width = across * _PICTURE_INCHES
    height = sum(s * _PICTURE_INCHES + _GAP_INCHES for s in shapes) + _TITLE_INCHES * sum(titled)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    top = height
    for row, shape in enumerate(shapes):
        top -= _TITLE_INCHES * titled[row] + shape * _PICTURE_INCHES
        scene, start = scenes[row // lines], row % lines * across
        for i, (picture, title) in enumerate(
            zip(scene[start : start + across], titles[start : start + across], strict=True)
        ):
            place = (
                i * _PICTURE_INCHES / width,
                top / height,
                (_PICTURE_INCHES - _GAP_INCHES) / width,
                shape * _PICTURE_INCHES / height,
            )
            axes = figure.add_axes(place)
            axes.set_axis_off()
            axes.imshow(picture, interpolation="none")
            if titled[row]:
                axes.set_title(title, fontsize=FONT - 1, pad=2)
        top -= _GAP_INCHES
    return figure
