"""Suites: read, refused with the nearest key, overridden by flags, run into one folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.errors import InputError, UnknownNameError
from fusionbench.planning.config import RunConfig
from fusionbench.plugins import catalog
from fusionbench.rendering import report_input
from fusionbench.store.run_store import RunStore
from fusionbench.suites.running import execute_suite, part_plans
from fusionbench.suites.suite import load_suite, part_configs, read_suite, suite_names

SMALL = {
    "name": "small",
    "title": "Small",
    "settings": {"method": ["max"], "metrics": ["EN"], "dataset_options": {"demo": {"size": "96x80"}}},
    "parts": [
        {"dataset": "demo", "task": "quality", "limit": 2},
        {"dataset": "tno", "task": "quality"},
    ],
}


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_of_the_package_is_whole(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    for config in part_configs(suite, {}):
        assert config.skip_missing
        assert config.name == name
        for method in config.method:
            catalog.methods.match(method)
        for dataset in config.dataset:
            catalog.datasets.match(dataset)
        for report in config.report or ():
            catalog.reports.match(report)


def test_the_paper_has_its_methods_datasets_and_tasks() -> None:
    from fusionbench.reports.paper.tables import paper_methods

    configs = part_configs(load_suite("sgdfuse-paper"), {})
    assert [c.dataset for c in configs] == [("msrs",), ("m3fd",), ("llvip",), ("roadscene",)]
    plain = {"".join(c for c in m.lower() if c.isalnum()) for m in configs[0].method}
    assert plain == {"".join(c for c in m.lower() if c.isalnum()) for m in paper_methods()}
    assert set(configs[0].task) == {"quality", "efficiency", "detection", "segmentation"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"titel": "x"}, "titel: there is no such key; did you mean 'title'?"),
        ({"settings": {"methdo": "max"}}, "settings.methdo: there is no such key; did you mean 'method'?"),
        (
            {"parts": [{"dataset": "demo", "limt": 3}]},
            "parts[1].limt: there is no such key; did you mean 'limit'?",
        ),
        (
            {"parts": [{"dataset": "demo", "out": "x"}]},
            "parts[1].out: where results go is said on the command line",
        ),
        ({"parts": []}, "parts: "),
        ({"parts": [{"dataset": "demo", "limit": -3}]}, "limit: Input should be greater than 0"),
        ({"name": "a/b"}, "name: "),
    ],
)
def test_a_wrong_suite_is_refused_by_key(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_suite({**SMALL, **change}, "--suite mine.yaml")
    assert said in str(raised.value)
    assert "--suite mine.yaml" in str(raised.value)


def test_names_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'quick'"):
        load_suite("quikc")
    with pytest.raises(InputError, match="no such file"):
        load_suite(str(tmp_path / "no.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    with pytest.raises(InputError, match="isn't valid YAML"):
        load_suite(str(broken))
    broken.write_text("- a\n- b\n")
    with pytest.raises(InputError, match="expected a mapping"):
        load_suite(str(broken))


def test_flags_replace_settings_and_choose_datasets_and_tasks() -> None:
    suite = load_suite("sgdfuse-paper")
    flags = {"method": ["max"], "limit": 1, "dataset": ["msrs,llvip"], "task": ["quality"], "name": "mine"}
    configs = part_configs(suite, flags)
    assert [c.dataset for c in configs] == [("msrs",), ("llvip",)]
    assert all((c.method, c.task, c.limit, c.name) == (("max",), ("quality",), 1, "mine") for c in configs)
    with pytest.raises(InputError, match="has msrs, m3fd, llvip, roadscene"):
        part_configs(suite, {"dataset": ["tno"]})
    joined = part_configs(read_suite(SMALL, "x"), {"dataset_options": {"demo": {"count": 4}}})[0]
    assert joined.dataset_options == {"demo": {"size": "96x80", "count": 4}}


def test_a_suite_runs_into_one_folder_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    content = {
        **SMALL,
        "parts": [*SMALL["parts"], {"dataset": "demo", "task": "quality", "metrics": ["SD"], "limit": 2}],
    }
    flags = {"out": tmp_path, "device": "cpu", "jobs": 2}
    result = execute_suite(part_configs(read_suite(content, "x"), flags), quiet=True)
    assert result.folder == tmp_path / "small"
    assert (result.fused, result.scored) == (2, 4)
    assert any(s.startswith("tno: ") for s in result.plan.skipped)
    rows = report_input(RunStore.read_only(result.folder), selection=result.plan.selection()).rows
    assert set(rows["metric"]) == {"EN", "SD"}
    again = execute_suite(part_configs(read_suite(content, "x"), flags), quiet=True)
    assert (again.fused, again.scored) == (0, 0)


def test_a_suite_without_any_data_has_nothing_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    configs = part_configs(load_suite("sgdfuse-paper"), {"method": ["max"], "out": tmp_path})
    with pytest.raises(InputError, match=r"nothing to run:\n  msrs: "):
        part_plans(configs)


def test_a_misspelt_method_in_a_suite_is_said() -> None:
    with pytest.raises(UnknownNameError, match="'max'"):
        part_plans(part_configs(read_suite({**SMALL, "settings": {"method": "mxa"}}, "x"), {}))


def test_the_command_line(cli: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps({**SMALL, "parts": SMALL["parts"][:1]}))
    dry = cli("run", "--suite", file, "--out", tmp_path, "--dry-run", "--json")
    assert dry.code == 0
    assert {u["dataset"] for u in json.loads(dry.out)["units"]} == {"demo/test"}
    done = cli("run", "--suite", file, "--out", tmp_path, "--limit", "1", "--json")
    assert done.code == 0
    assert json.loads(done.out)["fused"] == 1
    assert cli("info", "suite", file).out.startswith("small (suite): Small")
    bad = cli("run", "--suite", "quikc")
    assert bad.code == 2
    assert "did you mean 'quick'" in bad.err


def test_skip_missing_leaves_out_what_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fusionbench.planning.plan import make_plan

    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path))
    config = RunConfig(
        method=["max", "swinfusion"], limit=1, skip_missing=True, out=tmp_path, task=["quality"]
    )
    plan = make_plan(config)
    assert {g.method.name for g in plan.groups} == {"max"}
    assert any(s.startswith("swinfusion: ") for s in plan.skipped)
