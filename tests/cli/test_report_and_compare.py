"""``fusionbench report`` and ``compare``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Cli = Callable[..., Any]


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
