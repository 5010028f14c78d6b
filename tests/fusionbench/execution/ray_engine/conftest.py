"""A Ray cluster of two nodes on this machine, and runs on it, in processes of their own."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("ray") is None:
    pytest.skip("needs the extra [cluster]", allow_module_level=True)

NODES = Path(__file__).with_name("nodes.py")


@contextlib.contextmanager
def nodes(*environments: dict[str, Any]) -> Iterator[str]:
    """A cluster with one node per environment; yields its address."""
    command = [sys.executable, str(NODES), json.dumps(environments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        yield next(line.strip() for line in lines if ":" in line and " " not in line.strip())
        process.stdin.close()
        process.wait(60)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two nodes with one CPU and a cache each."""
    caches = (str(tmp_path_factory.mktemp("cache")) for _ in range(2))
    with nodes(*({"FUSIONBENCH_CACHE": cache} for cache in caches)) as found:
        yield found


@dataclass
class Ran:
    """What a run did: exit code, what it said, and what ``RunResult`` holds."""

    code: int
    said: str
    folder: Path
    fused: int
    scored: int
    failures: dict[str, dict[str, str]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    """``run(name, address, *arguments)``: two methods over six demo pairs with two metrics, on the CPU; on Ray if
    there is an address, else in this process.

    ``hidden`` is a folder that only the run's own process sees: {hidden} in the arguments. ``environment`` is
    added to that of the run's process.
    """

    def call(
        name: str,
        address: str,
        *arguments: str,
        hidden: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> Ran:
        handle = os.open(hidden, os.O_RDONLY) if hidden is not None else None
        given = [a.format(hidden=f"/proc/self/fd/{handle}") for a in arguments]
        command = ["run", "--json", "--report", "per-image", "--device", "cpu", "--name", name]
        command += ["--engine", "ray", "--ray-address", address] if address else []
        for flag, value in (("--out", str(tmp_path)), ("--method", "max,laplacian"), ("--metrics", "EN,SD")):
            command += [] if flag in given else [flag, value]
        if "--dataset" not in given:
            command += ["--dataset", "demo", "--option", "demo.count=6", "--option", "demo.size=96x80"]
        command += ["--task", "quality", *given]
        try:
            code, out, said = _in_process(command) if not address else _apart(command, handle, environment)
        finally:
            if handle is not None:
                os.close(handle)
        about: dict[str, Any] = (
            json.loads(out) if out.startswith("{") else {"fused": 0, "scored": 0, "failures": {}}
        )
        folder = (hidden if hidden is not None and "--out" in arguments else tmp_path) / name
        return Ran(code, said, folder, about["fused"], about["scored"], about["failures"])

    return call


def _in_process(command: list[str]) -> tuple[int, str, str]:
    from fusionbench.cli import main

    out, said = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(said),
        pytest.raises(SystemExit) as ended,
    ):
        main(command)
    return int(ended.value.code or 0), out.getvalue(), said.getvalue()


def _apart(
    command: list[str], handle: int | None, environment: dict[str, str] | None
) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "fusionbench", *command],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        pass_fds=[handle] if handle is not None else [],
    )
    return done.returncode, done.stdout, done.stderr
