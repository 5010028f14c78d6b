"""What stands around a table: its caption and its footnotes, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusionbench.statistics.comparison import entrant_names

from ..scores.details import Detail, is_dev_only, is_retrained, judge_notes
from ..scores.frames import TableKey, lines_of

if TYPE_CHECKING:
    from fusionbench.contracts.method import MethodSpec
    from fusionbench.contracts.report import ReportInput


def caption(data: ReportInput, key: TableKey, lines: pd.DataFrame, details: list[Detail]) -> str:
    """What a table is: task, dataset, split, number of pairs, convention or protocol, run and commit."""
    dataset, split, evaluator, convention = key
    count = scored_images(data, key, details)
    title = data.datasets[dataset].title if dataset in data.datasets else dataset
    what = evaluator.replace("-", " ").capitalize()
    place = f"{title} ({split}" + (f", n = {count} pairs)" if count else ")")
    parts = [f"{what} on {place}" if dataset else what]
    word = {"quality": "convention", "efficiency": "measured on"}.get(evaluator, "protocol")
    parts.append(f"{word} {convention}" if convention else "no convention named")
    seeds = lines.loc[(lines["unit"] == "seed") & (lines["n"] > 0), "n"]
    if len(seeds) and seeds.max() > 1:
        several = (
            f"{int(seeds.max())}"
            if seeds.min() == seeds.max()
            else f"{int(seeds.min())} to {int(seeds.max())}"
        )
        parts.append(f"mean of {several} seeds ± half its 95 % interval")
    text = ", ".join(parts) + "."
    if is_dev_only(convention, details):
        text = f"Development only, not the standard protocol: {text}"
    commit = commit_of(data.run)
    return f"{text} fusionbench commit {commit}." if commit else text


def scored_images(data: ReportInput, key: TableKey, details: list[Detail]) -> int:
    """How many images the scores of a table are about: those its units name, else those of its rows, else the
    dataset's.
    """
    if details:
        return max(len(d.images) for d in details)
    dataset, split, evaluator, _ = key
    rows = data.rows[data.rows["image"] != ""]
    rows = rows[(rows["dataset"] == dataset) & (rows["split"] == split)]
    own = rows[rows["evaluator"] == evaluator]
    return int((own if len(own) else rows)["image"].nunique())


def task_notes(details: list[Detail], lines: pd.DataFrame, *, images: int) -> list[str]:
    """The footnotes of a downstream task: protocol, judge, training, images, sensors, and what one seed is
    worth.
    """
    notes = judge_notes(details, images=images)
    if is_retrained(details) and (lines.loc[lines["unit"] == "seed", "n"] <= 1).any():
        notes.append("One seed: its spread is unknown, so small differences prove nothing")
    return notes


def contamination(spec: MethodSpec | None, dataset: str, split: str) -> tuple[str, str]:
    """The mark and footnote for a method that has seen the data it is tested on: †, ‡ or nothing.

    ``trained_on`` entries read ``dataset:split``, or ``dataset`` alone where the authors don't say which
    part.
    """
    trained = {name.partition(":")[::2] for name in spec.trained_on} if spec else set()
    if (dataset, split) in trained or (dataset, "") in trained:
        return "†", "† trained on these test images, or on this dataset without saying which part"
    if any(name == dataset for name, _ in trained):
        return "‡", "‡ trained on another part of this dataset (in-domain)"
    return "", ""


def exclusion_notes(lines: pd.DataFrame, methods: Mapping[str, MethodSpec]) -> list[str]:
    """What was left out of the means, by name; many alike are counted, and the CSV names them all.

    Methods of which the same is to be said share a note.
    """
    notes: dict[str, list[str]] = {}
    for line in lines_of(lines[lines["n_excluded"] > 0]):
        title = methods[line.method].title if line.method in methods else line.entrant
        alike: dict[str, list[str]] = {}
        for name, reason in line.excluded:
            alike.setdefault(reason, []).append(name)
        if line.n == 0 and len(alike) == 1:
            said = next(iter(alike))
        else:
            said = "; ".join(
                f"{_listed(names)}{' (see the CSV)' if len(names) > 3 else ''}: {reason}"
                for reason, names in alike.items()
            )
        score = f"{line.metric} {line.class_name}".strip()
        note = f"{score}: {line.n_excluded} left out of {line.n + line.n_excluded}: {said}"
        notes.setdefault(note, []).append(title)
    return [f"{_and(titles)}, {note}" for note, titles in notes.items()]


def missing_notes(data: ReportInput, key: TableKey, lines: pd.DataFrame) -> list[str]:
    """Which methods have no rows of some images that others of the table have: their means are about fewer
    images.
    """
    rows = data.rows.assign(entrant=entrant_names(data.rows))
    for column, value in zip(("dataset", "split", "evaluator", "convention"), key, strict=True):
        rows = rows[rows[column] == value]
    of_images = lines.loc[lines["unit"] == "image", "entrant"]
    rows = rows[(rows["image"] != "") & rows["entrant"].isin(of_images)]
    every = list(dict.fromkeys(rows["image"]))
    notes: dict[str, list[str]] = {}
    for (entrant, method), own in rows.groupby(["entrant", "method"], sort=False):
        missing = sorted(set(every) - set(own["image"]))
        if missing:
            title = data.methods[str(method)].title if method in data.methods else str(entrant)
            note = f"only {len(every) - len(missing)} of {len(every)} pairs, without {_listed(missing)}"
            notes.setdefault(note, []).append(title)
    return [f"{_and(titles)}: {note}" for note, titles in notes.items()]


def _listed(names: Sequence[str]) -> str:
    """The first three names, and how many more."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _and(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))


def published_notes(rows: pd.DataFrame) -> list[str]:
    sources = list(dict.fromkeys(rows["source"]))
    notes = [f"published: printed in {', '.join(sources)}; not measured here, not marked"] if sources else []
    for text in dict.fromkeys(part for note in rows["note"] for part in note.split("; ") if part):
        said = rows[rows["note"].str.split("; ").map(lambda parts, text=text: text in parts)]
        scores = ", ".join(dict.fromkeys(said["metric"]))
        whom = ", ".join(dict.fromkeys(said["method"]))
        notes.append(f"published: {text}" + ("" if len(said) > len(rows) / 2 else f" ({whom}: {scores})"))
    return notes


def commit_of(run: Mapping[str, Any]) -> str:
    """The commit (or, if it was resumed under others, commits) that a run file names, "" where unknown."""
    origins = [invocation.get("provenance") for invocation in run.get("invocations") or [run]]
    return ", ".join(dict.fromkeys(o["commit"] for o in origins if o and o.get("commit")))
