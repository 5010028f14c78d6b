"""``fusionbench score``: tables, files, missing images, misuse, undefined values, several conventions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusionbench.images.codec import read_image, write_png

Cli = Callable[..., Any]


def test_score_folders(cli: Cli, pairs: Path) -> None:
    result = cli("score", pairs / "ir", pairs / "vi", f"{pairs / 'vi'}:copy", f"{pairs / 'ir'}:thermal", "--metrics", "EN,SD",
                 "--csv", "s.csv", "--latex", "s.tex", "--per-image", "p.csv")  # fmt: skip
    assert result.code == 0, result.err
    assert "copy" in result.out
    assert "thermal" in result.out
    assert "copy" in Path("s.csv").read_text()
    assert "\\begin{tabular" in Path("s.tex").read_text()
    lines = Path("p.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 2 * 4


def test_score_reports_missing_images_by_name(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    fused = tmp_path / "fused"
    for name in "abd":
        write_png(fused / f"{name}.png", read_image(pairs / "vi" / f"{name}.png"))
    write_png(fused / "d.png", read_image(pairs / "vi" / "d.png")[:-1])
    result = cli("score", pairs / "ir", pairs / "vi", fused, "--metrics", "EN", "--json")
    assert result.code == 1
    content = json.loads(result.out)
    assert list(content["failures"]["fused"]) == ["c", "d"]
    assert "its sources are 96×80" in content["failures"]["fused"]["d"]
    assert "2 left out: c, d" in result.err


def test_score_says_which_argument_is_wrong(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    empty, renamed = tmp_path / "empty", tmp_path / "renamed"
    empty.mkdir()
    write_png(renamed / "a_fused.png", read_image(pairs / "vi/a.png"))
    ir, vi = pairs / "ir", pairs / "vi"
    cases: list[tuple[list[Any], str]] = [
        ([ir, vi, "nowhere"], "FUSED nowhere: there is no folder nowhere"),
        ([ir, vi, vi / "a.png"], "is a file, not a folder"),
        (["nowhere", vi, vi], "IR: there is no folder nowhere"),
        ([ir, empty, vi], f"VIS: {empty} holds no images"),
        ([ir / "a.png", vi, vi], f"IR: {ir / 'a.png'} is a file; score takes folders"),
        ([ir, vi, empty], "it holds no images; the pairs are a, b, c …"),
        ([ir, vi, vi, renamed], "no image in it is named like a pair: it holds a_fused"),
        ([ir, vi, vi, "--metrics", "Qcb"], "Qcb: convention cddfuse does not define it; it is in: vifb"),
        ([ir, vi, vi, "--images", "a,x"], "no image called 'x'; there are 4: a, b, c …"),
        ([ir, vi, vi, "--csv", empty], f"--csv {empty}: is a folder"),
    ]
    for arguments, message in cases:
        result = cli("score", *arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert "--method" not in result.err


def test_score_shows_nan_with_its_reason_everywhere(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    for name in "ab":
        write_png(flat / f"{name}.png", np.full((80, 96), 7, np.uint8))
    write_png(flat / "c.png", read_image(pairs / "vi/c.png"))
    arguments = ("score", pairs / "ir", pairs / "vi", flat, "--metrics", "CC,EN,Qcb")
    result = cli(*arguments, "--json", "--csv", "s.csv")
    content = json.loads(result.out, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    cc, en = content["means"]
    reason = "constant fused image: CC is 0/0"
    assert cc["excluded"] == [{"image": "a", "reason": reason}, {"image": "b", "reason": reason}]
    assert (cc["count"], en["count"]) == (1, 3)
    assert "excluded" not in en
    assert content["skipped"] == [
        "Qcb: convention cddfuse does not define it; it is in: vifb, vifb-corrected, mefb, corrected"
    ]
    assert f"a: {reason}; b: {reason}" in Path("s.csv").read_text()
    result = cli(*arguments, "--images", "a,b", "--json")
    cc = json.loads(result.out)["means"][0]
    assert (cc["mean"], cc["count"], cc["reason"]) == (None, 0, reason)
    result = cli(*arguments)
    assert f"flat, CC: 2 left out of 3: a, b: {reason}" in result.out
    assert "flat: only 3 of 4" not in result.out  # no other method has more
    assert "1 left out: d" in result.err


def test_score_tables_of_several_conventions(cli: Cli, pairs: Path) -> None:
    result = cli(
        "score", pairs / "ir", pairs / "vi", f"{pairs / 'vi'}:a", f"{pairs / 'ir'}:b",
        "--metrics", "MSE,CE", "--convention", "all", "--csv", "s.csv", "--latex", "s.tex",
    )  # fmt: skip
    assert result.code == 0, result.err
    named = [line.rsplit(" ", 1)[1] for line in result.out.splitlines() if "convention" in line]
    defining = ["cddfuse", "cddfuse-f64", "linfeng", "linfeng-legacy", "vifb", "vifb-corrected", "corrected"]
    assert named == [f"{c}." for c in defining]  # those that define neither have no table
    csv = pd.read_csv("s.csv")  # one table in one file
    assert csv["convention"].unique().tolist() == defining
    assert len(csv) == 2 * (len(defining) + 1)
    assert Path("s.tex").read_text().count(r"\begin{table*}") == len(defining)


def test_two_fused_images_of_one_stem(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    import shutil

    fused = Path(shutil.copytree(pairs / "vi", tmp_path / "fused"))
    shutil.copy(fused / "a.png", fused / "a.bmp")
    result = cli("score", pairs / "ir", pairs / "vi", fused, "--metrics", "EN", "--json")
    assert "are both named a; remove one" in json.loads(result.out)["failures"]["fused"]["a"]
