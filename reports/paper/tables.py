"""The paper's Tables 1 to 4 as data: methods in its order, the published line and ours below it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from ..published import published_rows
from ..scores.frames import TABLE_KEY, groups_of, lines_of
from ..scores.labels import MISSING, REFERENCE_METHODS, entrant_title, format_value
from ..scores.summary import summary
from ..tables.paper_table import MEAN_OF_SIX, PAPER_CLASSES, six_classes
from ..tables.result_table import METRIC_ORDER, Mark, mark_best

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

CONVENTION = "cddfuse"
"""The convention that the paper's quality numbers are consistent with."""
TITLES = {"msrs": "MSRS", "m3fd": "M3FD", "llvip": "LLVIP", "roadscene": "RoadScene"}
SOURCE = "Zhang et al., SGDFuse, Table {}"
Score = tuple[str, str, str]
"""Dataset, metric and class."""


@dataclass(frozen=True)
class PaperLine:
    """One line: a method as published, or as measured here."""

    label: str
    kind: Literal["published", "measured"]
    cells: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables. ``groups`` are the headings that span columns, with how many each."""

    number: int
    caption: str
    groups: tuple[tuple[str, int], ...]
    headings: tuple[str, ...]
    lines: tuple[PaperLine, ...]
    notes: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()
    """Lines of the paper that have no measured line here."""


def paper_tables(data: ReportInput) -> list[PaperTable]:
    """Tables 1 to 4. A table of which nothing was measured stands with its published lines alone."""
    return [
        _quality_table(data, 1, ("msrs", "m3fd")),
        _quality_table(data, 2, ("llvip", "roadscene")),
        _quality_table(data, 3, ("msrs",)),
        *_segmentation_tables(data),
    ]


def paper_methods() -> list[str]:
    """The methods of Tables 1, 2 and 4, as the paper calls them, in its order."""
    rows = published_rows()
    return list(dict.fromkeys(rows.loc[rows["source"] == SOURCE.format(1), "method"]))


def _quality_table(data: ReportInput, number: int, datasets: Sequence[str]) -> PaperTable:
    rows = data.rows
    own = rows[
        rows["dataset"].isin(list(datasets))
        & (rows["evaluator"] == "quality")
        & (rows["convention"] == CONVENTION)
        & rows["metric"].isin(METRIC_ORDER)
        & ~rows["split"].str.startswith("train")
    ]
    columns: list[Score] = [(dataset, metric, "") for dataset in datasets for metric in METRIC_ORDER]
    digits = dict.fromkeys(columns, 2)
    measured, counts, notes = _measured(data, own, columns, digits)
    names = list(dict.fromkeys(_published(number)["method"]))
    others = number != 3  # of ablation variants, a table of its own
    lines, missing_names = _lines(data, number, names, columns, digits, measured, others=others)
    groups = tuple(
        (
            f"{TITLES[d]} ({_pairs(counts[d])})" if d in counts else f"{TITLES[d]} (not measured)",
            len(METRIC_ORDER),
        )
        for d in datasets
    )
    what = {
        1: "Quality on MSRS and M3FD",
        2: "Quality on LLVIP and RoadScene",
        3: "Variants of the four ablation studies, on MSRS",
    }[number]
    caption = f"{what}, convention {CONVENTION}."
    return PaperTable(
        number, caption, groups, tuple(METRIC_ORDER) * len(datasets), lines, tuple(notes), missing_names
    )


def _segmentation_tables(data: ReportInput) -> list[PaperTable]:
    """Table 4 for each segmentation protocol with its six classes on MSRS, or the published lines alone."""
    rows = data.rows
    own = rows[(rows["dataset"] == "msrs") & (rows["evaluator"] == "segmentation") & (rows["image"] == "")]
    columns: list[Score] = [("msrs", "IoU", c) for c in PAPER_CLASSES] + [("msrs", MEAN_OF_SIX.name, "")]
    digits = dict.fromkeys(columns, 3)
    headings = (*PAPER_CLASSES.values(), "mIoU")
    found = []
    for key, part in own.groupby(TABLE_KEY, sort=False):
        six = six_classes(part)
        if six is None:
            continue
        measured, _, notes = _measured(data, six, columns, digits)
        lines, missing_names = _lines(data, 4, paper_methods(), columns, digits, measured)
        caption = f"IoU of segmentation on MSRS ({key[1]}), six classes; ours by {key[3]}."
        notes = [
            "mIoU is the mean of these six classes, as in the paper.",
            "The paper states neither recipe nor split of its training, so its lines and ours can't be compared.",
            *notes,
        ]
        found.append(
            PaperTable(4, caption, ((str(key[3]), 7),), headings, lines, tuple(notes), missing_names)
        )
    if found:
        return found
    lines, missing_names = _lines(data, 4, paper_methods(), columns, digits, {})
    return [
        PaperTable(
            4,
            "IoU of segmentation on MSRS, six classes.",
            (("MSRS (not measured)", 7),),
            headings,
            lines,
            (),
            missing_names,
        )
    ]


def _published(number: int) -> pd.DataFrame:
    rows = published_rows()
    return rows[rows["source"] == SOURCE.format(number)]


def _measured(
    data: ReportInput, rows: pd.DataFrame, columns: Sequence[Score], digits: Mapping[Score, int]
) -> tuple[dict[tuple[str, str], dict[Score, float]], dict[str, int], list[str]]:
    """(entrant, method) → its scores; dataset → most images of a score; and notes on what differs in number."""
    lines = summary(rows)
    found: dict[tuple[str, str], dict[Score, float]] = {}
    counts: dict[str, int] = {}
    notes: list[str] = []
    for line in lines_of(lines):
        score = (str(line.dataset), str(line.metric), str(line.class_name))
        if score not in digits or line.method in REFERENCE_METHODS:
            continue
        found.setdefault((str(line.entrant), str(line.method)), {})[score] = float(line.mean)
        if line.unit == "image":
            counts[score[0]] = max(counts.get(score[0], 0), int(line.n))
    scored = lines[lines["unit"] == "image"]
    for (dataset, entrant, method), part in groups_of(scored, ["dataset", "entrant", "method"]):
        fewest = int(part["n"].min())
        if (entrant, method) in found and fewest < counts[dataset]:
            name = entrant_title(entrant, method, data.methods)
            notes.append(f"{name} on {TITLES[dataset]}: {fewest} of {counts[dataset]} pairs.")
    del columns
    return found, counts, notes


def _lines(
    data: ReportInput,
    number: int,
    names: Sequence[str],
    columns: Sequence[Score],
    digits: Mapping[Score, int],
    measured: Mapping[tuple[str, str], Mapping[Score, float]],
    *,
    others: bool = True,
) -> tuple[tuple[PaperLine, ...], tuple[str, ...]]:
    """The table's lines, and the methods of the paper that were not measured."""
    printed = _published(number)
    texts: list[tuple[str, Literal["published", "measured"], list[str], list[float]]] = []
    missing_names = []
    for name in names:
        own = printed[printed["method"] == name].set_index(["dataset", "metric", "class_name"])
        cells = [str(own["printed"].get(c, MISSING)) for c in columns]
        texts.append((f"{name} (published)", "published", cells, [_number(c) for c in cells]))
        ours = [key for key in measured if _published_name(data, key[1]) == name]
        texts += [_own_line(data, key, measured[key], columns, digits) for key in ours]
        if not ours:
            missing_names.append(name)
    if others:
        rest = [key for key in measured if _published_name(data, key[1]) not in names]
        texts += [_own_line(data, key, measured[key], columns, digits) for key in rest]
    marks = [[""] * len(columns) for _ in texts]
    for kind in ("published", "measured"):
        competes = [t[1] == kind for t in texts]
        for j in range(len(columns)):
            column = mark_best([t[2][j] for t in texts], [t[3][j] for t in texts], competes, "higher")
            for i, mark in enumerate(column):
                marks[i][j] = mark or marks[i][j]
    lines = tuple(
        PaperLine(label, kind, tuple(cells), tuple(mark))  # type: ignore[arg-type]
        for (label, kind, cells, _), mark in zip(texts, marks, strict=True)
    )
    return lines, tuple(missing_names)


def _own_line(
    data: ReportInput,
    key: tuple[str, str],
    scores: Mapping[Score, float],
    columns: Sequence[Score],
    digits: Mapping[Score, int],
) -> tuple[str, Literal["published", "measured"], list[str], list[float]]:
    values = [scores.get(c, math.nan) for c in columns]
    cells = [format_value(v, digits[c]) for v, c in zip(values, columns, strict=True)]
    return f"{entrant_title(*key, data.methods)} (ours)", "measured", cells, values


def _published_name(data: ReportInput, method: str) -> str:
    spec = data.methods.get(method)
    return (spec.published_as if spec is not None else None) or ""


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else math.nan


def _pairs(count: int) -> str:
    return f"{count} pair{'s' * (count != 1)}"
