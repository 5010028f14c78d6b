"""Misuse of every command: exit code 2, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--method", "laplacain"], ["no method called 'laplacain'", "'laplacian'"]),
        (["run", "--method", "zz*"], ["no method matches 'zz*'"]),
        (["run", "--method", "max", "--dataset", "dmeo"], ["no dataset called 'dmeo'", "'demo'"]),
        (["run", "--method", "max", "--split", "tset"], ["--split tset", "test, train"]),
        (["run", "--method", "max", "--metrics", "VIFF2"], ["no metric called 'VIFF2'", "'VIF'"]),
        (
            ["run", "--method", "max", "--convention", "cddfus"],
            ["no convention called 'cddfus'", "'cddfuse'"],
        ),
        (["run", "--method", "max", "--task", "qualty"], ["no task called 'qualty'", "'quality'"]),
        (["run", "--method", "max", "--report", "tabel"], ["no report called 'tabel'", "'table'"]),
        (["run", "--method", "max", "--images", "99999D"], ["no image called '99999D'"]),
        (["run", "--method", "max", "--device", "cuda:99"], ["--device cuda:99", "PyTorch sees"]),
        (["run", "--method", "max", "--device", "gpu"], ["--device gpu", "expected auto, cpu, cuda"]),
        (["run", "--method", "max", "--precision", "fp8"], ["precision", "bf16"]),
        (["run", "--method", "max", "--limit", "0"], ["limit", "greater than 0"]),
        (["run", "--method", "max", "--option", "count=1"], ["expected NAME.KEY=VALUE"]),
        (["run", "--method", "max", "--option", "demo.size=1x1"], ["demo option size='1x1'"]),
        (
            ["run", "--method", "max", "--dataset", "msrs", "--data-root", "nowhere"],
            ["nowhere is not there", "data where msrs"],
        ),
        (["run", "--method", "max", "--config", "absent.yaml"], ["--config absent.yaml: no such file"]),
        (["run", "--method", "mine.py:Class"], ["there is no file mine.py"]),
        (["run", "--method", "dir:nowhere"], ["there is no folder nowhere"]),
        (["run", "--method", "max", "--limt", "3"], ["No such option: --limt"]),
        (["run"], ["no method given"]),
        (["list", "metods"], ["'methods'"]),
        (["info", "VIFF2"], ["called 'VIFF2'"]),
        (["report", "nowhere"], ["there is no run 'nowhere'", "fusionbench run"]),
        (["compare", "nowhere"], ["there is no run 'nowhere'"]),
        (["fuse", "one.png"], ["two folders or two files"]),
        (["score", "ir", "vi", "fused"], ["ir"]),
        (["data", "where", "mrss"], ["no dataset called 'mrss'", "'msrs'"]),
        (["weights", "where", "sgdfus"], ["sgdfuse"]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_misuse(cli: Cli, arguments: list[str], words: list[str]) -> None:
    result = cli(*arguments)
    assert result.code == 2, result
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err
    assert not list(Path().glob("runs/*/fused"))
