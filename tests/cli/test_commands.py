"""Every command of the command line, in this process: exit codes, JSON, and what is said about misuse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from fusionbench.images import read_image, write_png

Cli = Callable[..., Any]
KINDS = ("methods", "datasets", "metrics", "conventions", "protocols", "tasks", "reports")
HEAVY = ("torch", "cv2", "numpy", "pandas", "scipy", "numba", "matplotlib", "pyarrow")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with an empty cache."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)


@pytest.fixture
def run(cli: Cli, pairs: Path) -> Cli:
    """``run("--method", …)``: quality (EN, SD) of the pair folder, with the table report."""

    def call(*arguments: object) -> Any:
        return cli(
            "run", "--dataset", "folder", "--data-root", f"folder={pairs}", "--task", "quality", "--metrics", "EN,SD", "--report", "table",
            "--device", "cpu", *arguments,
        )  # fmt: skip

    return call


# Quick commands stay quick


def test_looking_things_up_imports_nothing_heavy() -> None:
    """One process does them all; the imports of each are those of the one before it and its own."""
    commands = [
        ["--help"],
        ["run", "--help"],
        *(["list", k] for k in KINDS),
        ["info", "sgdfuse"],
        ["info", "metric", "VIF"],
    ]
    code = f"""
import contextlib, io, sys
from fusionbench.cli import main
for arguments in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main(arguments)
        except SystemExit as stopped:
            assert not stopped.code, (arguments, stopped.code)
    assert len(out.getvalue()) > 20, arguments
    heavy = [m for m in {HEAVY!r} if m in sys.modules]
    assert not heavy, (arguments, heavy)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_json_on_demand(cli: Cli, kind: str) -> None:
    rows = json.loads(cli("list", kind, "--json").out)
    assert rows
    assert all(row["name"] for row in rows)


@pytest.mark.parametrize("name", ["sgdfuse", "demo", "VIF", "cddfuse", "quality", "table"])
def test_info(cli: Cli, name: str) -> None:
    result = cli("info", name)
    assert result.code == 0
    assert name.lower() in result.out.lower()


def test_version(cli: Cli) -> None:
    from fusionbench import __version__

    assert cli("--version").out.strip() == __version__


# Misuse: exit code 2, and what to do


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--method", "laplacain"], ["no method called 'laplacain'", "'laplacian'"]),
        (["run", "--method", "zz*"], ["no method matches 'zz*'"]),
        (["run", "--method", "max", "--dataset", "dmeo"], ["no dataset called 'dmeo'", "'demo'"]),
        (["run", "--method", "max", "--split", "tset"], ["--split tset", "test, train"]),
        (["run", "--method", "max", "--metrics", "VIFF2"], ["no metric called 'VIFF2'", "'VIF'"]),
        (["run", "--method", "max", "--convention", "cddfus"], ["no convention called 'cddfus'", "'cddfuse'"]),
        (["run", "--method", "max", "--task", "qualty"], ["no task called 'qualty'", "'quality'"]),
        (["run", "--method", "max", "--report", "tabel"], ["no report called 'tabel'", "'table'"]),
        (["run", "--method", "max", "--images", "99999D"], ["no image called '99999D'"]),
        (["run", "--method", "max", "--device", "cuda:99"], ["--device cuda:99", "PyTorch sees"]),
        (["run", "--method", "max", "--device", "gpu"], ["--device gpu", "expected auto, cpu, cuda"]),
        (["run", "--method", "max", "--precision", "fp8"], ["precision", "bf16"]),
        (["run", "--method", "max", "--limit", "0"], ["limit", "greater than 0"]),
        (["run", "--method", "max", "--option", "count=1"], ["expected NAME.KEY=VALUE"]),
        (["run", "--method", "max", "--option", "demo.size=1x1"], ["demo option size='1x1'"]),
        (["run", "--method", "max", "--dataset", "msrs", "--data-root", "nowhere"], ["nowhere is not there", "data where msrs"]),
        (["run", "--method", "max", "--config", "absent.yaml"], ["--config absent.yaml: can't be read"]),
        (["run", "--method", "mine.py:Class"], ["there is no file mine.py"]),
        (["run", "--method", "dir:nowhere"], ["there is no folder nowhere"]),
        (["run", "--method", "max", "--limt", "3"], ["No such option: --limt"]),
        (["run"], ["no method given"]),
        (["list", "metods"], ["'methods'"]),
        (["info", "VIFF2"], ["called 'VIFF2'"]),
        (["report", "nowhere"], ["there is no run 'nowhere'", "fusionbench run"]),
        (["compare", "nowhere"], ["there is no run 'nowhere'"]),
        (["fuse", "one.png"], ["two folders or two files"]),
        (["score", "ir", "vi", "fused"], ["ir"]),
        (["data", "where", "mrss"], ["no dataset called 'mrss'", "'msrs'"]),
        (["weights", "where", "sgdfus"], ["sgdfuse"]),
        (["nonsense"], ["nonsense"]),
    ],
)  # fmt: skip
def test_misuse(cli: Cli, arguments: list[str], words: list[str]) -> None:
    result = cli(*arguments)
    assert result.code == 2, result
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err
    assert not list(Path().glob("runs/*/fused"))


