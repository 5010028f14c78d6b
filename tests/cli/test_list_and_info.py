"""``list`` and ``info``, and that they are quick."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from fusionbench.cli.method_list import FAMILIES, STATUSES, MethodFilter, grouped_tables, method_rows
from fusionbench.contracts.method import MethodSpec
from fusionbench.plugins import catalog

Cli = Callable[..., Any]
KINDS = (
    "methods",
    "datasets",
    "metrics",
    "conventions",
    "protocols",
    "tasks",
    "corruptions",
    "suites",
    "reports",
)
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


def test_methods_are_listed_by_family_status_and_year(cli: Cli) -> None:
    rows = json.loads(cli("list", "methods", "--json").out)
    keys = [
        (FAMILIES.index(r["family"]), STATUSES.index(r["status"]), -(r["year"] or 0), r["name"]) for r in rows
    ]
    assert keys == sorted(keys)
    assert len({r["family"] for r in rows}) > 1


def test_methods_are_chosen_by_family_status_and_year(cli: Cli) -> None:
    def listed(*options: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(cli("list", "methods", *options, "--json").out)
        return rows

    assert {r["family"] for r in listed("--family", "classical,diffusion")} == {"classical", "diffusion"}
    assert {r["status"] for r in listed("--status", "external")} == {"external"}
    assert {r["year"] for r in listed("--year", "2016")} == {2016}
    assert {r["year"] for r in listed("--year", "2020-2022")} == {2020, 2021, 2022}
    assert min(r["year"] for r in listed("--year", "2024-")) == 2024
    assert max(r["year"] for r in listed("--year", "-2016")) == 2016
    assert listed("--family", "classical", "--year", "2025") == []
    assert "no method fits" in cli("list", "methods", "--family", "classical", "--year", "2025").out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("methods", "--family", "modern"), "there are classical, learned"),
        (("methods", "--status", "verified,done"), "'done'"),
        (("methods", "--year", "lately"), "2022-2025"),
        (("methods", "--year", "-"), "2022-2025"),
        (("metrics", "--year", "2024"), "choose methods, not metrics"),
    ],
)
def test_filters_that_make_no_sense_say_so(cli: Cli, options: tuple[str, ...], said: str) -> None:
    result = cli("list", *options)
    assert result.code == 2
    assert said in result.err


def many_methods(count: int) -> list[MethodSpec]:
    """The methods that there are, and as many more as it takes, with long names and texts."""
    specs = list(catalog.methods.all().values())
    more = [
        MethodSpec(
            name=f"method-number-{k}",
            title=f"A method with a long title, number {k}",
            year=2015 + k % 11,
            venue="Infrared Physics and Technology 123(4)",
            licence="GPL-3.0 (or later)",
            trained_on=("msrs:train", "roadscene", "llvip:train", "m3fd:train"),
        )
        for k in range(count - len(specs))
    ]
    return specs + more


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_of_sixty_methods_fits_the_terminal(width: int) -> None:
    specs = many_methods(70)
    rows = method_rows(specs, MethodFilter())
    console = Console(width=width, record=True, file=io.StringIO())
    with console.capture() as captured:
        for part in grouped_tables(rows, width):
            console.print(part)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    shown = [line.split()[0] for line in lines if line and not line.startswith((" ", "name "))]
    assert [word for word in shown if not word.endswith(",")] == [row["name"] for row in rows]
    assert (
        f"learned, ported ({sum(r['family'] == 'learned' and r['status'] == 'ported' for r in rows)})"
        in lines
    )


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
