"""What a user's method may do wrong: each is failed or warned of by name, and the images after it are right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fusionbench.contracts.dataset import DatasetSpec, Pair, PairImages
from fusionbench.contracts.evaluator import EvaluatorSpec
from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.contracts.report import ReportSpec
from fusionbench.errors import FusionBenchError, InputError
from fusionbench.execution.fusing import MethodFuser
from fusionbench.plugins import catalog
from fusionbench.plugins.guard import EndedByPlugin, guarded
from fusionbench.plugins.user_file import user_method

Fuse = Callable[[torch.Tensor, torch.Tensor], Any]


class Bad:
    """A method whose ``fuse`` is the function in its options."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self.function: Fuse = context.options["function"]

    def load(self, device: torch.device, precision: str) -> None:
        pass

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> Any:
        return self.function(infrared, visible)


def fuser(function: Fuse) -> MethodFuser:
    sys.modules["fusionbench_bad_method"] = types.SimpleNamespace(Bad=Bad)  # type: ignore[assignment]
    spec = MethodSpec(name="bad", title="Bad", factory="fusionbench_bad_method:Bad")
    return MethodFuser(spec, MethodContext(options={"function": function}), "cpu", "fp32")


PAIR = Pair("scene")
RNG = np.random.default_rng(5)
IMAGES = PairImages(RNG.integers(0, 256, (20, 24), np.uint8), RNG.integers(0, 256, (20, 24, 3), np.uint8))


def fuse(method: MethodFuser) -> np.ndarray[Any, Any]:
    return method.fuse([PAIR], [IMAGES])[0]


def ends(how: Callable[[], Any]) -> Fuse:
    def function(infrared: torch.Tensor, visible: torch.Tensor) -> Any:
        how()
        return infrared

    return function


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (sys.exit, "sys.exit()"),
        (lambda: sys.exit(0), "sys.exit(0)"),
        (lambda: os._exit(0), "os._exit(0)"),
        (lambda: (_ for _ in ()).throw(GeneratorExit()), "GeneratorExit"),
    ],
)
def test_a_method_cant_end_the_process(how: Callable[[], Any], said: str) -> None:
    real = os._exit
    with pytest.raises(EndedByPlugin, match="bad tried to end the process") as caught:
        fuse(fuser(ends(how)))
    assert said in str(caught.value)
    assert os._exit is real


def test_ctrl_c_stays_what_it_is() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fuse(fuser(ends(interrupt)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda ir, vi: torch.maximum(ir, vi) * 255, "divide by 255"),
        (lambda ir, vi: (ir * 255).byte(), "uint8 values"),
        (lambda ir, vi: ir > 0.5, "bool values"),
        (lambda ir, vi: ir.to(torch.complex64), "complex64 values"),
        (lambda ir, vi: ir * float("nan"), "non-finite"),
        (lambda ir, vi: ir + float("inf"), "non-finite"),
        (lambda ir, vi: ir[..., :-1], "returned shape"),
        (lambda ir, vi: ir.numpy(), "returned ndarray"),
        (lambda ir, vi: None, "returned NoneType"),
    ],
)
def test_wrong_images_are_refused_by_name(function: Fuse, said: str) -> None:
    with pytest.raises(FusionBenchError, match="bad") as caught:
        fuse(fuser(function))
    assert said in str(caught.value)


def test_another_range_is_said_once() -> None:
    method = fuser(lambda ir, vi: torch.maximum(ir, vi) * 2 - 1)
    fuse(method)
    fuse(method)
    (warning,) = method.warnings
    assert "(x + 1) / 2" in warning
    assert method.provenance()["warnings"] == [warning]


def test_a_small_overshoot_is_nothing() -> None:
    method = fuser(lambda ir, vi: ir * 1.06 - 0.03)
    fuse(method)
    assert method.warnings == []


