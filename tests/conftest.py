"""What the harness's tests share: reference data outside the repository, small folders of pairs, the command
line in this process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

PAIR_NAMES = ("a", "b", "c", "d")
WIDTH, HEIGHT = 96, 80


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data (FUSIONBENCH_TEST_DATA, default ``../shared`` beside the repository);
    skips where it is absent.
    """
    root = Path(os.environ.get("FUSIONBENCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared"))
    if not root.is_dir():
        pytest.skip(f"no reference data at {root}; set FUSIONBENCH_TEST_DATA")
    return root


@pytest.fixture(scope="session")
def _rendered_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fusionbench.datasets.demo.dataset import render_pair
    from fusionbench.images.codec import write_png

    root = tmp_path_factory.mktemp("pairs")
    for index, name in enumerate(PAIR_NAMES):
        pair = render_pair("test", index, WIDTH, HEIGHT)
        write_png(root / "ir" / f"{name}.png", pair.infrared)
        write_png(root / "vi" / f"{name}.png", pair.visible)
    return root


@pytest.fixture
def pairs(_rendered_pairs: Path, tmp_path: Path) -> Path:
    """A folder with ``ir/`` and ``vi/``, four demo pairs a–d of 96×80, the test's own to spoil."""
    return Path(shutil.copytree(_rendered_pairs, tmp_path / "pairs"))


@dataclass(frozen=True)
class CommandResult:
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """``cli("run", "--method", …)`` runs the command line in this process."""
    from fusionbench.cli import main

    def call(*arguments: object) -> CommandResult:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return CommandResult(int(stopped.value.code or 0), captured.out, captured.err)

    return call


def tree_bytes(folder: Path, *parts: str) -> dict[str, bytes]:
    """All files below ``folder``'s sub-folders ``parts`` by relative path: what two runs are compared by."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in parts
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def results_of() -> Callable[[Path], dict[str, bytes]]:
    """``results_of(run folder)``: the bytes of all its fused images and rows."""
    return lambda folder: tree_bytes(folder, "fused", "rows")