# run


def test_run_prints_the_table_and_keeps_everything(run: Cli) -> None:
    result = run("--method", "max,average")
    assert result.code == 0, result.err
    assert "Maximum" in result.out
    assert "8 images fused, 8 scored" in result.out
    assert Path("runs/folder/run.json").is_file()
    assert len(list(Path("runs/folder/fused").rglob("*.png"))) == 8
    assert list(Path("runs/folder/report").glob("*.tex"))
    again = run("--method", "max,average")
    assert "0 images fused, 0 scored" in again.out


def test_json(run: Cli) -> None:
    result = run("--method", "max", "--json")
    content = json.loads(result.out)
    assert content["fused"] == content["scored"] == 4
    assert {m["metric"] for m in content["means"]} == {"EN", "SD"}
    assert all(m["count"] == 4 for m in content["means"])


def test_dry_run_does_nothing(run: Cli) -> None:
    content = json.loads(run("--method", "max", "--dry-run", "--json").out)
    assert [(u["unit"], u["images"], u["cached"]) for u in content["units"]] == [
        ("fuse", 4, 0),
        ("quality", 4, 0),
    ]
    assert not Path("runs").exists()
    run("--method", "max", "--images", "a,b", "--quiet")
    content = json.loads(run("--method", "max", "--dry-run", "--json").out)
    assert [u["cached"] for u in content["units"]] == [2, 2]


def test_dry_run_lists_what_is_missing(cli: Cli) -> None:
    result = cli("run", "--method", "max,cddfuse", "--dataset", "demo,msrs", "--task", "quality", "--dry-run")
    assert result.code == 0
    assert "missing: cddfuse:" in result.out
    assert "missing: msrs:" in result.out


def test_quiet_says_nothing_but_failures(run: Cli, pairs: Path) -> None:
    result = run("--method", "max", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    (pairs / "vi" / "b.png").write_bytes(b"")
    result = run("--method", "average", "--quiet")
    assert (result.code, result.out) == (1, "")
    assert "b.png: the file is empty" in result.err


def test_fail_fast(run: Cli, pairs: Path) -> None:
    (pairs / "vi" / "b.png").write_bytes(b"")
    result = run("--method", "max", "--fail-fast")
    assert result.code == 2
    assert "b.png: the file is empty" in result.err
    assert "Traceback" not in result.err


def test_config_goes_there_and_back(cli: Cli, run: Cli, pairs: Path) -> None:
    flags = [
        "--method",
        "max",
        "--dataset",
        "folder",
        "--data-root",
        f"folder={pairs}",
        "--task",
        "quality",
        "--metrics",
        "EN",
        "--limit",
        "2",
    ]
    text = cli("config", *flags).out
    assert yaml.safe_load(text)["data_root"] == {"folder": str(pairs)}
    Path("run.yaml").write_text(text)
    result = cli("run", "--config", "run.yaml", "--report", "table", "--json")
    assert json.loads(result.out)["fused"] == 2
    assert cli("config", "--config", "run.yaml").out == text


def test_missing_weights_say_how_to_get_them(cli: Cli) -> None:
    result = cli("run", "--method", "cddfuse")
    assert result.code == 2
    assert "Put it at" in result.err
    assert "sha256" in result.err or "hash-object" in result.err


def test_wrong_checkpoints_are_refused(cli: Cli, tmp_path: Path) -> None:
    from fusionbench import catalog

    artifact = next(a for a in catalog.methods.get("cddfuse").artifacts if not a.optional)
    file = tmp_path / "cache" / "weights" / artifact.filename
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a checkpoint")
    result = cli("run", "--method", "cddfuse")
    assert result.code == 2
    assert "found, but not the right file" in result.err
    assert str(file) in result.err
    verified = cli("weights", "verify", "cddfuse")
    assert verified.code == 1
    assert "WRONG" in verified.out


# fuse


def test_fuse_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max", "--out", "fused.png")
    assert (result.code, result.out.strip()) == (0, "fused.png")
    assert read_image("fused.png").shape == (80, 96, 3)
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max,average", "--out", "many")
    assert sorted(p.name for p in Path("many").iterdir()) == ["a-average.png", "a-max.png"]


def test_fuse_two_folders_gives_the_pixels_of_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "laplacian")
    assert result.code == 0, result.err
    cli("fuse", pairs / "ir/c.png", pairs / "vi/c.png", "--method", "laplacian", "--out", "c.png")
    assert np.array_equal(read_image("runs/folder/fused/laplacian/folder/all/c.png"), read_image("c.png"))


