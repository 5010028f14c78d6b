"""Every value of every image, one column a method: for whoever wants to look at the cases behind a mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.files.atomic import write_atomic
from fusionbench.files.csv_text import csv_text
from fusionbench.statistics.comparison import entrant_names

from ..scores.frames import tables_of
from ..scores.labels import ordered_entrants, slug

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput, ReportSpec


@dataclass(frozen=True)
class PerImageReport:
    """Built by the spec's factory; see ``fusionbench.contracts.report.Report``."""

    spec: ReportSpec

    def render(self, data: ReportInput, folder: Path) -> list[Path]:
        """Write ``per-image-<dataset>-<split>-<evaluator>-<convention>.csv``: metric, class_name, image,
        seed, one column a method at full precision, and ``reason`` (``method: why`` for values that are
        missing).
        """
        rows = data.rows[data.rows["image"] != ""]
        if not len(rows):
            return []
        rows = rows.assign(entrant=entrant_names(rows))
        files = []
        for key, group in tables_of(rows):
            index = ["metric", "class_name", "image", "seed"]
            wide = group.groupby([*index, "entrant"], sort=False)["value"].last().unstack("entrant")
            wide = wide[[entrant for entrant, _ in ordered_entrants(group, data.methods)]]
            bad = group[group["value"].isna()]
            why = (bad["entrant"] + ": " + bad["reason"].replace("", "no reason given")).groupby(
                [bad[c] for c in index]
            )
            wide["reason"] = why.agg("; ".join).reindex(wide.index).fillna("") if len(bad) else ""
            path = folder / f"{slug('per-image-' + '-'.join(key))}.csv"
            write_atomic(path, csv_text(wide.reset_index()).encode())
            files.append(path)
        return files


def build(spec: ReportSpec) -> PerImageReport:
    """The factory of ``spec.py``."""
    return PerImageReport(spec)
