"""What is said about weights: missing, wrong, where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_missing_weights_say_how_to_get_them(cli: Cli) -> None:
    result = cli("run", "--method", "cddfuse")
    assert result.code == 2
    assert "Put it at" in result.err
    assert "sha256" in result.err or "hash-object" in result.err


def test_wrong_checkpoints_are_refused(cli: Cli, tmp_path: Path) -> None:
    from fusionbench.plugins import catalog

    artifact = next(a for a in catalog.methods.get("cddfuse").artifacts if not a.optional)
    file = tmp_path / "cache" / "weights" / artifact.filename
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a checkpoint")
    result = cli("run", "--method", "cddfuse")
    assert result.code == 2
    assert "found, but not the right file" in result.err
    assert str(file) in result.err
    verified = cli("weights", "verify", "cddfuse")
    assert verified.code == 1
    assert "WRONG" in verified.out


def test_weights_commands(cli: Cli) -> None:
    where = cli("weights", "where", "sgdfuse")
    assert where.code == 0
    assert "looked for in" in where.out
    assert cli("weights", "verify").code == 0
