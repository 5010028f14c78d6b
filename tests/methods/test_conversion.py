"""Pickled modules become safetensors without anything in them being executed."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from fusionbench import catalog
from fusionbench.errors import InputError
from fusionbench.methods.conversion import convert, read_pickled_module
from fusionbench.methods.fixture_weights import fixture_weights
from fusionbench.methods.native import build_network


@pytest.fixture
def foreign_class(monkeypatch: pytest.MonkeyPatch) -> type[nn.Module]:
    """A module class that lives in the authors' module ``net``, as far as the file is concerned."""
    cls = type("Decoder_res", (nn.Module,), {"__module__": "net"})
    module = types.ModuleType("net")
    module.Decoder_res = cls  # type: ignore[attr-defined]
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


def test_refuses_what_would_be_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'executed'}",)

    torch.save(Trap(), tmp_path / "model.pth")
    with pytest.raises(InputError, match="system"):
        read_pickled_module(tmp_path / "model.pth")
    assert not (tmp_path / "executed").exists()


def test_converts_plain_state_dicts(tmp_path: Path) -> None:
    network = build_network(catalog.methods.get("reconet").options)
    tensors = fixture_weights(network.official_shapes(), lambda _: 1.0)
    torch.save(tensors, tmp_path / "params.pth")
    convert("reconet", [tmp_path / "params.pth"], tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    with pytest.raises(InputError, match="not a ported network"):
        convert("average", [], tmp_path / "out.safetensors")
