"""What of the paper a run does not have, and why."""

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
    missing_names: dict[str, list[str]] = {}
    for table in tables:
        for name in table.unmeasured:
            missing_names.setdefault(name, []).append(str(table.number))
    said = reasons(data)
    together: dict[tuple[str, str], list[str]] = {}
    for name, numbers in missing_names.items():
        where = f"Table{'s' * (len(set(numbers)) > 1)} {', '.join(dict.fromkeys(numbers))}"
        why = ABLATION if " w/o " in name else _why(name, said)
        together.setdefault((where, why), []).append(name)
    for (where, why), names in together.items():
        found.append(f"{', '.join(names)}: not measured in {where}" + (f" ({why})" if why else ""))
    for table in tables:
        for heading, _ in table.groups:
            if "not measured" in heading:
                found.append(f"Table {table.number}: nothing measured on {heading.partition(' (')[0]}")
    scored = set(data.rows.loc[data.rows["dataset"].isin(["msrs", ""]), "evaluator"])
    needs = {9: "efficiency", 10: "", 11: "detection", 12: "detection", 13: "segmentation"}
    for number, task in needs.items():
        if figures.get(number):
            continue
        reason = f"needs --task {task} on MSRS" if task else ABLATION
        if task in scored:
            reason = "could not be drawn; it needs the sources (--data-root), and at least two methods"
        found.append(f"Fig. {number}: {reason}")
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
            reason = text.partition(": ")[2].partition(". ")[0].rstrip(".")
            before, where, _ = reason.partition(
                " is not in "
            )  # the folders that were searched say nothing here
            return f"{before.rpartition(': ')[2]} is not there" if where else reason
    return ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
