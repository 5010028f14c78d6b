"""What people call their files and methods: never acts on a terminal, never starts a formula, never loses a
letter.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionbench.errors import InputError, printable
from fusionbench.external.folder import label_name
from fusionbench.files.csv_text import csv_text
from fusionbench.reports.tables.latex import escape

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é, 方法, β, a\tb\n", "plain, é, 方法, β, a\tb\n"),
        ("a\x1b[31mb\x07\x9b", "a\\x1b[31mb\\x07\\x9b"),
        ("a\u202egnp.exe\u2066", "a\\u202egnp.exe\\u2066"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("a\u2028b\r", "a\\u2028b\\x0d"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert str(InputError(text)) == shown


def test_labels_as_names() -> None:
    assert [label_name(x) for x in ("TarDAL", "Ours (v2)", "方法一", "β-Fusion", "a_b.c")] == [
        "TarDAL",
        "Ours-v2",
        "方法一",
        "β-Fusion",
        "a_b.c",
    ]
    marked = [label_name(x) for x in ("TarDAL", "TarDAL*", "TarDAL†", "TarDAL'", "*", "†")]
    assert len(set(marked)) == 6
    assert marked[1].startswith("TarDAL-")
    assert label_name("TarDAL*") == marked[1]


def test_csv_cells_start_no_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "+a", "-a", "@SUM(A1)", " =1", "\t=1", "-1.5", "1e-3", "–", "a=b", ""]
    frame = pd.DataFrame({"=name": texts, "value": [-1.5, *[0.25] * 10]})
    rows = list(csv.reader(csv_text(frame).splitlines()))
    assert rows[0] == ["'=name", "value"]
    assert [r[0] for r in rows[1:]] == [
        "'=1+1",
        "'+a",
        "'-a",
        "'@SUM(A1)",
        "' =1",
        "'\t=1",
        "-1.5",
        "1e-3",
        "–",
        "a=b",
        "",
    ]
    assert [r[1] for r in rows[1:3]] == ["-1.5", "0.25"]


def test_score_with_hostile_names(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    for role in ("ir", "vi"):
        (pairs / role / "a.png").rename(pairs / role / "=1+1.png")
        shutil.copy(pairs / role / "b.png", os.fsdecode(os.fsencode(pairs / role) + b"/caf\xe9.png"))
        shutil.copy(pairs / role / "b.png", pairs / role / "x\x1b[2J.png")
    shutil.copytree(pairs / "vi", tmp_path / "m")
    labels = [f"{tmp_path / 'm'}:{label}" for label in ("=cmd", "[/red]", "\x1b]0;x\x07")]
    result = cli(
        "score",
        pairs / "ir",
        pairs / "vi",
        *labels,
        "--metrics",
        "EN",
        "--csv",
        "s.csv",
        "--per-image",
        "p.csv",
        "--latex",
        "s.tex",
    )
    assert result.code == 1
    for name in ("s.csv", "p.csv", "s.tex"):
        (result.out + result.err + Path(name).read_text()).encode()
        assert "\x1b" not in result.out + result.err + Path(name).read_text()
    assert "[/red]" in result.out
    assert "caf\\xe9" in result.err
    for name in ("s.csv", "p.csv"):
        with open(name, newline="") as file:
            for row in csv.reader(file):
                assert not any(cell.startswith(("=", "+", "@")) for cell in row)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Łukasz, Ştefan, ő, é", "Łukasz, Ştefan, ő, é"),
        ("e\u0301", "é"),
        ("β-Fusion Ωμέγα", r"$\beta$-Fusion $\Omega$$\mu$$\acute{\varepsilon}$$\gamma$$\alpha$"),
        ("Α", r"$\mathrm{A}$"),
        ("方", r"\anyletter{方}{U+65B9}"),
        ("Ж_1", r"\anyletter{Ж}{U+0416}\_1"),
    ],
)
def test_latex_keeps_every_letter(text: str, latex: str) -> None:
    assert escape(text) == latex


def test_latex_of_score_says_what_to_compile_with(cli: Cli, pairs: Path) -> None:
    names = ("方法一", "方法二", "β-Fusion", "Łukasz")
    result = cli(
        "score",
        pairs / "ir",
        pairs / "vi",
        *(f"{pairs / 'vi'}:{n}" for n in names),
        "--metrics",
        "EN",
        "--latex",
        "t.tex",
    )
    assert result.code == 0, result.err
    text = Path("t.tex").read_text()
    assert "?" not in text
    rows = [
        line.split(" & ")[0] for line in text.splitlines() if line.endswith(r"\\") and "Method" not in line
    ]
    assert len(set(rows)) == 4
    assert "compile with lualatex or xelatex" in text
    assert "t.tex: pdfLaTeX has no font for 方法一二" in result.err


DOCUMENT = r"""\documentclass{article}\usepackage{iftex}\usepackage{booktabs}\usepackage[table]{xcolor}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\else\usepackage{fontspec}\setmainfont{DejaVu Serif}\fi
\begin{document}
%s
\end{document}
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_any_name_compiles(tmp_path: Path, engine: str) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    if (
        engine == "lualatex"
        and not subprocess.run(["kpsewhich", "luaotfload-main.lua"], capture_output=True, check=False).stdout
    ):
        pytest.skip("luaotfload is not installed")
    from fusionbench.reports.tables.latex import latex_grid

    names = [*("αβγΩ Άέ", "ŁőŞ", "Жук"), *(("方法",) if engine == "pdflatex" else ())]
    grid = latex_grid(["Method", "EN"], [[n, "1.0"] for n in names], caption="Жук β", label="x")
    (tmp_path / "t.tex").write_text(DOCUMENT % grid)
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "t.log").read_text(errors="replace")


