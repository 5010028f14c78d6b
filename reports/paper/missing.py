"""What of the paper a run lacks, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .tables import PaperTable

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

ABLATION = "needs the trained variants: `fusionbench ablate sgdfuse` trains and scores them"


def missing(
    data: ReportInput, tables: Sequence[PaperTable], figures: Mapping[int, Sequence[str]]
) -> list[str]:
    """Sentences: the lines of each table that were not measured, the figures that could not be drawn, and the reasons
    that the run noted."""
    found = []
    lacking: dict[str, list[str]] = {}
    for table in tables:
        for name in table.unmeasured:
            lacking.setdefault(name, []).append(str(table.number))
    said = reasons(data)
    for name, numbers in lacking.items():
        where = f"Table{'s' * (len(set(numbers)) > 1)} {', '.join(dict.fromkeys(numbers))}"
        why = ABLATION if " w/o " in name else _why(name, said)
        found.append(f"{name}: not measured in {where}" + (f" ({why})" if why else ""))
    for table in tables:
        for heading, _ in table.groups:
            if "not measured" in heading:
                found.append(f"Table {table.number}: nothing measured on {heading.partition(' (')[0]}")
    needed = {
        9: "needs --task efficiency and a score of at least two methods on MSRS",
        10: ABLATION,
        11: "needs --task detection on MSRS",
        12: "needs --task detection on MSRS",
        13: "needs --task segmentation on MSRS",
    }
    found += [f"Fig. {number}: {needed[number]}" for number in needed if not figures.get(number)]
    return found


def reasons(data: ReportInput) -> list[str]:
    """What the run's invocations left out, each once."""
    runs: Iterable[Mapping[str, Any]] = [data.run, *data.run.get("merged", {}).values()]
    invocations = [i for run in runs for i in run.get("invocations", [])]
    return list(dict.fromkeys(text for i in invocations for text in i.get("skipped", [])))


def _why(name: str, said: Sequence[str]) -> str:
    """The reason noted for a method: its plain name differs from the paper's in case and hyphens alone."""
    for text in said:
        if _plain(text.partition(":")[0]) == _plain(name):
            reason = text.partition(": ")[2]
            return reason.partition(". ")[0].rstrip(".")
    return ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
