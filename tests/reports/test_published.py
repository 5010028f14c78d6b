"""The transcription of the paper's tables, against the paper's own text where it is available."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from fusionbench.reports.published import published_beside, published_rows
from fusionbench.reports.scores.frames import lines_of

METRICS = ["EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf"]
CLASSES = ["background", "car", "person", "curve", "color_cone", "bike"]


def paper_lines(number: int) -> list[list[str]]:
    """The lines of one table of the paper, as text cells without markup."""
    root = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).parents[3] / "shared"))
    text = root / "paper" / "sgdfuse.md"
    if not text.is_file():
        pytest.skip(f"the paper's text is not available ({text})")
    after = text.read_text().split(f"**Table {number}**", 1)[1]
    block = re.search(r"(?:^[^\n]*\t[^\n]*\n)+", after, re.MULTILINE)
    assert block is not None
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in line.split("\t")] for line in block[0].splitlines()
    ]


def printed(number: int, dataset: str = "msrs") -> dict[tuple[str, str, str], str]:
    """(method, metric, class) → text of our transcription."""
    rows = published_rows()
    rows = rows[rows["source"].str.endswith(f"Table {number}") & (rows["dataset"] == dataset)]
    return {(r.method, r.metric, r.class_name): r.printed for r in lines_of(rows)}


def method_name(text: str) -> str:
    name = re.sub(r"\s*(\[\d+\]|\(Ours\))$", "", text).replace("HFAF", "HFAH")
    return {"Ours": "SGDFuse", "Ours method": "SGDFuse"}.get(name, name)


@pytest.mark.parametrize(("number", "datasets"), [(1, ("msrs", "m3fd")), (2, ("llvip", "roadscene"))])
def test_tables_1_and_2_are_as_printed(number: int, datasets: tuple[str, str]) -> None:
    lines = paper_lines(number)[2:]
    assert len(lines) == 14
    for half, dataset in enumerate(datasets):
        truth = {
            (method_name(line[0]), metric, ""): line[1 + 7 * half + j]
            for line in lines
            for j, metric in enumerate(METRICS)
        }
        assert printed(number, dataset) == truth


def test_table_3_is_as_printed() -> None:
    lines = [line for line in paper_lines(3)[1:] if line[1]]
    names = [f"SGDFuse {n}" if n.startswith("w/o") else n for n in (method_name(line[0]) for line in lines)]
    truth = {
        (n, m, ""): line[1 + j] for n, line in zip(names, lines, strict=True) for j, m in enumerate(METRICS)
    }
    assert len(truth) == 8 * 7
    assert printed(3) == truth


def test_table_4_is_as_printed_and_its_mean_is_over_six_classes() -> None:
    truth: dict[Any, Any] = {}
    for line in paper_lines(4)[1:]:
        values = line[1:7]
        truth |= {(method_name(line[0]), "IoU", c): v for c, v in zip(CLASSES, values, strict=True)}
        truth[method_name(line[0]), "mIoU6", ""] = line[7]
        assert float(line[7]) == pytest.approx(sum(map(float, values)) / 6, abs=0.0011)
    assert printed(4) == truth


def test_notes_name_what_contradicts_itself() -> None:
    rows = published_rows()
    vif = rows[(rows["method"] == "SGDFuse") & (rows["dataset"] == "msrs") & (rows["metric"] == "VIF")]
    assert sorted(vif["printed"]) == ["1.06", "1.08"]
    assert all("for the same method" in note for note in vif["note"])
    assert set(rows["convention"]) == {"published"}


def test_rows_are_shown_only_beside_their_own_dataset_split_and_convention() -> None:
    assert len(published_beside("msrs", "test", "quality", "cddfuse", set())) == 14 * 7
    assert len(published_beside("msrs", "test", "quality", "vifb", set())) == 0
    assert len(published_beside("msrs", "train", "quality", "cddfuse", set())) == 0
    assert len(published_beside("roadscene", "test50", "quality", "cddfuse", set())) == 14 * 7
    assert len(published_beside("roadscene", "train", "quality", "cddfuse", set())) == 0
    ablation = published_beside("msrs", "test", "quality", "cddfuse", {"SGDFuse w/o SAM"})
    assert set(ablation["source"]) == {"Zhang et al., SGDFuse, Table 3"}


def test_a_source_about_one_method_is_shown_beside_that_method_alone() -> None:
    beside = published_beside("msrs", "test", "quality", "cddfuse", {"SFDFusion"})
    own = beside[beside["source"] == "Hu et al., SFDFusion, poster"]
    assert dict(zip(own["metric"], own["printed"], strict=True)) == {
        "EN": "6.670",
        "SD": "43.197",
        "SF": "11.070",
        "VIF": "1.011",
        "Qabf": "0.680",
    }
    assert len(beside) == 14 * 7 + len(own)
    readme = published_beside("llvip", "test", "quality", "cddfuse", {"MMDRFuse"})
    assert set(readme["metric"][readme["method"] == "MMDRFuse"]) == {"SD", "SCD", "VIF", "Qabf"}
