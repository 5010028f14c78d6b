"""The configuration: YAML round trip, wrong fields by name, options and roots as flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.cli.settings import resolve
from fusionbench.errors import InputError
from fusionbench.planning.config import RunConfig, dump, load, validate

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), max_size=9)
NAMES = st.lists(TEXT.filter(bool), min_size=1, max_size=3)


@settings(deadline=None, max_examples=40)
@given(
    method=NAMES,
    limit=st.none() | st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
    out=st.sampled_from(["runs", "/tmp/größe x", "a/b"]),
    options=st.dictionaries(TEXT, st.dictionaries(TEXT, st.integers() | TEXT, max_size=3), max_size=2),
)
def test_yaml_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    method: list[str],
    limit: int | None,
    seed: int,
    out: str,
    options: dict[str, Any],
) -> None:
    config = RunConfig(method=method, limit=limit, seed=seed, out=Path(out), method_options=options)
    file = tmp_path_factory.getbasetemp() / "round-trip.yaml"
    file.write_text(dump(config))
    assert validate(load(file), "test") == config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"method": []}, ["method"]),
        ({"method": ["max"], "limit": 0}, ["limit", "greater than 0"]),
        ({"method": ["max"], "precision": "fp8"}, ["precision", "bf16"]),
        ({"method": ["max"], "overwrite": "yes"}, ["overwrite", "only-missing"]),
        ({"method": ["max"], "methods": ["min"], "batch_size": -1}, ["methods", "batch_size"]),
        ({"method": ["max"], "name": "../other"}, ["name", "plain folder name"]),
        ({"method": ["max"], "name": ".."}, ["name", "plain folder name"]),
    ],
)
def test_wrong_fields_are_named(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError, match=r"test.yaml: the configuration is wrong") as raised:
        validate(values, "test.yaml")
    for word in words:
        assert word in str(raised.value)


def test_unusable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "absent.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("method: [max\n")
    with pytest.raises(InputError, match="isn't valid YAML"):
        load(bad)
    bad.write_text("- max\n")
    with pytest.raises(InputError, match="expected a mapping"):
        load(bad)
    bad.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match=r"bad.yaml"):
        load(bad)


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("method: [max]\nlimit: 3\nseed: 7\n")
    config = resolve(file, method=["average"], limit=None)
    assert (config.method, config.limit, config.seed) == (("average",), 3, 7)


def test_options_go_to_their_method_or_dataset() -> None:
    config = resolve(None, method=["max"], option=["demo.count=5", "laplacian.levels=3", "demo.size=96x80"])
    assert config.dataset_options == {"demo": {"count": 5, "size": "96x80"}}
    assert config.method_options == {"laplacian": {"levels": 3}}
    with pytest.raises(InputError, match=r"--option levels=3: expected NAME\.KEY=VALUE"):
        resolve(None, method=["max"], option=["levels=3"])


def test_data_roots_by_name_or_for_all() -> None:
    config = resolve(None, method=["max"], data_root=["msrs=/data/a", "/data/b"])
    assert config.data_root == {"msrs": Path("/data/a"), "": Path("/data/b")}
    assert resolve(None, method=["max"], data_root=["/odd=path/c"]).data_root == {"": Path("/odd=path/c")}


def test_no_method_says_what_to_do() -> None:
    with pytest.raises(InputError, match="fusionbench list methods"):
        resolve(None)


def test_run_folder() -> None:
    assert RunConfig(method=["max"]).folder == Path("runs/demo")
    assert RunConfig(method=["max"], dataset=["demo", "../x*"]).folder.parent == Path("runs")
    assert RunConfig(method=["max"], out=Path("o"), name="n").folder == Path("o/n")
