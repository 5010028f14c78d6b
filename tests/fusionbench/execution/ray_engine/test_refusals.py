"""What is wrong before a run starts on a cluster: each is one sentence, with the node where there is one."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionbench.api import make_config
from fusionbench.errors import InputError, MissingDataError, MissingExtraError
from fusionbench.execution.engines import choose_engine
from fusionbench.execution.ray_engine import checks, connection, places
from fusionbench.terminal.progress import QuietProgress

NODE = connection.Node("3fa9c0de" * 7, "gpu-2", "10.0.0.2", 8, 1.0)

WEIGHTED = """
from fusionbench.contracts import Artifact, MethodSpec

class Weighted:
    spec = MethodSpec(name="weighted", title="Weighted", family="user", artifacts=(
        Artifact(name="its-weights", filename="its-weights.bin", sha256="{sha256}"),))
    def __init__(self, spec, context): ...
    def load(self, device, precision): ...
    def fuse(self, infrared, visible): return infrared
"""


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        MissingExtraError, match=r"--engine ray needs .* pip install 'fusionbench-ivif\[cluster\]'"
    ):
        choose_engine(make_config({"method": "max", "engine": "ray"}))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "nothing answers there"),
        ("somewhere", "expected auto, local or HOST:PORT"),
        ("ray://10.0.0.1:10001", "clients aren't supported"),
    ],
)
def test_bad_addresses(address: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        choose_engine(make_config({"method": "max", "engine": "ray", "ray_address": address}))
    assert "ray start --head" in str(raised.value) or "expected" in said


def test_devices_are_handed_out_by_ray() -> None:
    with pytest.raises(InputError, match="Ray hands out the GPUs"):
        choose_engine(make_config({"method": "max", "engine": "ray", "device": "cuda:1"}))


def test_other_versions_name_the_node() -> None:
    own = checks.versions()
    checks.check_versions(own, {str(NODE): own})
    other = {**own, "numpy": "1.0"}
    with pytest.raises(
        InputError, match=rf"gpu-2 \(10.0.0.2, node 3fa9c0de\): numpy 1.0, here {own['numpy']}"
    ):
        checks.check_versions(own, {str(NODE): other})
    with pytest.raises(InputError, match=r"gpu-2.*can't import fusionbench"):
        checks.check_versions(own, {str(NODE): "can't import fusionbench (ModuleNotFoundError)"})


def test_data_that_a_node_doesnt_see_and_that_is_too_much_to_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"12345")
    monkeypatch.setattr(checks, "SENT_BYTES", 4)
    with pytest.raises(MissingDataError, match=r"is not there on gpu-2 \(10.0.0.2.*s3://"):
        checks._send(tmp_path, [tmp_path / "a.png"], [NODE], QuietProgress())


def test_weights_that_a_worker_lacks(run: Callable[..., Any], address: str, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "its-weights.bin").write_bytes(b"weights")
    file = tmp_path / "weighted.py"
    file.write_text(WEIGHTED.replace("{sha256}", hashlib.sha256(b"weights").hexdigest()))
    result = run(
        "ray",
        address,
        "--method",
        f"{file}:Weighted",
        environment={"FUSIONBENCH_WEIGHTS": str(tmp_path / "weights")},
    )
    assert result.code == 2
    assert "node " in result.said
    assert "weighted: its-weights: its-weights.bin is not in" in result.said


def test_paths_are_those_of_the_machine_that_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.Place, "local", lambda place: Path("/worker") / place.key)
    sent = (places.Place("/data", key="outer"), places.Place("/data/fused", key="inner"))
    value = {
        "a": Path("/data/ir/a.png"),
        "b": Path("/data/fused/b.png"),
        "c": Path("/database"),
        "d": "/data",
    }
    opened = places.Packed.of(value, sent, "a dict").open()
    assert opened == {
        "a": Path("/worker/outer/ir/a.png"),
        "b": Path("/worker/inner/b.png"),
        "c": Path("/database"),
        "d": "/data",
    }
    with pytest.raises(InputError, match="a lambda: can't be sent"):
        places.Packed.of(lambda: None, (), "a lambda")
