"""``doctor`` and ``data``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_doctor(cli: Cli) -> None:
    result = cli("doctor")
    assert "BAD" not in result.out
    assert result.code == 0
    assert "torch" in result.out


def test_data_commands(cli: Cli, pairs: Path) -> None:
    assert "nothing has to lie anywhere" in cli("data", "where", "demo").out
    assert "looked for in" in cli("data", "where", "msrs").out
    good = cli("data", "verify", "folder", "--data-root", pairs)
    assert (good.code, "4 pairs" in good.out) == (0, True)
    (pairs / "ir" / "a.png").unlink()
    bad = cli("data", "verify", "folder", "--data-root", pairs)
    assert bad.code == 1
    assert "missing: " in bad.out
