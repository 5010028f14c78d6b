"""Pickled modules become safetensors without anything in them being executed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from fusionbench.contracts.method import MethodContext
from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.files import artifacts
from fusionbench.files.weight_files import check_stored
from fusionbench.methods.porting.adapter import NativeMethod
from fusionbench.methods.porting.checkpoints import UnsafeFileError, read_checkpoints
from fusionbench.methods.porting.conversion import convert, read_pickled_module
from fusionbench.methods.porting.fixture_weights import fixture_weights
from fusionbench.methods.porting.network import build_network
from fusionbench.plugins import catalog


@pytest.fixture
def foreign_class(monkeypatch: pytest.MonkeyPatch) -> type[nn.Module]:
    """A module class that lives in the authors' module ``net``, as far as the file is concerned."""
    cls = type("Decoder_res", (nn.Module,), {"__module__": "net"})
    module = types.ModuleType("net")
    module.Decoder_res = cls
    monkeypatch.setitem(sys.modules, "net", module)
    return cls


def test_reads_parameters_and_buffers(tmp_path: Path, foreign_class: type[nn.Module]) -> None:
    model = foreign_class()
    model.con = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    model.w = nn.Parameter(torch.rand(1))
    torch.save(model, tmp_path / "model_D.pth")
    expected = model.state_dict()
    found = read_pickled_module(tmp_path / "model_D.pth")
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_module_in_a_dictionary_keeps_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CAF's files: the module of a class that isn't ours, as the one entry of a dictionary."""
    cls = type("Ours", (nn.Module,), {"__module__": "models"})
    module = types.ModuleType("models")
    module.Ours = cls
    monkeypatch.setitem(sys.modules, "models", module)
    spec = catalog.methods.get("caf")
    network = build_network(spec.options)
    model = cls()
    for name in ("encoder1", "encoder2", "dense"):
        model.add_module(name, getattr(network, name))
    model.add_module("fuse", network.fuse_layers)
    torch.save({"fuse": model.eval()}, tmp_path / "Det_final.pth")
    convert(spec, {"caf": tmp_path / "Det_final.pth"}, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert set(found) == set(model.state_dict())
    assert len(found) == 46


def test_refuses_what_would_be_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    torch.save(Trap(), tmp_path / "model.pth")
    with pytest.raises(InputError, match="system"):
        read_pickled_module(tmp_path / "model.pth")
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that passes for ReCoNet's official one, here and in the process that converts it."""
    network = build_network(catalog.methods.get("reconet").options)
    path = tmp_path / "reconet.pth"
    torch.save(fixture_weights(network.official_shapes(), lambda _: 1.0), path)
    spec = catalog.methods.get("reconet")
    (artifact,) = spec.artifacts
    fitting = artifact.model_copy(
        update={
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "git_blob": None,
            "bytes": None,
            "alternatives": (),
        }
    )
    monkeypatch.setitem(catalog.methods.all(), "reconet", spec.model_copy(update={"artifacts": (fitting,)}))
    return path


