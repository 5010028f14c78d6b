"""What all figures share: how they are saved, the colours of the methods, pages of panels, labels that keep
apart.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fusionbench.files.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 200
FONT = 8
_OFFSETS = [
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (0.7, 0.7),
    (-0.7, 0.7),
    (0.7, -0.7),
    (-0.7, -0.7),
    (0.4, 1),
    (-0.4, 1),
    (0.4, -1),
    (-0.4, -1),
]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, drawn by Agg: no screen, none of pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, folder: Path, name: str, dpi: int = DPI) -> list[Path]:
    """Write ``name.png`` and ``name.pdf`` (whole or not at all) and return their paths. No dates inside: the
    same rows give the same bytes.
    """
    paths = []
    for ending, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None, "Producer": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=ending, dpi=dpi, metadata=metadata)
        path = folder / f"{name}.{ending}"
        write_atomic(path, buffer.getvalue())
        paths.append(path)
    return paths


def method_colours(names: Sequence[str]) -> dict[str, Any]:
    """One colour a method, well apart for up to twenty."""
    palette = colormaps["tab10" if len(names) <= 10 else "tab20"]
    return {name: palette(i % palette.N) for i, name in enumerate(names)}


def pages(items: Sequence[Any], size: int) -> Iterable[tuple[str, Sequence[Any]]]:
    """Items in pages of at most ``size``, each with the suffix of its file name ("" for a single page)."""
    for number, start in enumerate(range(0, len(items), size), start=1):
        yield ("" if len(items) <= size else f"-{number}"), items[start : start + size]


def label_points(
    axes: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str], radii: Sequence[float]
) -> None:
    """Write a label beside each point so that no label covers another or a point.

    ``points`` are data coordinates, ``radii`` the markers' radii in typographic points. Each label takes the
    nearest free place around its point, better not one that is nearer to another point, and a thin line to it
    (past no other point) where that is not at the marker. Call last, with the axes' limits fixed.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    pixels = axes.transData.transform(points)
    frame = axes.get_window_extent()
    taken: list[tuple[float, ...]] = [
        (x - r * scale, y - r * scale, x + r * scale, y + r * scale)
        for (x, y), r in zip(pixels, radii, strict=True)
    ]
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for (x, y), point, text, radius in zip(pixels, points, texts, radii, strict=True):
        probe = axes.text(0, 0, text, fontsize=FONT)
        extent = probe.get_window_extent(renderer)
        probe.remove()
        width, height = extent.width + 4, extent.height + 2
        best: tuple[float, float, float, tuple[float, ...]] | None = None
        for ring in range(12):
            distance = (radius + 3) * scale + ring * height
            for dx, dy in _OFFSETS:
                cx, cy = x + dx * (distance + width / 2), y + dy * (distance + height / 2)
                place = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                outside = (
                    place[0] < frame.x0 or place[2] > frame.x1 or place[1] < frame.y0 or place[3] > frame.y1
                )
                away = _distance(place, (x, y))
                others = [(px, py) for px, py in pixels if (px, py) != (x, y)]
                nearer = sum(_distance(place, p) <= away for p in others)
                crossed = sum(_from_line((x, y), (cx, cy), p) < 4 * scale for p in others)
                cost = sum(_overlap(place, other) for other in taken) + (1e6 if outside else 0)
                cost += 40 * crossed + 5 * nearer + ring
                if best is None or cost < best[0]:
                    best = (cost, cx, cy, place)
            if best is not None and best[0] <= ring:
                break
        assert best is not None
        taken.append(best[3])
        far = best[0] >= 1
        axes.annotate(
            text,
            point,
            xytext=((best[1] - x) / scale, (best[2] - y) / scale),
            textcoords="offset points",
            fontsize=FONT,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "0.5"} if far else None,
        )


def _distance(box: tuple[float, ...], point: Sequence[float]) -> float:
    """From a box (x0 y0 x1 y1) to a point; 0 inside."""
    x, y = point
    return math.hypot(max(box[0] - x, 0, x - box[2]), max(box[1] - y, 0, y - box[3]))


def _from_line(start: Sequence[float], end: Sequence[float], point: Sequence[float]) -> float:
    """From a point to the line between two others."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    bx, by = point[0] - start[0], point[1] - start[1]
    share = min(1.0, max(0.0, (ax * bx + ay * by) / (ax * ax + ay * ay or 1.0)))
    return math.hypot(bx - share * ax, by - share * ay)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return 100 + width * height if width > 0 and height > 0 else 0.0
