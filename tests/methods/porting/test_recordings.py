"""Each port still computes on a small scene what it did when it equalled the official code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.images.codec import read_grey, read_rgb
from fusionbench.images.quantisation import finish
from fusionbench.methods.porting.recordings import (
    GRID,
    SCENE,
    fixture,
    fuse_scene,
    main,
    ports,
    read_recording,
    record,
    write_recording,
)

FOLDER = Path(__file__).resolve().parents[2] / "goldens" / "ports"


@pytest.mark.parametrize("method", ports())
def test_computes_what_was_recorded(method: str) -> None:
    torch.set_num_threads(1)
    recording = read_recording(method, FOLDER)
    infrared, visible = read_grey(FOLDER / SCENE[0]), read_rgb(FOLDER / SCENE[1])
    spec, network = fixture(method, recording.gain)
    fused = fuse_scene(spec, network, infrared, visible, torch.float32)
    # The noise was measured on one processor; others round elsewhere.
    tolerance = max(1e-5, 4 * recording.noise)
    np.testing.assert_allclose(fused[:, *GRID], recording.samples, rtol=0, atol=tolerance)
    found = (fused.mean(), fused.std(), fused.min(), fused.max())
    expected = (recording.mean, recording.deviation, recording.low, recording.high)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    pixels = finish(fused, visible, spec)[GRID].astype(int)
    assert np.abs(pixels - np.array(recording.pixels)).max() <= 1


def test_every_recording_belongs_to_a_port() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} <= set(ports())


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    recording = record("reconet", 0.6, FOLDER)
    write_recording("reconet", recording, tmp_path)
    assert read_recording("reconet", tmp_path) == recording


def test_what_shows_nothing_is_not_recorded() -> None:
    with pytest.raises(InputError, match="shows nothing"):
        record("reconet", 1e-3, FOLDER)


def test_missing_recordings_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recordings reconet` once its parity holds"):
        read_recording("reconet", tmp_path)
    for name in SCENE:
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    main(["reconet", "--gain", "0.6", "--folder", str(tmp_path)])
    assert read_recording("reconet", tmp_path).gain == 0.6
