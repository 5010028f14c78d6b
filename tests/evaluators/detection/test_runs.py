"""Detection from the command line: protocols on the demo scenes, and what users get wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionbench.evaluators.detection.judge import retraining
from fusionbench.evaluators.detection.judge.network import load_network
from fusionbench.evaluators.judging.neutral import DESCRIPTION

TINY = ("--jobs", 1, "--option", "demo.size=96x80", "--option", "demo.train_count=3")


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.concat(map(pd.read_parquet, (folder / "rows").glob("*.parquet")), ignore_index=True)


def test_the_shipped_judge_finds_objects_in_two_scenes(cli: Any, tmp_path: Path) -> None:
    result = cli(
        "run",
        "-m",
        "average",
        "-d",
        "demo",
        "-t",
        "detection",
        "--limit",
        2,
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
    )
    assert result.code == 0, result.err
    rows = rows_of(tmp_path / "r")
    assert set(rows.method) == {"average", "infrared", "visible"}
    assert rows.convention.str.startswith("demo-det/demo-yolo@").all()
    recall = rows[(rows.metric == "Recall") & (rows.class_name == "")].set_index("method").value
    assert recall["average"] > 0.3
    for file in (tmp_path / "r/details").glob("*/about.json"):
        about = json.loads(file.read_text())
        assert (
            about["judge_training"]
            == f"demo/train, {DESCRIPTION}, 600 pairs, 21 epochs, seed 0, from random weights"
        )
        assert len(about["images"]) == 2


def test_zero_shot_by_a_named_file_and_again_without_work(cli: Any, judge: Path, tmp_path: Path) -> None:
    command = (
        "run",
        "-m",
        "max",
        "-d",
        "demo",
        "-t",
        "detection",
        "--limit",
        2,
        *TINY,
        "--convention",
        "det-zeroshot",
        "--task-option",
        f"detection.model={judge}",
        "--task-option",
        "detection.image_size=96",
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
    )
    first = cli(*command)
    assert first.code == 0, first.err
    assert rows_of(tmp_path / "r").convention.str.startswith("det-zeroshot/tiny@").all()
    assert "0 images fused, 0 scored" in cli(*command).out


def test_retrained_on_each_methods_own_images(
    cli: Any, architecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (
        "run",
        "-m",
        "max",
        "-d",
        "demo",
        "-t",
        "detection",
        "--limit",
        2,
        *TINY,
        "--convention",
        "det-retrain",
        "--seeds",
        1,
        "--task-option",
        f"detection.model={architecture}",
        "--task-option",
        "detection.image_size=96",
        "--task-option",
        "detection.epochs=1",
        "--task-option",
        "detection.batch=2",
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
    )
    first = cli(*command)
    assert first.code == 0, first.err
    assert (
        len(list((tmp_path / "r/cache/detection").glob("*/judge.safetensors"))) == 3
    )  # max and both sensors
    before = rows_of(tmp_path / "r")
    monkeypatch.setattr(retraining, "train", None)  # nothing may train again
    assert cli(*command, "--overwrite", "always").code == 0
    pd.testing.assert_frame_equal(before, rows_of(tmp_path / "r"))


def test_a_judge_is_trained_by_the_command_and_can_be_used(
    cli: Any, architecture: Path, tmp_path: Path
) -> None:
    settings = {"architecture": architecture, "train_count": 2, "image_size": 64, "epochs": 1, "batch": 2}
    command = [
        "train",
        "detection",
        "--dataset",
        "demo",
        "--out",
        tmp_path / "j",
        *(w for k, v in settings.items() for w in ("--set", f"{k}={v}")),
    ]
    result = cli(*command)
    assert result.code == 0, result.err
    network, names = load_network(tmp_path / "j/judge.safetensors")
    assert names == ("person", "bike", "car")
    assert not network.training
    again = cli(*command)
    assert again.code == 2
    assert "already holds a training; pass --resume" in again.err


@pytest.fixture
def boxed(pairs: Path) -> Path:
    """The pair folder with a box file for each pair: a good one, one with a bad line, an empty one, one with
    odd boxes.
    """
    texts = {
        "a": "0 0.5 0.5 0.2 0.2\n",
        "b": "0 0.5 0.5 0.2 0.2\n0 0.5 wide\n",
        "c": "",
        "d": "0 0.95 0.5 0.3 0.2\n7 0.5 0.5 0.1 0.1\n0 40 30 20 10\n",
    }
    (pairs / "boxes").mkdir()
    for name, text in texts.items():
        (pairs / "boxes" / f"{name}.txt").write_text(text)
    return pairs


def on_folder(root: Path, tmp_path: Path, *more: object) -> tuple[object, ...]:
    return (
        "run",
        "-m",
        "max",
        "-d",
        "folder",
        "--data-root",
        root,
        "--option",
        "folder.box_classes=person,car",
        "-t",
        "detection",
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
        "--task-option",
        "detection.image_size=96",
        *more,
    )


def test_bad_box_files_are_named_with_file_and_line_and_the_rest_is_scored(
    cli: Any, boxed: Path, judge: Path, tmp_path: Path
) -> None:
    result = cli(*on_folder(boxed, tmp_path, "--task-option", f"detection.model={judge}"))
    assert result.code == 1  # one pair was left out
    told = " ".join(result.err.split())
    assert "det-zeroshot on folder/all: b:" in told
    assert "b.txt, line 2: expected 'class cx cy width height'" in told
    assert (
        told.count(
            "d.txt, line 2: the class 7 is unknown and left out; the dataset's classes are 0 to 1 (person,"
            " car)"
        )
        == 1
    )
    assert told.count("d.txt, line 1: reaches beyond the 96×80 image and is clipped to it") == 1
    assert "d.txt, line 3: has less than a pixel" in told
    rows = rows_of(tmp_path / "r")
    assert set(rows[rows.value.notna() & (rows.image != "")].image) == {"a", "c", "d"}
    again = cli(*on_folder(boxed, tmp_path, "--task-option", f"detection.model={judge}"))
    assert again.code == 1  # still left out, though nothing was done


def test_a_checkpoint_of_another_architecture(cli: Any, boxed: Path, tmp_path: Path) -> None:
    from fusionbench.evaluators.segmentation.weight_artifacts import DEMO_SEGMENTER
    from fusionbench.files.artifacts import locate

    result = cli(*on_folder(boxed, tmp_path, "--task-option", f"detection.model={locate(DEMO_SEGMENTER)}"))
    assert result.code == 1
    assert "holds no detector of ours" in result.err
    assert "Name a YOLO detection checkpoint" in result.err


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "yolov5nu.pt",
            ["yolov5nu.pt is not in", "fusionbench weights fetch yolov5nu", "detection.model=PATH"],
        ),
        (
            "yolov9c.pt",
            [
                "detection.model=yolov9c.pt: there is no such file here",
                "name one that is known: yolov5n.pt, yolov5nu.pt",
            ],
        ),
    ],
)
def test_a_judge_that_is_not_at_hand_is_asked_for_before_the_work_and_never_fetched(
    cli: Any, boxed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, words: list[str]
) -> None:
    def no_network(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)
    monkeypatch.setattr(socket, "socket", no_network)
    result = cli(*on_folder(boxed, tmp_path, "--task-option", f"detection.model={model}"))
    assert result.code == 2
    assert all(w in result.err for w in words), result.err
    assert not (tmp_path / "r" / "fused").exists()


def test_fetching_a_judge_without_a_network_says_so(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    result = cli("weights", "fetch", "yolov5nu")
    assert result.code != 0
    assert "yolov5nu.pt could not be downloaded" in result.out
    assert "name resolution" in result.out
    assert "Check the network or proxy" in result.out


def test_a_dataset_without_boxes_is_skipped_with_the_reason(cli: Any, pairs: Path, tmp_path: Path) -> None:
    result = cli(
        "run",
        "-m",
        "max",
        "-d",
        "folder",
        "--data-root",
        pairs,
        "-t",
        "quality,detection",
        "--metrics",
        "EN",
        "--out",
        tmp_path,
        "-n",
        "r",
        "--report",
        "table",
    )
    assert "detection on folder: skipped, the dataset has no boxes" in result.out + result.err
    assert result.code == 0
