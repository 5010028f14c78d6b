"""``fusionbench score``: tables, files, missing images, misuse, undefined values, several conventions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fusionbench.images.codec import read_image, write_png
from fusionbench.plugins import catalog

Cli = Callable[..., Any]


def test_score_folders(cli: Cli, pairs: Path) -> None:
    result = cli(
        "score",
        pairs / "ir",
        pairs / "vi",
        f"{pairs / 'vi'}:copy",
        f"{pairs / 'ir'}:thermal",
        "--metrics",
        "EN,SD",
        "--csv",
        "s.csv",
        "--latex",
        "s.tex",
        "--per-image",
        "p.csv",
    )
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
    reason = "the fused image is constant: CC is 0/0"
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
        "score",
        pairs / "ir",
        pairs / "vi",
        f"{pairs / 'vi'}:a",
        f"{pairs / 'ir'}:b",
        "--metrics",
        "MSE,CE",
        "--convention",
        "all",
        "--csv",
        "s.csv",
        "--latex",
        "s.tex",
    )
    assert result.code == 0, result.err
    named = [line.rsplit(" ", 1)[1] for line in result.out.splitlines() if "convention" in line]
    metrics = [catalog.metrics()[name] for name in ("MSE", "CE")]
    conventions = [c.name for c in catalog.evaluator_of_task("quality").conventions]
    defining = [c for c in conventions if any(c in m.conventions for m in metrics)]
    assert set(defining) < set(conventions)
    assert named == [f"{c}." for c in defining]  # those that define neither have no table
    csv = pd.read_csv("s.csv")  # one table in one file
    assert csv["convention"].unique().tolist() == defining
    assert len(csv) == 2 * sum(len(m.conventions) for m in metrics)
    assert Path("s.tex").read_text().count(r"\begin{table*}") == len(defining)


def test_two_fused_images_of_one_stem(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    import shutil

    fused = Path(shutil.copytree(pairs / "vi", tmp_path / "fused"))
    shutil.copy(fused / "a.png", fused / "a.bmp")
    result = cli("score", pairs / "ir", pairs / "vi", fused, "--metrics", "EN", "--json")
    assert "are both named a; remove one" in json.loads(result.out)["failures"]["fused"]["a"]


def renamed(folder: Path, form: str) -> Path:
    for path in sorted(folder.iterdir()):
        target = folder / form.format(path.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    return folder


def test_names_with_sensor_or_method(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    import shutil

    fused = tmp_path / "fused"
    fused.mkdir()
    for name in "abcd":
        for method in ("GFF", "Deep_Fuse"):
            shutil.copy(pairs / "vi" / f"{name}.png", fused / f"{name}_{method}.png")
    ir, vi = renamed(pairs / "ir", "{}_ir.png"), renamed(pairs / "vi", "{}_vis.png")
    result = cli("score", ir, vi, fused, "--metrics", "EN")
    assert result.code == 2
    assert "IR and VIS share no names" in result.err
    assert "--ir-pattern '{name}_ir' --vi-pattern '{name}_vis'" in result.err
    patterns = ("--ir-pattern", "{name}_ir", "--vi-pattern", "{name}_vis", "--metrics", "EN")
    result = cli("score", ir, vi, fused, *patterns)
    assert result.code == 2
    assert "is it --fused-pattern '{name}_{method}'?" in result.err
    result = cli("score", ir, vi, fused, *patterns, "--fused-pattern", "{name}_{method}", "--json")
    assert result.code == 0, result.err
    assert [m["method"] for m in json.loads(result.out)["means"]] == ["Deep_Fuse", "GFF"]
    result = cli("score", ir, vi, f"{fused}:GFF", *patterns, "--fused-pattern", "{name}_{method}", "--json")
    assert [m["method"] for m in json.loads(result.out)["means"]] == ["GFF"]


def test_sub_folders(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    ir, vi = renamed(pairs / "ir", "set00/{}/lwir/I1.png"), renamed(pairs / "vi", "set00/{}/visible/I1.png")
    fused = tmp_path / "fused"
    for name in "abcd":
        write_png(fused / f"set00/{name}/I1.png", read_image(vi / f"set00/{name}/visible/I1.png"))
    result = cli("score", ir, vi, fused, "--metrics", "EN")
    assert (
        result.code,
        "Images lie deeper, in set00/a/lwir: give --ir-pattern '{folder}/lwir/{name}'" in result.err,
    ) == (2, True)
    result = cli(
        "score",
        ir,
        vi,
        fused,
        "--metrics",
        "EN",
        "--ir-pattern",
        "{folder}/lwir/{name}",
        "--vi-pattern",
        "{folder}/visible/{name}",
        "--fused-pattern",
        "{folder}/{name}",
        "--json",
    )
    assert result.code == 0, result.err
    assert json.loads(result.out)["means"][0]["count"] == 4


def test_sixteen_bits_in_score(cli: Cli, pairs: Path) -> None:
    plain = cli("score", pairs / "ir", pairs / "vi", pairs / "vi", "--metrics", "EN,VIF", "--json")
    for path in (pairs / "ir").iterdir():
        deep = read_image(path).astype(np.uint16)
        assert cv2.imwrite(str(path), deep)
    result = cli("score", pairs / "ir", pairs / "vi", pairs / "vi", "--metrics", "EN,VIF")
    assert result.code != 0
    assert "a sliver of 0 to 65535" in result.err
    result = cli(
        "score", pairs / "ir", pairs / "vi", pairs / "vi", "--metrics", "EN,VIF", "--json", "--bits", "8"
    )
    assert result.code == 0, result.err
    assert json.loads(result.out)["means"] == json.loads(plain.out)["means"]


def test_one_bad_file_leaves_the_others_alone(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    import os
    import shutil

    fused = Path(shutil.copytree(pairs / "vi", tmp_path / "fused"))
    (fused / "b.png").unlink()
    os.mkfifo(fused / "b.png")
    (fused / "c.png").write_bytes((fused / "c.png").read_bytes()[:500])
    result = cli("score", pairs / "ir", pairs / "vi", fused, "--metrics", "EN", "--json")
    assert result.code == 1
    content = json.loads(result.out)
    assert content["means"][0]["count"] == 2
    assert "it is a FIFO" in content["failures"]["fused"]["b"]
    assert "truncated" in content["failures"]["fused"]["c"]


def test_labels_that_differ_by_a_mark_are_two(cli: Cli, pairs: Path) -> None:
    result = cli(
        "score",
        pairs / "ir",
        pairs / "vi",
        f"{pairs / 'vi'}:TarDAL",
        f"{pairs / 'ir'}:TarDAL*",
        "--metrics",
        "EN",
    )
    assert result.code == 0, result.err
    assert "TarDAL*" in result.out
    assert result.out.count("TarDAL") == 2
