"""``--method all``: every method whose weights are available, and a reason for each of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusionbench.errors import MissingRepositoryError, MissingWeightsError
from fusionbench.methods.porting.fixture_weights import fixture_weights
from fusionbench.methods.porting.network import build_network
from fusionbench.planning.config import RunConfig
from fusionbench.planning.plan import Plan, make_plan
from fusionbench.plugins import catalog


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder where weights are looked for, empty."""
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


def plan_of(method: str, tmp_path: Path) -> Plan:
    return make_plan(
        RunConfig(method=[method], dataset=["demo"], limit=1, task=["quality"], out=tmp_path / "runs")
    )


def test_methods_without_weights_are_left_out_with_a_reason(weights: Path, tmp_path: Path) -> None:
    plan = plan_of("all", tmp_path)
    planned = {group.method.spec.name for group in plan.groups}
    skipped = {text.partition(":")[0] for text in plan.skipped}
    assert planned | skipped == set(catalog.methods.all())
    assert not planned & skipped
    assert {"max", "sgdfuse"} <= planned
    for spec in catalog.methods.all().values():
        if spec.status in {"needs-weights", "external"} or any(
            not a.resource and not a.optional for a in spec.artifacts
        ):
            assert spec.name in skipped
    reasons = dict(text.split(": ", 1) for text in plan.skipped)
    assert "Put it at" in reasons["cddfuse"]
    assert "git hash-object" in reasons["cddfuse"]
    assert "fusionbench weights fetch u2fusion" in reasons["u2fusion"]
    assert "git clone https://github.com/Henry-Lee-real/MaeFuse" in reasons["maefuse"]


def test_random_weights_never_pass_for_the_real_ones(weights: Path, tmp_path: Path) -> None:
    """Not even under the official file's name, or that of a conversion."""
    spec = catalog.methods.get("emma")
    network = build_network(spec.options)
    torch.save(
        fixture_weights(network.official_shapes(), lambda _: 0.8), weights / spec.artifacts[0].filename
    )
    plan = plan_of("*", tmp_path)
    assert "emma" not in {group.method.spec.name for group in plan.groups}
    assert any(text.startswith("emma: ") and "not the right file" in text for text in plan.skipped)


def test_a_method_that_was_named_is_not_left_out_silently(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match="weights fetch cddfuse"):
        plan_of("cddfuse", tmp_path)
    with pytest.raises(MissingRepositoryError, match="git clone"):
        plan_of("dif-fusion", tmp_path)
