"""Pictures of a scene under each corruption: what methods saw, and what they made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import as_rgb

from ..figures.drawing import FONT, new_figure, pages
from ..figures.scenes import chosen_scenes
from ..scores.labels import REFERENCE_METHODS, entrant_title, ordered_entrants, slug
from .relative import corruption_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fusionbench.contracts.report import ReportInput

METHODS = 6
"""Methods shown; the first ones of the run."""
LINES = 8
"""Corruptions per page."""
MIDDLE = 3
"""The severity to show, or the nearest one that was run."""
_INCHES, _GAP, _LEFT, _TOP = 1.25, 0.03, 0.85, 0.2


def picture_pages(data: ReportInput) -> Iterator[tuple[str, Figure]]:
    """File name and figure of each page: one scene per dataset and split; lines are corruptions, the first is clean."""
    for place, rows in data.corrupted.groupby(["dataset", "split"], sort=False):
        dataset, split = map(str, place)
        pairs = ordered_entrants(rows.assign(entrant=rows["method"]), data.methods)
        methods = [m for m, _ in pairs if m not in REFERENCE_METHODS][:METHODS]
        shown = _middle_variants(rows)
        folders = [data.fused_dir / m / v / split for m in methods for v in (dataset, *shown.values())]
        if not methods or not all(f.is_dir() for f in folders):
            continue
        there = set.intersection(*({p.stem for p in f.glob("*.png")} for f in folders))
        clean = data.rows[(data.rows["dataset"] == dataset) & data.rows["method"].isin(methods)]
        names = chosen_scenes(data, dataset, split, clean, there, count=1)
        if not names:
            continue
        titles = ["Infrared", "Visible", *(entrant_title(m, m, data.methods) for m in methods)]
        for suffix, part in pages(list(shown.items()), LINES):
            lines = [("clean", dataset), *part]
            pictures = _pictures(data, lines, split, names[0], methods)
            if pictures is not None:
                figure = _figure(pictures, titles, [label for label, _ in lines])
                yield slug(f"robustness-pictures-{dataset}-{split}") + suffix, figure


def _middle_variants(rows: Any) -> dict[str, str]:
    """The corrupted dataset to show for each corruption, by label (``fog, 3``)."""
    found: dict[str, str] = {}
    for name in corruption_order(list(rows["corruption"])):
        own = rows[rows["corruption"] == name].drop_duplicates("severity")
        nearest = own.iloc[(own["severity"] - MIDDLE).abs().argsort(kind="stable").iloc[0]]
        found[f"{name}, {nearest['severity']}"] = str(nearest["variant"])
    return found


def _pictures(
    data: ReportInput, lines: Sequence[tuple[str, str]], split: str, image: str, methods: Sequence[str]
) -> list[list[Any]] | None:
    try:
        found = []
        for _, variant in lines:
            pair = data.load_pair(variant, split, image)
            fused = [data.read_fused(data.fused_dir / m / variant / split / f"{image}.png") for m in methods]
            found.append([as_rgb(p) for p in (pair.infrared, pair.visible, *fused)])
    except FusionBenchError as error:
        data.notes.append(f"{image}: left out of the pictures of robustness: {error}")
        return None
    return found


def _figure(pictures: Sequence[Sequence[Any]], titles: Sequence[str], labels: Sequence[str]) -> Figure:
    """Pictures placed by hand: a layout engine takes seconds for so many axes."""
    shape = max(p.shape[0] / p.shape[1] for p in pictures[0])
    width = _LEFT + len(titles) * _INCHES
    height = _TOP + len(labels) * (shape * _INCHES + _GAP)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    for row, (label, line) in enumerate(zip(labels, pictures, strict=True)):
        top = height - _TOP - row * (shape * _INCHES + _GAP) - shape * _INCHES
        figure.text(
            (_LEFT - 0.06) / width,
            (top + shape * _INCHES / 2) / height,
            label,
            ha="right",
            va="center",
            fontsize=FONT - 1,
        )
        for column, picture in enumerate(line):
            place = (
                (_LEFT + column * _INCHES) / width,
                top / height,
                (_INCHES - _GAP) / width,
                shape * _INCHES / height,
            )
            axes = figure.add_axes(place)
            axes.set_axis_off()
            axes.imshow(picture, interpolation="none", aspect="auto")
            if row == 0:
                axes.set_title(titles[column], fontsize=FONT - 1, pad=2)
    return figure
