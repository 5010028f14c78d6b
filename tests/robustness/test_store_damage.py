"""Damaged run folders: resuming heals them or says what to do; a report never leaves out a method silently,
and nothing gives a traceback.

By default a seeded sample of the kinds; ``make attack`` does all, and pairs of them.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionbench.contracts.evaluator import Value
from fusionbench.errors import FusionBenchError
from fusionbench.execution.runner import RunResult, execute
from fusionbench.planning.config import RunConfig
from fusionbench.rendering import find_runs, merged_input
from fusionbench.store.journal import Entry
from fusionbench.store.run_store import RunStore
from fusionbench.store.unit_id import UnitId
from tests.support.store_damage import kinds

SAMPLE = 45
PAIRS_OF_KINDS = int(os.environ.get("FUSIONBENCH_ATTACK", "0") or 0)
METHODS = ["max", "average"]
SET = UnitId("segmentation", "max", "folder", "all", "seg-frozen", 0, "feedfacefeedface")
ALL = dict(kinds())


@dataclass(frozen=True)
class Base:
    """A sound run folder to damage: ``max`` finished, ``average`` finished but for a journal of its last
    image.
    """

    folder: Path
    pairs: Path
    rows: pd.DataFrame
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, _rendered_pairs: Path) -> Base:
    root = tmp_path_factory.mktemp("base")
    pairs = root / "pairs"
    for side in ("ir", "vi"):
        (pairs / side).mkdir(parents=True)
        for name in "ab":
            shutil.copy(_rendered_pairs / side / f"{name}.png", pairs / side)
    folder = run(root, pairs).folder
    store = RunStore.open(folder)
    fused = {e.image: e.digest for e in store.entries(unit_of(store, "fuse--max")).values()}
    details = store.begin_details(SET)
    (details / "about.json").write_text(
        '{"protocol": "seg-frozen", "judge": "j", "hash8": "0", "images": ["a", "b"]}'
    )
    store.keep_details(SET)
    entries = [Entry("", "whole", [Value("mIoU", 0.5)])]
    store.finish(
        SET, entries, {"fuse": unit_of(store, "fuse--max").key, "scored": fused, "evaluator_version": 1}
    )
    store.close()
    store = RunStore.read_only(folder)
    rows = sorted_rows(store.rows())
    files = bytes_of(folder)
    for stem in (
        "fuse--average",
        "quality--average",
    ):  # a killed run left this behind: its entries are finished already
        unit = unit_of(store, stem)
        journal = store.journal(unit)
        journal.append(store.entries(unit)["b"])
        journal.close()
    (folder / ".lock").touch()
    return Base(folder, pairs, rows, files)


def unit_of(store: RunStore, beginning: str) -> UnitId:
    (manifest,) = store.manifests(f"{beginning}--*.json")
    return manifest.unit


def run(out: Path, pairs: Path, **settings: Any) -> RunResult:
    values: dict[str, Any] = {
        "method": METHODS,
        "dataset": ["folder"],
        "task": ["quality"],
        "metrics": ["EN"],
        "jobs": 1,
        "data_root": {"folder": pairs},
        "out": out,
        "name": "run",
        "device": "cpu",
        **settings,
    }
    return execute(RunConfig(**values), quiet=True)


def sorted_rows(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["method", "evaluator", "image", "metric", "value"]
    return rows[columns].sort_values(columns[:-1]).reset_index(drop=True)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The fused images and the image units' rows."""
    paths = [*(folder / "fused").rglob("*.png"), *(folder / "rows").glob("quality--*")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.is_file() and "mine" not in p.name}


def damaged(base: Base, out: Path, chosen: list[str], moment: random.Random) -> Path:
    folder = out / "run"
    shutil.copytree(base.folder, folder, symlinks=True)
    for name in chosen:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            # A second damage may find nothing to damage.
            ALL[name](folder, moment)
    return folder


def check_report(base: Base, folder: Path) -> None:
    """Everything is in the report, or a sentence names what isn't."""
    try:
        data = merged_input(find_runs([folder]))
    except FusionBenchError as error:
        assert_names_a_place(str(error), folder)
        return
    rows, said = sorted_rows(data.rows), "\n".join(data.notes)
    if not said:
        assert rows.equals(base.rows)
        return
    for note in data.notes:
        assert_names_a_place(note, folder)
    # Whatever is there is right; whatever is missing is named.
    joined = rows.merge(base.rows, how="outer", indicator=True)
    assert not (joined["_merge"] == "left_only").any(), f"a wrong number: {joined}"
    lost = joined[joined["_merge"] == "right_only"]
    for method, evaluator in lost[["method", "evaluator"]].drop_duplicates().itertuples(index=False):
        named = (f"{evaluator}--{method}", f"fuse--{method}", f"of {method} on folder")
        assert any(name in said for name in named), (method, evaluator, said)


def check_resume(base: Base, folder: Path) -> None:
    """Resuming gives the same bytes as ever, or one sentence that names a file."""
    try:
        result = run(folder.parent, base.pairs)
    except FusionBenchError as error:
        assert_names_a_place(str(error), folder)
        return
    if result.failures:
        text = str(result.failures)
        assert "Error" not in text, text
        assert_names_a_place(text, folder)
        return
    found = bytes_of(folder)
    assert {k: found.get(k) for k in base.files} == base.files
    data = merged_input(find_runs([folder]))
    rows = sorted_rows(data.rows)
    own = base.rows["evaluator"] == "quality"
    assert (
        rows[rows["evaluator"] == "quality"]
        .reset_index(drop=True)
        .equals(base.rows[own].reset_index(drop=True))
    )


def assert_names_a_place(text: str, folder: Path) -> None:
    places = (str(folder), "run.json", "units/", "rows/", "quality ", "segmentation ", "max on folder")
    assert any(place in text for place in places), f"names no file: {text}"
    assert "Traceback" not in text


def test_there_are_enough_kinds() -> None:
    assert len(ALL) >= 200


@pytest.mark.parametrize("check", [check_report, check_resume], ids=["report", "resume"])
def test_damaged_stores(
    check: Callable[[Base, Path], None],
    base: Base,
    seed: int,
    attack: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moment = random.Random(f"{seed} {check.__name__}")
    chosen = [[name] for name in ALL]
    if attack:
        chosen += [moment.sample(list(ALL), 2) for _ in range(PAIRS_OF_KINDS)]
    else:
        chosen = moment.sample(chosen, SAMPLE)
    wrong = []
    for number, names in enumerate(chosen):
        out = tmp_path / str(number)
        out.mkdir()
        try:
            check(base, damaged(base, out, names, random.Random(f"{seed} {number}")))
        except Exception as error:
            wrong.append(f"{' and '.join(names)}: {type(error).__name__}: {str(error)[:600]}")
        shutil.rmtree(out, ignore_errors=True)
    capsys.readouterr()
    assert not wrong, f"seed {seed}, {len(wrong)} of {len(chosen)}:\n" + "\n".join(wrong)


def test_an_undamaged_store_is_reported_whole(base: Base, tmp_path: Path) -> None:
    folder = damaged(base, tmp_path, [], random.Random(0))
    data = merged_input(find_runs([folder]))
    assert sorted_rows(data.rows).equals(base.rows)
    assert all("isn't finished" in note for note in data.notes)
    check_resume(base, folder)
    assert merged_input(find_runs([folder])).notes == []
