"""Settings that nobody means: each is refused at once, in a sentence, with the documented exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fusionbench.cli.failures import sentence
from fusionbench.errors import InputError
from fusionbench.external.reading import read_method
from fusionbench.files.yaml_text import RefusedYaml, read_yaml
from fusionbench.planning.config import load, validate

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
DEEP = ["[" * 600, "- " * 5000, "{a: " * 5000, "[\n" * 50_000, "".join(" " * i + "a:\n" for i in range(900))]
RECURSIVE = "method_options: &a {max: *a}\nmethod: [max]\n"


@pytest.mark.parametrize(
    "text", [LAUGHS, RECURSIVE, *DEEP, "a: " + "b" * 2_000_000, "x: !!timestamp 2020-13-45"]
)
def test_yaml_that_explodes_is_refused_quickly(text: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    begun = time.monotonic()
    with pytest.raises(RefusedYaml):
        read_yaml(text)
    with pytest.raises(InputError, match=r"settings\.yaml"):
        load(file)
    with pytest.raises(InputError, match=r"settings\.yaml"):
        read_method(file)
    assert time.monotonic() - begun < 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither FIFOs nor /dev/zero")
def test_settings_are_read_from_regular_files_alone(tmp_path: Path) -> None:
    """A device never ends, and a FIFO waits for ever."""
    os.mkfifo(tmp_path / "fifo.yaml")
    for path in (Path("/dev/zero"), tmp_path / "fifo.yaml"):
        with pytest.raises(InputError, match=str(path)):
            load(path)
        with pytest.raises(InputError, match=str(path)):
            read_method(path)


def test_plain_yaml_is_read_as_it_is() -> None:
    text = (
        "base: &b {limit: 3}\nrun:\n  <<: *b\n  name: 2020-13-45\n  on: 2020-01-02\n  x: [1, 2.5, null,"
        " true]\n"
    )
    assert read_yaml(text)["run"] == {
        "limit": 3,
        "name": "2020-13-45",
        "on" if "on" in read_yaml(text)["run"] else True: "2020-01-02",
        "x": [1, 2.5, None, True],
    }
    with pytest.raises(yaml.YAMLError):
        read_yaml("a: [1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--option", "max.x=["),
        ("--option", "max.x=" + "[" * 500),
        ("--option", "max.x=" + "1" * 5000),
        ("--option", "max.x=!!timestamp 2020-13-45"),
        ("--seed", str(2**70)),
        ("--seed", "-1"),
        ("--jobs", str(10**9)),
        ("--name", "2020-13-45/x"),
    ],
)
def test_odd_settings_are_sentences(
    arguments: tuple[str, ...], cli: Callable[..., Any], tmp_path: Path
) -> None:
    result = cli("run", "-m", "max", "--out", tmp_path, "--dry-run", *arguments)
    assert result.code == 2
    assert result.err.startswith(("fusionbench: ", "Usage: "))
    assert "Traceback" not in result.err


def test_nul_in_any_setting_is_a_sentence() -> None:
    for values in (
        {"method": ["ma\0x"]},
        {"method": ["max"], "name": "a\0"},
        {"method": ["max"], "out": "a\0"},
    ):
        with pytest.raises(InputError, match="NUL"):
            validate(values, "test")
    with pytest.raises(InputError, match="NUL"):
        validate({"method": ["max"], "method_options": {"max": {"x": ["\0"]}}}, "test")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "memory ran out"),
        (RuntimeError("can't start new thread"), "memory ran out"),
        (ImportError("libx.so: failed to map segment from shared object"), "memory ran out"),
        (PermissionError(13, "Permission denied", "/x/report"), "/x/report: permission denied"),
        (SystemExit(0), "a plugin ended the process"),
    ],
)
def test_what_the_machine_does_is_a_sentence(error: BaseException, said: str) -> None:
    assert said in str(sentence(error))


def test_mistakes_of_ours_keep_their_traceback() -> None:
    assert sentence(KeyError("x")) is None
    assert sentence(RuntimeError("shape mismatch")) is None


@pytest.mark.parametrize("command", ["report", "train"])
def test_folders_that_cant_be_written_are_sentences(
    command: str, cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be, which stops even the superuser."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    if command == "train":
        result = cli("train", "segmentation", "--dataset", "demo", "--out", blocked / "x", "--epochs", "1")
    else:
        run = tmp_path / "runs" / "r"
        assert (
            cli(
                "run", "-m", "max", "--limit", "2", "--metrics", "EN", "-n", "r", "--out", run.parent, "-q"
            ).code
            == 0
        )
        result = cli("report", run, "--out", blocked / "x", "--report", "table")
    assert result.code in {1, 2}
    assert "Traceback" not in result.err
    assert str(blocked) in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_ends_with_130_or_143(tmp_path: Path) -> None:
    """At any moment: while Python starts, while modules load, while it runs."""
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        "run",
        "-m",
        "max",
        "--metrics",
        "EN",
        "--out",
        str(tmp_path),
        "-q",
    ]
    codes = []
    for pause in (0.02, 0.3, 1.0):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ)
        )
        time.sleep(pause)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        codes.append(process.returncode)
        assert b"Traceback" not in said
    assert set(codes) <= {130, -signal.SIGTERM, 0}
    assert codes[0] != 0
