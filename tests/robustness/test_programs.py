"""Programs that print without end, or leave children behind: the log stays small, nothing stays running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fusionbench.errors import MissingRepositoryError
from fusionbench.external import process
from fusionbench.external.process import run_logged
from fusionbench.external.reading import read_method
from fusionbench.external.setting import check_setting

GRANDCHILD = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(300)"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(float(sys.argv[2]))
"""


def run(code: str, folder: Path, *arguments: str, time_limit: float = 60) -> str:
    return run_logged(
        [sys.executable, "-S", "-c", code, *arguments],
        directory=folder,
        environment={},
        log=folder / "log.txt",
        time_limit=time_limit,
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_logs_are_capped_and_keep_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 100_000)
    code = (
        "import sys\nfor _ in range(40): sys.stdout.write('x' * 100_000)\nsys.exit('the reason at the end')"
    )
    said = run(code, tmp_path)
    assert "the reason at the end" in said
    text = (tmp_path / "log.txt").read_text()
    assert len(text) < 100_000 + 2 * process.LAST_BYTES + 200
    assert "bytes left out" in text
    run(code, tmp_path)  # a log that is full already gets ends alone
    assert (tmp_path / "log.txt").stat().st_size < 100_000 + 4 * process.LAST_BYTES + 1000


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")
@pytest.mark.parametrize("stays", [0.0, 100.0])
def test_grandchildren_end_with_the_call(tmp_path: Path, stays: float) -> None:
    said = run(GRANDCHILD, tmp_path, str(tmp_path / "pid"), str(stays), time_limit=2)
    assert ("stopped after 2 s" in said) == bool(stays)
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")
def test_nothing_outlives_a_killed_run(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fusionbench.external.process import run_logged\n"
        "run_logged(sys.argv[2:], directory=Path(sys.argv[1]), environment={}, "
        "log=Path(sys.argv[1]) / 'log.txt', time_limit=60)"
    )
    command = [sys.executable, "-S", "-c", GRANDCHILD, str(tmp_path / "pid"), "100"]
    ours = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), *command])
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    children = Path(f"/proc/{ours.pid}/task/{ours.pid}/children").read_text().split()
    os.kill(ours.pid, signal.SIGKILL)
    ours.wait()
    watched = [*map(int, children), int((tmp_path / "pid").read_text())]
    wait_for(lambda: not any(map(alive, watched)))


def test_the_way_it_ended_is_said(tmp_path: Path) -> None:
    assert run("", tmp_path) == ""
    assert "exit status 3" in run("raise SystemExit(3)", tmp_path)
    assert "ended by SIGSEGV" in run("import os; os.kill(os.getpid(), 11)", tmp_path)
    assert "ended by SIGKILL; memory may" in run("import os; os.kill(os.getpid(), 9)", tmp_path)
    no_program = run_logged(
        ["no-such-program"], directory=tmp_path, environment={}, log=tmp_path / "log.txt", time_limit=5
    )
    assert "can't be started" in no_program


def test_a_copy_without_git_runs_where_no_commit_is_named(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "t.py").write_text("pass\n")
    file = tmp_path / "x.yaml"
    content = {
        "name": "copy",
        "external": {"command": ["{python}", "{clone}/t.py"], "clone": "clone", "python": sys.executable},
    }
    file.write_text(yaml.safe_dump(content))
    spec = read_method(file)
    before = check_setting(spec, {})
    assert before.state.startswith("files ")
    assert before.modified == ()
    (clone / "weights.bin").write_bytes(b"123")
    assert check_setting(spec, {}).state == before.state
    (clone / "t.py").write_text("print()\n")
    assert check_setting(spec, {}).state != before.state
    file.write_text(yaml.safe_dump({**content, "commit": "1" * 40}))
    with pytest.raises(MissingRepositoryError, match="leave 'commit' out"):
        check_setting(read_method(file), {})