# info


def test_info_prints_all_that_is_known_of_each_metric(cli: Cli) -> None:
    from fusionbench.catalog import evaluator_of_task

    for metric in evaluator_of_task("quality").metrics:
        text = cli("info", "metric", metric.name).out
        for part in (metric.formula, metric.source, *metric.pitfalls, metric.value_range):
            assert part in text, (metric.name, part)
        for convention, note in metric.conventions.items():
            assert f"    {convention}: {note}" in text
        for case, said in metric.constant.items():
            assert f"    {case}: {said}" in text
        assert f"{metric.direction} is better" in text
        assert f"minimum size: {metric.minimum_size}×{metric.minimum_size} px" in text
        assert f"differentiable: {'yes' if metric.differentiable else 'no'}" in text


# score, report, compare


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


def test_report_and_compare(cli: Cli, run: Cli) -> None:
    run("--method", "max,average,laplacian", "--quiet")
    result = cli("report", "folder", "--report", "table", "--out", "again")
    assert result.code == 0, result.err
    assert list(Path("again").glob("*.csv"))
    result = cli("compare", "folder", "--baseline", "max", "--metrics", "EN")
    assert result.code == 0, result.err
    assert "Average" in result.out or "average" in result.out
    assert cli("compare", "folder", "--metrics", "ENN").code == 2


def test_runs_in_different_conventions_are_not_mixed(cli: Cli, run: Cli) -> None:
    run("--method", "max", "--name", "one", "--quiet")
    run("--method", "average", "--name", "two", "--convention", "vifb", "--quiet")
    result = cli("compare", "one", "two")
    assert result.code == 2
    assert (
        "max and average can't be compared: max is scored on folder all quality cddfuse; average"
        in result.err
    )
    result = cli("report", "one", "two", "--report", "table", "--out", "both")
    assert result.code == 0, result.err
    tables = sorted(Path("both").glob("table-*.csv"))
    assert [sorted(pd.read_csv(t)["method"]) for t in tables] == [["Maximum"], ["Average"]]


# tools


def test_a_scaffolded_method_runs_at_once(cli: Cli, run: Cli) -> None:
    result = cli("init-method", "My-Method")
    assert result.code == 0
    result = run("--method", "my_method.py:MyMethod,max")
    assert result.code == 0, result.err
    assert "8 images fused" in result.out
    assert "exists already" in cli("init-method", "My-Method").err


def test_doctor(cli: Cli) -> None:
    result = cli("doctor")
    assert "BAD" not in result.out
    assert result.code == 0
    assert "torch" in result.out


def test_data_commands(cli: Cli, pairs: Path) -> None:
    assert "nothing has to lie anywhere" in cli("data", "where", "demo").out
    assert "looked for in" in cli("data", "where", "msrs").out
    good = cli("data", "verify", "folder", "--data-root", pairs)
    assert (good.code, "4 pairs" in good.out) == (0, True)
    (pairs / "ir" / "a.png").unlink()
    bad = cli("data", "verify", "folder", "--data-root", pairs)
    assert bad.code == 1
    assert "missing: " in bad.out


def test_weights_commands(cli: Cli) -> None:
    where = cli("weights", "where", "sgdfuse")
    assert where.code == 0
    assert "looked for in" in where.out
    assert cli("weights", "verify").code == 0


def test_piped_lists_keep_one_line_a_row(cli: Any) -> None:
    """Off a terminal nothing is wrapped, so that ``| grep`` finds whole rows."""
    lines = cli("list", "methods").out.splitlines()
    names = [m["name"] for m in json.loads(cli("list", "methods", "--json").out)]
    assert [line.split()[0] for line in lines[1:]] == names
    assert any("msrs:train" in line and line.split()[0] == "cddfuse" for line in lines)
