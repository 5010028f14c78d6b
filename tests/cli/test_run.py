"""``fusionbench run``: what it prints, keeps and leaves out; configuration and fusing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Cli = Callable[..., Any]


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


def test_a_scaffolded_method_runs_at_once(cli: Cli, run: Cli) -> None:
    result = cli("init-method", "My-Method")
    assert result.code == 0
    result = run("--method", "my_method.py:MyMethod,max")
    assert result.code == 0, result.err
    assert "8 images fused" in result.out
    assert "exists already" in cli("init-method", "My-Method").err
