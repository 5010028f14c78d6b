"""``list`` and ``info``, and that they are quick."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

Cli = Callable[..., Any]
KINDS = ("methods", "datasets", "metrics", "conventions", "protocols", "tasks", "reports")
HEAVY = ("torch", "cv2", "numpy", "pandas", "scipy", "numba", "matplotlib", "pyarrow")


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


def test_piped_lists_keep_one_line_a_row(cli: Any) -> None:
    """Off a terminal nothing is wrapped, so that ``| grep`` finds whole rows."""
    lines = cli("list", "methods").out.splitlines()
    names = [m["name"] for m in json.loads(cli("list", "methods", "--json").out)]
    assert [line.split()[0] for line in lines[1:]] == names
    assert any("msrs:train" in line and line.split()[0] == "cddfuse" for line in lines)


@pytest.mark.parametrize("name", ["sgdfuse", "demo", "VIF", "cddfuse", "quality", "table"])
def test_info(cli: Cli, name: str) -> None:
    result = cli("info", name)
    assert result.code == 0
    assert name.lower() in result.out.lower()


def test_info_prints_all_that_is_known_of_each_metric(cli: Cli) -> None:
    from fusionbench.plugins.catalog import evaluator_of_task

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


def test_version(cli: Cli) -> None:
    from fusionbench import __version__

    assert cli("--version").out.strip() == __version__