def test_folders_whose_names_are_no_utf8(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    """Paths that aren't UTF-8, or that YAML would read as something else, are paths like others."""
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9"))
    shutil.copytree(pairs, odd)
    shutil.copytree(pairs, "001")
    for root in (odd, Path("001")):
        result = cli("score", root / "ir", root / "vi", root / "vi", "--metrics", "EN", "--csv", "s.csv")
        assert result.code == 0, result.err
        result = cli(
            "run",
            "-m",
            "max",
            "-m",
            f"dir:{root / 'vi'}",
            "-d",
            "folder",
            "--data-root",
            root,
            "-t",
            "quality",
            "--metrics",
            "EN",
            "--out",
            root / "runs",
            "--report",
            "table",
        )
        assert result.code == 0, result.err
        assert cli("report", root / "runs/folder", "--report", "table").code == 0
        result = cli("fuse", root / "ir", root / "vi", "-m", "max", "-o", root / "out")
        assert result.code == 0, result.err
        assert len(list((root / "out").iterdir())) == 4


def test_options_of_a_folder_of_fused_images(cli: Cli, pairs: Path) -> None:
    import cv2
    import numpy as np

    from fusionbench.images.codec import read_image

    for path in (pairs / "vi").iterdir():
        (pairs / "f").mkdir(exist_ok=True)
        deep = read_image(path)[..., ::-1].astype(np.uint16) * 16
        assert cv2.imwrite(str(pairs / "f" / f"{path.stem}_mine.png"), deep)
    arguments = (
        "run",
        "-m",
        f"dir:{pairs / 'f'}:mine",
        "-d",
        "folder",
        "--data-root",
        pairs,
        "-t",
        "quality",
        "--metrics",
        "EN",
        "--report",
        "table",
    )
    named = ("--option", "mine.pattern={name}_mine")
    assert "give a pattern" in cli(*arguments).err
    result = cli(*arguments, *named)
    assert (result.code, "a sliver" in result.err) == (1, True)
    result = cli(*arguments, *named, "--option", "mine.bits=12")
    assert result.code == 0, result.err
    result = cli(*arguments, "--option", "mine.patern=x")
    assert "has no option 'patern'; it has pattern, bits, max_pixels" in result.err
