"""What units of the downstream tasks leave for reports beside their rows: who judged them, on what, and the
tables and masks behind the figures.

Read from the folders that ``ReportInput.details`` names; nothing is computed here. A *judge* is the detector
or segmenter that looks at the fused images; a protocol with its judge is named in rows as
``<protocol>/<judge>@<hash8>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fusionbench.contracts.protocol_id import ProtocolId
from fusionbench.errors import StoreError

from .frames import TableKey, lines_of

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput


NEUTRAL = "mean of visible and infrared"
"""How evaluators call the input of a judge that no method's output was shown to."""
NEUTRAL_BIAS = (
    "Such a judge favours images that look like the mean of both sensors (Average most of all): that lead is"
    " no verdict"
)


@dataclass(frozen=True)
class Detail:
    """One unit's folder: one method, dataset, split, protocol and seed; ``about`` is its ``about.json``."""

    entrant: str
    method: str
    dataset: str
    split: str
    evaluator: str
    convention: str
    seed: int
    folder: Path
    about: Mapping[str, Any]

    @property
    def key(self) -> TableKey:
        """What ``summary.TABLE_KEY`` names."""
        return self.dataset, self.split, self.evaluator, self.convention

    @property
    def images(self) -> list[str]:
        """The images that were scored, sorted."""
        return sorted(map(str, self.about.get("images", ())))

    def has(self, name: str) -> bool:
        """Whether the unit left a table of that name."""
        return (self.folder / f"{name}.parquet").is_file()

    def table(self, name: str) -> pd.DataFrame:
        """A table that the unit left. Raises ``StoreError`` if it can't be read."""
        path = self.folder / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path}: can't be read ({error}); run again with --overwrite always to compute it again"
            ) from error


def details_of(data: ReportInput, evaluator: str | None = None) -> list[Detail]:
    """The details of the run's units (of one evaluator, if named), methods in the order of ``data.methods``.

    Units whose rows are not among ``data.rows`` are left out. Raises ``StoreError`` for a damaged
    ``about.json``.
    """
    if not len(data.details) or not len(data.rows):
        return []
    runs = data.rows.groupby("method")["run"].unique()
    found, seen = [], set[tuple[object, ...]]()
    for line in lines_of(data.details):
        if evaluator not in (None, line.evaluator) or line.method not in runs.index:
            continue
        folder = Path(str(line.folder))
        run = folder.parents[1].name
        if run not in runs[line.method]:
            continue
        about = _about(folder)
        if about is None:
            continue
        convention = f"{about['protocol']}/{about['judge']}@{about['hash8']}"
        entrant = str(line.method) if len(runs[line.method]) == 1 else f"{line.method}@{run}"
        identity = (entrant, line.dataset, line.split, line.evaluator, convention, line.seed)
        if identity in seen:  # several runs hold it: the first one's rows count
            continue
        seen.add(identity)
        found.append(
            Detail(
                entrant,
                str(line.method),
                str(line.dataset),
                str(line.split),
                str(line.evaluator),
                convention,
                int(line.seed),
                folder,
                about,
            )
        )
    rank = {name: i for i, name in enumerate(data.methods)}
    return sorted(found, key=lambda d: (rank.get(d.method, len(rank)), d.entrant, d.seed))


def _about(folder: Path) -> dict[str, Any] | None:
    path = folder / "about.json"
    if not path.is_file():
        return None
    try:
        about: dict[str, Any] = json.loads(path.read_text())
        missing = [k for k in ("protocol", "judge", "hash8", "images") if k not in about]
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: can't be read ({error}); run again with --overwrite always to compute it again"
        ) from error
    if missing:
        raise StoreError(f"{path}: has no {', '.join(missing)}; run again with --overwrite always")
    return about


def by_table(details: Iterable[Detail]) -> dict[TableKey, list[Detail]]:
    """Details grouped as tables are: one dataset, split, evaluator and convention each, in order."""
    groups: dict[TableKey, list[Detail]] = {}
    for detail in details:
        groups.setdefault(detail.key, []).append(detail)
    return groups


def protocol_of(convention: str) -> str:
    """The protocol's name in a convention: ``det-zeroshot`` of ``det-zeroshot/yolov8n@3fa9c1d2``."""
    return ProtocolId.parse(convention).name


def is_dev_only(convention: str, details: Iterable[Detail] = ()) -> bool:
    """Whether a protocol is for development only: by its name, or because its units say so."""
    return protocol_of(convention).endswith("devonly") or any(d.about.get("dev_only") for d in details)


def is_retrained(details: Iterable[Detail]) -> bool:
    """Whether every method of a table had a judge of its own (then a seed is a source of chance), by what its
    units say.
    """
    group = list(details)
    checkpoints = {str(d.about.get("judge_sha256") or "") for d in group}
    named = any("retrain" in protocol_of(d.convention) for d in group)
    return bool(group) and (
        named or checkpoints == {""} or len(checkpoints) > 1 or len({d.seed for d in group}) > 1
    )


def judge_notes(details: list[Detail], *, images: int | None = None) -> list[str]:
    """Footnotes of a table of a downstream task: protocol and judge, its hash and training, the images, the
    sensors.

    ``details`` are those of one table; ``images`` counts the scored images where no details say so.
    """
    notes = []
    if details:
        about = details[0].about
        sha = {str(d.about.get("judge_sha256") or "")[:12] for d in details}
        one = f"sha256 {sha.pop()}" if len(sha) == 1 and "" not in sha else ""
        if is_retrained(details):
            checkpoint = "retrained for each method and seed" + (f" from the checkpoint {one}" if one else "")
        else:
            checkpoint = f"checkpoint {one}" if one else "checkpoint not stated"
        notes.append(
            f"Protocol {about['protocol']}, judge {about['judge']} (recipe and judge hash {about['hash8']},"
            f" {checkpoint})"
        )
        training = str(about.get("judge_training") or "")
        if training:
            notes.append(f"Judge trained on: {training}")
            if NEUTRAL in training:
                notes.append(NEUTRAL_BIAS)
        elif not is_retrained(details):
            notes.append("The judge's training set is not stated by its evaluator")
        for reason in dict.fromkeys(str(d.about["dev_only"]) for d in details if d.about.get("dev_only")):
            notes.append(f"Development only: {reason}")
        left_out = {str(k): str(v) for d in details for k, v in (d.about.get("excluded") or {}).items()}
        if left_out:
            some = [v if k in v else f"{k}: {v}" for k, v in list(left_out.items())[:3]]
            more = [f"and {len(left_out) - 3} more (about.json)"] if len(left_out) > 3 else []
            count = f"{len(left_out)} labelled image{'s' * (len(left_out) > 1)} left out"
            notes.append(f"{count}: {'; '.join([*some, *more])}")
        counts = sorted({len(d.images) for d in details})
        images = counts[-1]
        if len(counts) > 1:
            notes.append(
                f"Methods were scored on different numbers of images ({', '.join(map(str, counts))})"
            )
    if images:
        notes.append(
            f"Over the whole set of {images} labelled image{'s' * (images != 1)}, not the mean of values of"
            " single images"
        )
    notes.append("Infrared only and visible only are always computed beside the methods")
    return notes


def class_names(detail: Detail, column: pd.Series) -> pd.Series:
    """A column of class ids or class names as names."""
    names = list(detail.about.get("classes", ()))
    if pd.api.types.is_numeric_dtype(column):
        return column.map(lambda i: names[int(i)] if 0 <= int(i) < len(names) else str(i))
    return column.astype(str)
