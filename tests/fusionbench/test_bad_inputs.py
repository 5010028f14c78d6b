"""One run over a folder of everything that can be wrong with images: each is named, with a reason, and the
others come out right.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.errors import FusionBenchError
from fusionbench.execution.runner import RunResult, execute
from fusionbench.images.codec import read_image, write_png
from fusionbench.planning.config import RunConfig
from fusionbench.reports.scores.frames import lines_of
from fusionbench.store.run_store import RunStore

GOOD = ("a", "b", "c", "d", "alpha", "deep", "cmyk", "constant", "one", "forty")


def put(root: Path, name: str, infrared: np.ndarray, visible: np.ndarray) -> None:
    write_png(root / "ir" / f"{name}.png", infrared)
    write_png(root / "vi" / f"{name}.png", visible)


@pytest.fixture
def spoilt(pairs: Path) -> Path:
    """The pair folder with a bad or odd pair of every kind added."""
    infrared, visible = read_image(pairs / "ir/a.png"), read_image(pairs / "vi/a.png")
    rng = np.random.default_rng(0)
    for name in ("truncated", "empty", "twin", "lonely", "size", "alpha", "deep", "up..dots"):
        put(pairs, name, infrared, visible)
    put(pairs, "one", infrared[:1, :1], visible[:1, :1])
    put(pairs, "forty", rng.integers(0, 256, (40, 40), np.uint8), rng.integers(0, 256, (40, 40, 3), np.uint8))
    put(pairs, "constant", np.full((80, 96), 90, np.uint8), np.full((80, 96, 3), 30, np.uint8))
    (pairs / "vi/truncated.png").write_bytes((pairs / "vi/truncated.png").read_bytes()[:-700])
    (pairs / "ir/empty.png").write_bytes(b"")
    write_png(pairs / "vi/size.png", visible[:, :-1])
    shutil.copy(pairs / "ir/twin.png", pairs / "ir/twin.bmp")
    (pairs / "vi/lonely.png").unlink()
    alpha = np.full((80, 96, 1), 128, np.uint8)
    Image.fromarray(np.concatenate([visible, alpha], 2)).save(pairs / "vi/alpha.png")
    Image.fromarray(infrared.astype(np.uint16) * 257).save(pairs / "ir/deep.png")
    Image.fromarray(visible).convert("CMYK").save(pairs / "vi/cmyk.jpg", quality=95)
    write_png(pairs / "ir/cmyk.png", infrared)
    jpeg = io.BytesIO()
    Image.fromarray(visible).save(jpeg, "JPEG")
    (pairs / "vi/halfjpeg.jpg").write_bytes(jpeg.getvalue()[: len(jpeg.getvalue()) // 2])
    write_png(pairs / "ir/halfjpeg.png", infrared)
    return pairs


@pytest.mark.parametrize("batch", [1, 4])
def test_each_is_named_and_the_others_are_intact(spoilt: Path, tmp_path: Path, batch: int) -> None:
    def run(images: list[str], name: str) -> RunResult:
        return execute(
            RunConfig(
                method=["max"],
                dataset=["folder"],
                data_root={"folder": spoilt},
                task=["quality"],
                metrics=["EN", "VIF", "CC"],
                images=images,
                out=tmp_path / "runs",
                name=name,
                batch_size=batch,
                jobs=2,
                device="cpu",
            ),
            quiet=True,
        )

    result = run([], "all")
    reasons = result.failures["max on folder/all"]
    expected = {
        "truncated": "truncated.png: the file is truncated",
        "halfjpeg": "halfjpeg.jpg: the file is truncated",
        "empty": "empty.png: the file is empty",
        "size": "infrared and visible differ in size (96×80 and 95×80)",
        "twin": "twin.bmp and twin.png",
        "lonely": "has no visible image",
        "up..dots": "its name contains '..'; rename the file",
    }
    assert set(reasons) == set(expected)
    for name, words in expected.items():
        assert words in reasons[name]
        assert name.split(".")[0] in reasons[name]

    fused = result.folder / "fused/max/folder/all"
    assert {p.stem for p in fused.iterdir()} == set(GOOD)
    for name in ("alpha", "deep"):
        assert np.array_equal(read_image(fused / f"{name}.png"), read_image(fused / "a.png"))
    assert read_image(fused / "one.png").shape == (1, 1, 3)

    rows = RunStore.read_only(result.folder).rows()
    assert set(rows["image"]) == set(GOOD)
    table = {(r.image, r.metric): (r.value, r.reason) for r in lines_of(rows)}
    for name in ("one", "forty"):
        value, reason = table[name, "VIF"]
        assert np.isnan(value)
        assert "41" in reason
    assert table["constant", "EN"][0] == pytest.approx(0, abs=1e-9)
    assert all(reason for value, reason in table.values() if np.isnan(value)), "a NaN says why"
    for name in ("a", "b", "c", "d"):
        assert all(np.isfinite(table[name, m][0]) for m in ("EN", "VIF", "CC"))
    alone = RunStore.read_only(run(["a", "b", "c", "d"], "alone").folder).rows()
    assert all(table[r.image, r.metric][0] == r.value for r in alone.itertuples())


def test_verify_lists_them_all(spoilt: Path) -> None:
    from fusionbench.planning.selection import open_dataset

    findings = open_dataset("folder", {"folder": spoilt}).verify()
    text = "\n".join(f"{f.problem} {f.file} {f.message}" for f in findings if f.problem != "warning")
    for name in ("truncated", "halfjpeg", "empty", "size", "twin", "lonely", "up..dots"):
        assert name in text
    for name in ("alpha", "deep", "cmyk"):
        assert f"/{name}." not in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read(pairs: Path) -> None:
    (pairs / "ir").chmod(0)
    try:
        with pytest.raises(FusionBenchError, match=r"can't be read|no infrared and visible"):
            execute(RunConfig(method=["max"], dataset=["folder"], data_root={"folder": pairs}), quiet=True)
    finally:
        (pairs / "ir").chmod(0o755)


def test_a_method_that_crashes_on_one_image_keeps_the_others(pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "picky.py"
    file.write_text(
        "class Picky:\n"
        "    def __init__(self, spec, context): pass\n"
        "    def load(self, device, precision): pass\n"
        "    def fuse(self, infrared, visible):\n"
        "        if infrared.amax() > 0.999: raise ValueError('too bright')\n"
        "        return infrared\n"
    )
    for name in "abcd":
        image = np.minimum(read_image(pairs / "ir" / f"{name}.png"), 200)
        image[0, 0] = 255 if name == "c" else 0
        write_png(pairs / "ir" / f"{name}.png", image)
    for batch in (1, 4):
        result = execute(
            RunConfig(
                method=[f"{file}:Picky"],
                dataset=["folder"],
                data_root={"folder": pairs},
                task=[],
                out=tmp_path / str(batch),
                batch_size=batch,
            ),
            quiet=True,
        )
        assert result.failures == {"picky on folder/all": {"c": "ValueError: too bright"}}
        assert result.fused == 3
