"""Trainings: one writer to a folder, leftovers removed, equal bytes, torn histories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fusionbench.errors import StoreError
from fusionbench.files.atomic import write_atomic
from fusionbench.files.claim import claimed
from fusionbench.files.history import read_history, trim_history
from fusionbench.files.safetensors_header import sorted_metadata


def test_a_second_training_in_one_folder_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fusionbench.files.claim import claimed\n"
        "with claimed(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "mine\n"
    with pytest.raises(StoreError, match="another training is writing to it"), claimed(tmp_path / "out"):
        pass
    other.communicate("")
    with claimed(tmp_path / "out"):
        pass
    with claimed(tmp_path / "out"):  # free again
        pass


def test_what_a_killed_training_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours = tmp_path / ".last.ckpt.abcdefg_.fusionbench.part"
    theirs = [tmp_path / ".mine.part", tmp_path / "notes.part", tmp_path / "below" / ours.name]
    for path in (ours, *theirs):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    with claimed(tmp_path):
        assert not ours.exists()
    assert all(path.exists() for path in theirs)


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save

    tensors = {"b": torch.arange(3.0), "a": torch.ones(2, 2)}
    names = [f"key{i}" for i in range(9)]
    files = {
        sorted_metadata(save(tensors, {n: n for n in order}))
        for order in (names, names[::-1])
        for _ in range(4)
    }
    (data,) = files
    write_atomic(tmp_path / "w.safetensors", data)
    loaded = load_file(tmp_path / "w.safetensors")
    assert torch.equal(loaded["b"], tensors["b"])
    assert sorted_metadata(save(tensors)) == save(tensors)


def test_a_torn_history_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read_history(path) == []
    path.write_bytes(
        b'{"stage": 1, "step": 5}\n{"stage": 1, "st{"stage": 1, "step": 10}\nnull\n\xff\xfe}\n{"stage": 1,'
        b' "step": 15, "loss": {}'
    )
    assert read_history(path) == [{"stage": 1, "step": 5}]
    trim_history(path, lambda line: line["step"] <= 5)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"stage": 1, "step": 5}]
    trim_history(tmp_path / "none.jsonl", lambda line: True)
    assert not (tmp_path / "none.jsonl").exists()
