"""External methods, end to end, with a stand-in repository."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from fusionbench.images.codec import read_grey, read_image, read_rgb, write_png
from fusionbench.images.grey import to_grey

from .conftest import Describe, git

Cli = Callable[..., Any]


@pytest.fixture
def run(cli: Cli, pairs: Path, tmp_path: Path) -> Cli:
    """``run(method, …)`` fuses the four pairs into tmp_path/runs/r, without scoring."""

    def call(method: str, *arguments: object) -> Any:
        return cli(*_arguments(method, pairs, tmp_path), "--device", "cpu", *arguments)

    return call


def _arguments(method: str, pairs: Path, tmp_path: Path) -> list[str]:
    return [
        "run",
        "--method",
        method,
        "--dataset",
        "folder",
        "--option",
        f"folder.ir={pairs / 'ir'}",
        "--option",
        f"folder.vi={pairs / 'vi'}",
        "--task",
        "quality",
        "--metrics",
        "EN",
        "--report",
        "table",
        "--out",
        str(tmp_path / "runs"),
        "--name",
        "r",
    ]


def fused(tmp_path: Path, name: str = "stand-in") -> dict[str, Path]:
    return {p.stem: p for p in (tmp_path / "runs" / "r" / "fused" / name).rglob("*.png")}


def manifest(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "runs" / "r" / "units").glob("fuse--*.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_fuses_in_the_clone(
    run: Cli, describe: Describe, pairs: Path, tmp_path: Path, calls: Path, clone: Path
) -> None:
    result = run(describe())
    assert result.code == 0, result.err
    images = fused(tmp_path)
    assert set(images) == {"a", "b", "c", "d"}
    for name, path in images.items():
        visible = read_rgb(pairs / "vi" / f"{name}.png")
        expected = np.maximum(read_grey(pairs / "ir" / f"{name}.png"), visible.max(axis=2))
        found = read_image(path)
        # The luma is what the script saved, the colour the visible image's (channels that clip apart).
        inside = ((found > 0) & (found < 255)).all(axis=2)
        assert inside.mean() > 0.5
        assert np.abs(to_grey(found) - expected)[inside].max() <= 1
        assert (np.ptp(found.astype(int) - visible, axis=2)[inside] <= 1).all()
    assert calls.read_text() == "000001.png 000002.png 000003.png 000004.png\n"
    kept = manifest(tmp_path)["provenance"]
    assert kept["commit"] == git(clone, "rev-parse", "HEAD")
    assert kept["repository"] == "https://example.org/stand-in"
    assert not list(tmp_path.rglob("hacked"))
    assert not list((tmp_path / "runs").rglob("work-*"))
    # The same again does nothing.
    assert run(describe()).code == 0
    assert len(calls.read_text().splitlines()) == 1


def test_only_what_is_missing_is_done_again(
    run: Cli, describe: Describe, tmp_path: Path, calls: Path, pairs: Path
) -> None:
    assert run(describe(), "--limit", "2").code == 0
    assert run(describe()).code == 0
    assert calls.read_text().splitlines() == ["000001.png 000002.png"] * 2
    write_png(pairs / "ir" / "b.png", np.full((80, 96), 255, np.uint8))  # a source that changed
    before = {n: p.read_bytes() for n, p in fused(tmp_path).items()}
    assert run(describe()).code == 0
    after = {n: p.read_bytes() for n, p in fused(tmp_path).items()}
    assert [n for n in sorted(after) if after[n] != before[n]] == ["b"]
    assert calls.read_text().splitlines()[2:] == ["000001.png"]


def test_the_script_sees_corrupted_pairs(run: Cli, describe: Describe, tmp_path: Path, pairs: Path) -> None:
    result = run(describe(), "--corrupt", "vi-gone")
    assert result.code == 0, result.err
    fused = tmp_path / "runs" / "r" / "fused" / "stand-in"
    name = "a.png"
    seen = read_image(fused / "folder@vi-gone-5" / "all" / name)
    clean = read_image(fused / "folder" / "all" / name)
    assert (to_grey(seen, "opencv") if seen.ndim == 3 else seen) == pytest.approx(
        read_grey(pairs / "ir" / name).astype(float), abs=1
    )
    assert (seen != clean).any()


def test_a_call_a_pair_and_a_call_for_all(run: Cli, describe: Describe, calls: Path) -> None:
    assert run(describe(call="pair")).code == 0
    assert calls.read_text().splitlines() == ["000001.png"] * 4
    calls.unlink()
    assert run(describe(call="split"), "--limit", "2").code == 0
    assert run(describe(call="split")).code == 0
    assert [len(line.split()) for line in calls.read_text().splitlines()] == [2, 4]


@pytest.mark.parametrize("mode", ["crash", "miss"])
def test_failures_name_the_log_and_keep_the_rest(
    run: Cli, describe: Describe, tmp_path: Path, mode: str
) -> None:
    result = run(describe(mode))
    if mode == "crash":
        assert "exit status 1" in result.err
        assert "the stand-in can't go on" in result.err
        assert "log.txt" in result.err
        (log,) = (tmp_path / "runs").rglob("log.txt")
        assert "fuse.py" in log.read_text()
    else:
        assert result.code == 1
        assert "out/000002.png" in result.err
        assert set(fused(tmp_path)) == {"a", "c", "d"}
    assert result.code == 1
    # Mended, the missing ones are done.
    assert run(describe("")).code == 0
    assert set(fused(tmp_path)) == {"a", "b", "c", "d"}


def test_many_failing_calls_are_not_all_tried(run: Cli, describe: Describe, calls: Path) -> None:
    result = run(describe("crash", call="pair"))
    assert result.code == 1
    assert len(calls.read_text().splitlines()) == 3
    assert "not tried" in result.err


def test_time_limit(run: Cli, describe: Describe, tmp_path: Path) -> None:
    child = tmp_path / "child"
    method = describe("hang", environment={"CHILD": str(child)})
    begun = time.monotonic()
    result = run(method, "--option", "stand-in.time_limit=4")
    assert time.monotonic() - begun < 60
    assert result.code == 1
    assert "stopped after 4 s" in result.err
    assert "time_limit=SECONDS" in result.err
    assert set(fused(tmp_path)) == {"a", "b"}  # finished before; the half-written third is not taken
    assert not _alive(int(child.read_text()))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_runs_go_on(
    run: Cli, describe: Describe, pairs: Path, tmp_path: Path, calls: Path, how: signal.Signals
) -> None:
    command = [
        sys.executable,
        "-c",
        (
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fusionbench.cli"
            " import main; main()"
        ),
        *_arguments(describe("hang"), pairs, tmp_path),
        "--device",
        "cpu",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: list((tmp_path / "runs").rglob("out/000003.png")))
        script = [int(p) for p in _children(process.pid)]
        process.send_signal(how)
        code = process.wait(30)
    finally:
        process.kill()
    assert code == (-9 if how == signal.SIGKILL else 130)
    _wait_for(lambda: not any(_alive(pid) for pid in script))
    result = run(describe(""))
    assert result.code == 0, result.err
    assert set(fused(tmp_path)) == {"a", "b", "c", "d"}
    assert calls.read_text().splitlines()[1:] == [
        "000001.png 000002.png"
    ]  # two were collected from the interrupted call
    assert not list((tmp_path / "runs").rglob("work-*"))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_wrong_commits_and_modified_files(run: Cli, describe: Describe, clone: Path, tmp_path: Path) -> None:
    method = describe()
    (clone / "fuse.py").write_text((clone / "fuse.py").read_text() + "\n# changed\n")
    result = run(method)
    assert result.code == 2
    assert "modified files (fuse.py)" in result.err
    git(clone, "commit", "-q", "-am", "another")
    result = run(method)
    assert result.code == 2
    assert "git -C" in result.err
    assert "checkout" in result.err
    result = run(method, "--option", "stand-in.allow_modified=true")
    assert result.code == 0, result.err
    assert manifest(tmp_path)["provenance"]["commit"] == git(clone, "rev-parse", "HEAD")


def test_copies_without_git_are_checked_file_by_file(run: Cli, describe: Describe, clone: Path) -> None:
    blob = git(clone, "hash-object", "fuse.py")
    plain = describe()
    shutil.rmtree(clone / ".git")
    # ``describe`` asks git for the commit, so the description is edited instead.
    path = Path(plain.removeprefix("external:"))
    result = run(plain)
    assert result.code == 2
    assert "isn't a git clone" in result.err
    content = yaml.safe_load(path.read_text())
    content["external"]["integrity"] = {"fuse.py": blob}
    path.write_text(yaml.safe_dump(content))
    assert run(plain).code == 0
    (clone / "fuse.py").write_text("pass\n")
    result = run(plain)
    assert result.code == 2
    assert "fuse.py" in result.err


def test_odd_sizes_are_padded_and_restored(run: Cli, describe: Describe, pairs: Path, tmp_path: Path) -> None:
    for folder in ("ir", "vi"):
        image = read_image(pairs / folder / "a.png")
        write_png(pairs / folder / "a.png", np.ascontiguousarray(image[:61, :53]))
    result = run(describe("sixteen", spec={"size_multiple": 16}))
    assert result.code == 0, result.err
    sizes = {n: read_image(p).shape[:2] for n, p in fused(tmp_path).items()}
    assert sizes == {"a": (61, 53), "b": (80, 96), "c": (80, 96), "d": (80, 96)}


def test_shrunk_outputs_are_refused_or_resized_back(run: Cli, describe: Describe, tmp_path: Path) -> None:
    result = run(describe("shrink"))
    assert result.code == 1
    assert "48×40" in result.err
    assert "resized: restore" in result.err
    result = run(describe("shrink", resized="restore"))
    assert result.code == 0, result.err
    assert all(read_image(p).shape[:2] == (80, 96) for p in fused(tmp_path).values())
    kept = [json.loads(p.read_text()) for p in (tmp_path / "runs/r/units").glob("fuse--*.json")]
    assert sorted(k["provenance"]["resized"] for k in kept if k["images"]) == [4]


def test_inputs_come_in_the_form_the_script_wants(
    run: Cli, describe: Describe, tmp_path: Path, pairs: Path
) -> None:
    method = describe(
        "hang",
        infrared_channels=3,
        visible_channels=1,
        infrared="in/thermal",
        visible="in/grey",
        suffix=".bmp",
        outputs="out/{name}.bmp",
        command=["{python}", "{clone}/fuse.py", "{work}/in/thermal", "{work}/in/grey", "{work}/out"],
    )
    seen: dict[str, np.ndarray] = {}
    from fusionbench.execution import external_stage as stage

    remove = stage._remove

    def look(work: Path) -> None:
        for path in (work / "in").rglob("000001.bmp"):
            seen[path.parent.name] = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        remove(work)

    stage._remove = look
    try:
        run(method, "--option", "stand-in.time_limit=4")
    finally:
        stage._remove = remove
    assert seen["thermal"].shape == (80, 96, 3)
    assert seen["grey"].shape == (80, 96)
    expected = np.rint(to_grey(read_rgb(pairs / "vi" / "a.png")))
    assert (seen["grey"] == expected).all()


def test_files_links_and_json(run: Cli, describe: Describe, tmp_path: Path) -> None:
    weights = tmp_path / "weights" / "stand-in.bin"
    weights.parent.mkdir()
    weights.write_bytes(b"w")
    probe = (
        "import json, sys, pathlib; c = json.loads(pathlib.Path('config.json').read_text()); "
        "assert c['steps'] == 25 and c['path']['weights'].endswith('/w/model'), c; "
        "assert pathlib.Path(c['path']['weights'] + '_gen.pth').read_bytes() == b'w'; "
        "assert json.loads(pathlib.Path('plain.json').read_text())['clone'] == sys.argv[1]; "
        "assert sys.argv[2:] == ['7', 'cpu', '4'], sys.argv"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSIONBENCH_WEIGHTS", str(weights.parent))
        result = run(
            describe(
                spec={"artifacts": [{"name": "model", "filename": "stand-in.bin"}]},
                command=["{python}", "-c", probe, "{clone}", "{seed}", "{device}", "{count}"],
                links={"w/model_gen.pth": "{weights:model}"},
                files={"plain.json": '{"clone": "{clone}"}'},
                json_files={
                    "config.json": {"source": "settings.json", "set": {"path.weights": "{work}/w/model"}}
                },
            ),
            "--seed",
            "7",
        )
    assert result.code == 1
    assert "AssertionError" not in result.err
    assert "wrote no out/" in result.err


def test_seeds_are_fixed(run: Cli, describe: Describe, tmp_path: Path) -> None:
    command = ["{python}", "{seeded}", "{seed}", "{clone}/fuse.py", "{work}/ir", "{work}/vi", "{work}/out"]
    found = []
    for seed in ("5", "5", "6"):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        result = run(describe("random", command=command, call="split"), "--seed", seed)
        assert result.code == 0, result.err
        found.append({n: read_image(p)[0, 0].tolist() for n, p in fused(tmp_path).items()})
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_two_processes(describe: Describe, pairs: Path, tmp_path: Path, calls: Path) -> None:
    # In its own process: worker processes import the main module again, which would be the test runner.
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        *_arguments(describe(), pairs, tmp_path),
        "--device",
        "cpu,cpu",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(fused(tmp_path)) == {"a", "b", "c", "d"}
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"outputs": "out/result.png"}, ["{name}"]),
        ({"outputs": "../{name}.png"}, ["below"]),
        ({"infrared": "/etc"}, ["below"]),
        ({"suffix": ".jpg"}, ["suffix"]),
        ({"visible": "ir"}, ["two folders"]),
        ({"comand": ["x"]}, ["comand"]),
        ({"python": "no-such-python"}, ["no-such-python", "interpreter"]),
        ({"clone": "/no/such/clone"}, ["/no/such/clone", "git clone"]),
        ({"clone": ""}, ["none is named", "git clone https://example.org/stand-in"]),
        ({"command": ["{python}", "{klone}/fuse.py"]}, ["{klone}", "{clone}"]),
        ({"command": ["{python}", "{weights:x}"]}, ["names none of its artifacts"]),
    ],
)
def test_mistakes_in_descriptions(
    run: Cli, describe: Describe, recipe: dict[str, Any], words: list[str]
) -> None:
    result = run(describe(**recipe))
    assert result.code in {1, 2}
    for word in words:
        assert word in " ".join(result.err.split()), result.err


def test_misused_options(run: Cli, describe: Describe) -> None:
    for option, word in (
        ("cloen=x", "clone (the folder"),
        ("call=all", "missing, split or pair"),
        ("time_limit=-1", "above 0"),
    ):
        result = run(describe(), "--option", f"stand-in.{option}")
        assert result.code == 2
        assert word in result.err
    assert run("external:/no/such.yaml").code == 2
