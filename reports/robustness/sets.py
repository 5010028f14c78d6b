"""The units of tasks behind whole-set scores of corrupted pairs, and which of those may be compared with clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from fusionbench.contracts.rows import DETAIL_COLUMNS

from ..scores.details import Detail, details_of
from ..scores.frames import groups_of
from .ranking import Cell

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

Units = list[tuple[Detail, Cell | None]]


def units_of(data: ReportInput) -> Units:
    """All units of tasks that left details: with None those of clean pairs, else with the corruption and severity."""
    found: Units = [(detail, None) for detail in details_of(data)]
    left = data.corrupted_details
    for place, part in groups_of(left, ["corruption", "severity"]):
        corruption, severity = str(place[0]), int(place[1])
        rows = data.corrupted
        own = rows[(rows["corruption"] == corruption) & (rows["severity"] == severity)]
        seen = replace(data, rows=own, details=part[list(DETAIL_COLUMNS)])
        found += [(detail, (corruption, severity)) for detail in details_of(seen)]
    return found


def comparable(
    corrupted: pd.DataFrame, units: Sequence[tuple[Detail, Cell | None]], notes: list[str]
) -> pd.DataFrame:
    """Rows of corrupted pairs without whole-set scores of other images than the clean ones; ``notes`` says which.

    (A time offset leaves out the pairs that have no frame so far away.)
    """
    clean = {(d.method, *d.key, d.seed): d.images for d, cell in units if cell is None}
    strange: set[tuple[object, ...]] = set()
    for detail, cell in units:
        images = clean.get((detail.method, *detail.key, detail.seed))
        if cell is None or images is None or images == detail.images:
            continue
        strange.add((detail.method, *detail.key, detail.seed, *cell))
        notes.append(
            f"{detail.evaluator} of {cell[0]}:{cell[1]}: left out of the robustness report, it was scored on "
            f"{len(detail.images)} images and the clean pairs on {len(images)}"
        )
    if not strange:
        return corrupted
    columns = ["method", "dataset", "split", "evaluator", "convention", "seed", "corruption", "severity"]
    whole = corrupted["image"] == ""
    other = [key in strange for key in corrupted[columns].itertuples(index=False, name=None)]
    return corrupted[~(whole & pd.Series(other, index=corrupted.index))]
