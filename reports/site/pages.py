"""Writes the pages: templates, data files for the browser, styles and scripts.

No page loads anything from elsewhere.
"""

from __future__ import annotations

import dataclasses
import html
import importlib.resources
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.extras import require
from fusionbench.files.atomic import write_atomic

from .boards import Board, boards, column_key, heading
from .heat_maps import heat_maps
from .method_pages import STATUSES, run_command, scenes
from .names import plain, plain_of
from .previews import Gallery, galleries
from .provenance import anchor, sources

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput, ReportSpec

STATIC = (
    "site.css",
    "clipboard.js",
    "site.js",
    "copy.js",
    "provenance.js",
    "overlay.js",
    "figure.js",
    "browser.js",
    "charts.js",
)
VENDOR = (
    "chart.js",
    "chart.LICENSE.txt",
    "img-comparison-slider.js",
    "img-comparison-slider.css",
    "img-comparison-slider.LICENSE.txt",
)
DEFAULTS: Mapping[str, Any] = {"images": 60, "width": 640, "originals": False}
"""The report's options: how many images per split, the width of previews in pixels, PNG files instead of
previews.
"""


@dataclasses.dataclass(frozen=True)
class SiteReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write the site into ``folder`` and return its pages, the front page first.

        Raises ``MissingExtraError`` where Jinja2 is missing.
        """
        options = {**DEFAULTS, **{k: v for k, v in data.options.items() if k in DEFAULTS and v is not None}}
        found = boards(data)
        if not found:
            return []
        shown = galleries(
            data, folder, width=options["width"], images=options["images"], originals=options["originals"]
        )
        _copy_static(folder)
        write_atomic(folder / "data" / "boards.js", _script("boards", [_board_data(b) for b in found]))
        write_atomic(
            folder / "data" / "galleries.js", _script("galleries", [_gallery_data(g) for g in shown])
        )
        return _pages(data, found, shown, folder)


def build(spec: ReportSpec) -> SiteReport:
    """The factory of ``spec.py``."""
    return SiteReport(spec)


def _script(name: str, value: Any) -> bytes:
    """A value as a script that assigns it: pages opened from disk can't fetch JSON files.

    ``</`` and the line separators that end a script are escaped.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return f"window.FB=window.FB||{{}};FB.{name}={text};\n".encode()


def _board_data(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "dataset": board.dataset,
        "split": board.split,
        "evaluator": board.evaluator,
        "convention": board.convention,
        "protocol": board.protocol,
        "columns": [
            {"key": column_key(c), "heading": c.heading, "direction": c.direction, "digits": c.digits}
            for c in board.columns
        ],
        "entries": [
            {
                "entrant": e.entrant,
                "title": e.title,
                "kind": e.kind,
                "cells": [
                    {"v": c.value, "t": c.text, "low": c.low, "high": c.high, "i": c.interval}
                    for c in e.cells
                ],
            }
            for e in board.entries
        ],
        "images": board.images,
        "draws": {
            key: {name: [_rounded(v) for v in line] for name, line in found.items()}
            for key, found in board.draws.items()
        },
        "values": {
            key: {name: [_rounded(v) for v in line] for name, line in found.items()}
            for key, found in board.values.items()
        },
    }


def _rounded(value: float | None) -> float | None:
    """Six significant digits: enough to draw and sort."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _gallery_data(gallery: Gallery) -> dict[str, Any]:
    return {
        "name": gallery.name,
        "dataset": gallery.dataset,
        "split": gallery.split,
        "layers": [{"key": key, "title": title} for key, title in gallery.layers],
        "files": gallery.files,
        "boxes": gallery.boxes,
        "masks": gallery.masks,
        "errors": gallery.errors,
        "classes": gallery.classes,
    }


def _copy_static(folder: Path) -> None:
    here = importlib.resources.files(__package__)
    for room, names in (("static", STATIC), ("vendor", VENDOR)):
        for name in names:
            write_atomic(folder / "static" / name, here.joinpath(room, name).read_bytes())


def environment() -> Any:
    """The templates with their filters. Raises ``MissingExtraError`` where Jinja2 is missing."""
    jinja2 = require("jinja2", "the site")
    folder = str(importlib.resources.files(__package__).joinpath("templates"))
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(
        heading=heading,
        column_key=column_key,
        plain=plain,
        plain_of=plain_of,
        anchor=anchor,
        run_command=run_command,
        statuses=STATUSES,
    )
    markup = made.filters["safe"]  # turns escaped text into markup
    made.filters.update(
        is_web=lambda value: str(value).startswith(("https://", "http://")),
        is_doi=lambda value: bool(re.fullmatch(r"10\.\d{4,9}/[^\s<>\"]+", str(value))),
        with_code=lambda text: markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(text)))),
    )
    return made


def _notes(data: ReportInput) -> list[str]:
    """What the runs and the site lack, by the names of runs: a published page should not tell folders of a disk."""
    found = list(dict.fromkeys(data.notes))
    for name, fused in data.fused_dirs.items():
        found = [note.replace(f"{fused.parent}/", f"{name}/") for note in found]
    return found


def _pages(
    data: ReportInput,
    found: Sequence[Board],
    shown: Sequence[Gallery],
    folder: Path,
) -> list[Path]:
    templates = environment()
    methods = {name: spec for name, spec in data.methods.items() if name in set(data.rows["method"])}
    datasets = {name: spec for name, spec in data.datasets.items() if name in set(data.rows["dataset"])}
    common = {
        "boards": found,
        "galleries": shown,
        "methods": methods,
        "datasets": datasets,
        "run": data.run,
        "notes": _notes(data),
    }
    pages = []

    def write(path: str, template: str, **values: Any) -> None:
        root = "../" * path.count("/")
        text = templates.get_template(template).render(**common, **values, root=root)
        write_atomic(folder / path, text.encode())
        pages.append(folder / path)

    write("index.html", "index.html", page="leaderboard", disagree=any("disagree" in n for n in data.notes))
    write("images.html", "images.html", page="images")
    write("charts.html", "charts.html", page="charts", heat_maps=heat_maps(data, found))
    write("provenance.html", "provenance.html", page="provenance", sources=sources(data, found))
    for name, spec in methods.items():
        write(
            f"methods/{plain(name)}.html",
            "method.html",
            page="",
            name=name,
            spec=spec,
            rows=[(board, entry) for board in found for entry in board.entries if entry.method == name],
            scenes=scenes(found, shown, name),
        )
    for name, dataset in datasets.items():
        write(
            f"datasets/{plain(name)}.html",
            "dataset.html",
            page="",
            name=name,
            spec=dataset,
            own=[gallery for gallery in shown if gallery.dataset == name],
            seen=[
                (method, about)
                for method, about in methods.items()
                if any(place.partition(":")[0] == name for place in getattr(about, "trained_on", ()))
            ],
        )
    return pages
