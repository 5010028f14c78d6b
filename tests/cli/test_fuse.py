"""``fusionbench fuse``: files and folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.images.codec import read_image

Cli = Callable[..., Any]


def test_fuse_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max", "--out", "fused.png")
    assert (result.code, result.out.strip()) == (0, "fused.png")
    assert read_image("fused.png").shape == (80, 96, 3)
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max,average", "--out", "many")
    assert sorted(str(p) for p in Path("many").rglob("*.png")) == ["many/average/a.png", "many/max/a.png"]


def test_fuse_two_folders_gives_the_pixels_of_two_files(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "laplacian")
    assert result.code == 0, result.err
    cli("fuse", pairs / "ir/c.png", pairs / "vi/c.png", "--method", "laplacian", "--out", "c.png")
    assert np.array_equal(read_image("runs/folder/fused/laplacian/folder/all/c.png"), read_image("c.png"))


def test_out_is_a_plain_folder_that_score_takes(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "max", "--out", "out")
    assert result.code == 0, result.err
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.png", "b.png", "c.png", "d.png"]
    assert "4 images in out" in result.out
    assert cli("score", pairs / "ir", pairs / "vi", "out", "--metrics", "EN").code == 0
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "max,average", "--out", "both", "--json")
    assert result.code == 0, result.err
    found = sorted(str(p) for p in Path("both").rglob("*") if p.is_file())
    assert found == [f"both/{m}/{n}.png" for m in ("average", "max") for n in "abcd"]
    assert np.array_equal(read_image("both/max/b.png"), read_image("out/b.png"))


def test_a_bad_pair_leaves_the_others(cli: Cli, pairs: Path) -> None:
    (pairs / "ir/b.png").write_bytes(b"")
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "max", "--out", "out")
    assert result.code == 1
    assert "b.png: the file is empty" in result.err
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.png", "c.png", "d.png"]


def test_sources_are_never_overwritten(cli: Cli, pairs: Path) -> None:
    before = {p: p.read_bytes() for p in pairs.rglob("*.png")}
    ir, vi = pairs / "ir", pairs / "vi"
    (pairs / "link").symlink_to(ir)
    for arguments in (
        [ir, vi, "--out", ir],
        [ir, vi, "--out", vi],
        [ir, vi, "--out", pairs / "link"],
        [ir / "a.png", vi / "a.png", "--out", ir / "a.png"],
        [ir / "a.png", vi / "a.png", "--out", vi],
    ):
        result = cli("fuse", *arguments, "--method", "max")
        assert result.code == 2
        assert "is one of the sources" in result.err
    assert {p: p.read_bytes() for p in pairs.rglob("*.png") if "link" not in p.parts} == before


def test_out_of_two_files(cli: Cli, pairs: Path) -> None:
    sources = (pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max")
    assert cli("fuse", *sources, "--out", "x.bmp").code == 0
    assert cli("fuse", *sources, "--out", "x.tif").code == 0
    assert cli("fuse", *sources, "--out", "folder").out.strip() == "folder/a.png"
    assert np.array_equal(read_image("x.bmp"), read_image("folder/a.png"))
    assert np.array_equal(read_image("x.tif"), read_image("folder/a.png"))
    for name in ("one.jpg", "one.webp", "one.gif"):
        result = cli("fuse", *sources, "--out", name)
        assert (result.code, Path(name).exists()) == (2, False)
        assert "would change the fused pixels" in result.err
    result = cli("fuse", pairs / "ir/a.png", pairs / "vi/a.png", "--method", "max,average", "--out", "x.png")
    assert "names one file, but 2 methods" in result.err
    result = cli("fuse", *sources, "--out", "x.bmp", "--overwrite", "never")
    assert "exists already" in result.err
    result = cli("fuse", pairs / "ir", pairs / "vi", "--method", "max", "--out", "one.jpg")
    assert "two folders give a folder" in result.err


def test_swapped_files_are_questioned(cli: Cli, pairs: Path) -> None:
    result = cli("fuse", pairs / "vi/a.png", pairs / "ir/a.png", "--method", "max", "--out", "x.png")
    assert result.code == 0
    assert "question: infrared is in colour and visible is grey in a.png: are the two swapped?" in result.err
    result = cli("fuse", pairs / "vi", pairs / "ir", "--method", "max", "--out", "y")
    assert "are the two swapped?" in result.err