def test_double_precision_is_right() -> None:
    assert np.array_equal(fuse(fuser(lambda ir, vi: ir.double())), fuse(fuser(lambda ir, vi: ir)))


def test_changed_inputs_change_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that changes its inputs and runs out of memory gets the same pixels at the second try."""
    tries = []

    def changes(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        result = (infrared + visible) / 2
        infrared.zero_()
        visible.fill_(1)
        tries.append(len(result))
        if len(tries) == 1:
            raise MemoryError
        return result

    before = IMAGES.infrared.copy(), IMAGES.visible.copy()
    found = fuser(changes).fuse([PAIR, PAIR], [IMAGES, IMAGES])
    assert tries == [2, 1, 1]
    assert np.array_equal(before[0], IMAGES.infrared)
    assert np.array_equal(before[1], IMAGES.visible)
    expected = fuse(fuser(lambda ir, vi: (ir + vi) / 2))
    assert all(np.array_equal(image, expected) for image in found)


def test_what_a_method_changes_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def changes() -> None:
        os.chdir("/")
        torch.set_default_dtype(torch.float64)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    method = fuser(ends(changes))
    fuse(method)
    assert Path.cwd() == tmp_path
    assert torch.get_default_dtype() == torch.float32
    assert signal.getsignal(signal.SIGTERM) == handler
    assert [w.split(";")[0] for w in method.warnings] == [
        "bad changes the working folder",
        "bad replaces the handlers of SIGINT or SIGTERM",
        "bad changes torch's default dtype",
    ]


def test_a_forked_copy_never_comes_back(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    children = []

    def forks() -> None:
        children.append(os.fork())

    method = fuser(ends(forks))
    fuse(method)
    with seen.open("a") as file:
        file.write("here\n")
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == 70
    assert seen.read_text() == "here\n"
    assert ["forks this process" in w for w in method.warnings] == [True]


def test_other_threads_may_end_the_process() -> None:
    """The thread that ends an orphaned worker isn't a plugin's."""
    ended = []

    def run() -> None:
        try:
            os._exit(3)
        except BaseException as error:
            ended.append(error)

    child = os.fork()
    if child == 0:
        with guarded("bad"):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        os._exit(9)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3


NAMES = ["../../../../escaped", "a/b", "", ".", "..", "a[/b]", "/etc", "x\0y", "a b", "\x1b[31m", "n" * 200]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_plugins_are_plain(name: str) -> None:
    for make in (MethodSpec, DatasetSpec, ReportSpec):
        with pytest.raises(ValidationError, match="name"):
            make(name=name, title="T")
    with pytest.raises(ValidationError, match="name"):
        EvaluatorSpec(name=name, title="T", task="t")


def test_every_built_in_name_is_plain() -> None:
    for plugins in (catalog.methods, catalog.datasets, catalog.evaluators, catalog.reports):
        for name in plugins.all():
            MethodSpec(name=name, title="T")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            (
                "from fusionbench.contracts import MethodSpec\n"
                "class M:\n    spec = MethodSpec(name='../../escaped', title='E')\n"
            ),
            "isn't a plain name",
        ),
        ("import sys\nsys.exit(0)\n", "tried to end the process"),
        ("import os\nos._exit(0)\n", "tried to end the process"),
    ],
)
def test_method_files_are_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "method.py"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        user_method(f"{file}:M")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_native_code_that_crashes_is_named(tmp_path: Path) -> None:
    """Nothing can be caught then; the last words name the plugin's file and line."""
    method = tmp_path / "crashing.py"
    method.write_text(
        "import ctypes\n\n\nclass Crash:\n    def __init__(self, spec, context): pass\n"
        "    def load(self, device, precision): pass\n"
        "    def fuse(self, infrared, visible): ctypes.string_at(0)\n"
    )
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        "run",
        "-m",
        f"{method}:Crash",
        "-d",
        "demo",
        "--limit",
        "1",
    ]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGSEGV
    assert f'"{method}", line 7 in fuse' in done.stderr