def test_converts_and_uses_the_result(
    official: Path, cache: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cli("weights", "convert", official, "--for", "reconet")
    assert result.code == 0, result.err
    assert "wrote" in result.out
    found, expected = load_file(cache / "reconet.safetensors"), torch.load(official, weights_only=True)
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    (artifact,) = catalog.methods.get("reconet").artifacts
    assert artifacts.locate(artifact) == cache / "reconet.safetensors"
    # Found where weights are looked for, it is taken for the official file: unless it has changed since.
    (cache / "reconet.safetensors").write_bytes(b"spoilt")
    with pytest.raises(MissingWeightsError):
        artifacts.locate(artifact)
    # Nothing given: the file is taken from the cache.
    (cache / artifact.filename).write_bytes(official.read_bytes())
    assert cli("weights", "convert", "--for", "reconet").code == 0
    assert artifacts.locate(artifact) == cache / "reconet.safetensors"
    assert artifacts.locate(artifact, official=True) == cache / artifact.filename


def test_conversion_refuses_what_it_does_not_know(
    official: Path, cache: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    other = tmp_path / "other.pth"
    torch.save({"x": torch.zeros(2)}, other)
    for arguments, words in (
        ((other, "--for", "reconet"), ["isn't one of the files", "expected"]),
        ((tmp_path / "none.pth", "--for", "reconet"), ["there is no file"]),
        (("--for", "reconet"), ["needs", "too"]),
        ((official, "--for", "average"), ["no weights of its own"]),
        ((official, "--for", "maefuse"), ["no weights of its own"]),
        ((official, "--for", "reconett"), ["did you mean 'reconet'"]),
        ((official,), ["--for METHOD"]),
        ((official, "--for", "reconet", "--out", tmp_path / "x.pth"), [".safetensors"]),
    ):
        result = cli("weights", "convert", *arguments)
        assert result.code == 2, arguments
        for word in words:
            assert word in result.err, arguments
    assert not list(cache.glob("*")) if cache.exists() else True


def test_a_failed_conversion_leaves_nothing(
    official: Path, cache: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right checksum, but tensors that the network doesn't take."""
    torch.save({"x": torch.zeros(2)}, official)
    (artifact,) = catalog.methods.get("reconet").artifacts
    fitting = artifact.model_copy(update={"sha256": hashlib.sha256(official.read_bytes()).hexdigest()})
    spec = catalog.methods.get("reconet").model_copy(update={"artifacts": (fitting,)})
    monkeypatch.setitem(catalog.methods.all(), "reconet", spec)
    result = cli("weights", "convert", official, "--for", "reconet")
    assert result.code == 2
    assert "don't belong to ReCoNet" in result.err
    assert not list(cache.iterdir())


def test_parts_pickled_whole_are_joined(tmp_path: Path, foreign_class: type[nn.Module]) -> None:
    """DAFusion's three files: told apart by the artifact, whatever the file is called."""
    spec = catalog.methods.get("dafusion")
    network = build_network(spec.options)
    tensors = fixture_weights(network.official_shapes(), lambda _: 0.5)
    files = {}
    for artifact, part in spec.options["pickled_parts"].items():
        model = foreign_class()
        for name, tensor in tensors.items():
            *parents, last = name.split(".")
            if parents[0] != part:
                continue
            place: nn.Module = model
            for parent in parents[1:]:
                if parent not in place._modules:
                    place.add_module(parent, nn.Module())
                place = place.get_submodule(parent)
            place.register_buffer(last, tensor)
        files[artifact] = tmp_path / f"{artifact}.bin"
        torch.save(model, files[artifact])
    convert(spec, files, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_table_and_a_network_become_one_file(tmp_path: Path) -> None:
    """LUT-Fuse's two files: a NumPy array and a state dict."""
    spec = catalog.methods.get("lutfuse")
    tensors = fixture_weights(build_network(spec.options).official_shapes(), lambda _: 0.5)
    files = {a.name: tmp_path / a.filename for a in spec.artifacts}
    np.save(files["lutfuse-table"], tensors["lut"].numpy())
    torch.save({k: v for k, v in tensors.items() if k != "lut"}, files["lutfuse-context"])
    convert(spec, files, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_confined_processes_reach_nothing(tmp_path: Path) -> None:
    code = """
import os, socket, subprocess, sys
from pathlib import Path
import torch
from fusionbench.files.confinement import confine
folder = Path(sys.argv[1])
assert confine(folder / "out", 1000)
refused = (
    lambda: socket.socket(),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.fork(),
    lambda: (folder / "elsewhere").write_text("x"),
    lambda: (folder / "out/../elsewhere").write_text("x"),
    lambda: os.open(folder / "elsewhere", os.O_WRONLY | os.O_CREAT),
    lambda: os.rename(folder / "out", folder / "other"),
    lambda: os.remove(folder / "kept"),
)
for number, attempt in enumerate(refused):
    try:
        attempt()
    except PermissionError:
        continue
    raise SystemExit(f"allowed: {number}")
(folder / "out/x").write_text("fine")
assert torch.ones(2).sum() == 2
try:
    torch.zeros(1 << 34)
except (RuntimeError, MemoryError):
    pass
else:
    raise SystemExit("memory has no limit")
"""
    (tmp_path / "out").mkdir()
    (tmp_path / "kept").write_text("here")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kept").read_text() == "here"


def test_compressed_weight_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    torch.save({"x": torch.zeros(1 << 20)}, path)
    check_stored(path)
    with (
        zipfile.ZipFile(path) as stored,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for member in stored.infolist():
            bomb.writestr(member.filename, stored.read(member))
    with pytest.raises(InputError, match="compressed members"):
        check_stored(tmp_path / "b.pt")
    with pytest.raises(UnsafeFileError, match="compressed members"):
        read_checkpoints([tmp_path / "b.pt"])


def test_what_is_pickled_says_how_to_convert_it(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "model_E.pth")
    method = NativeMethod(
        catalog.methods.get("dafusion"), MethodContext(weights=lambda _: tmp_path / "model_E.pth")
    )
    with pytest.raises(InputError, match=r"weights convert model_E\.pth --for dafusion"):
        method.load(torch.device("cpu"), "fp32")
