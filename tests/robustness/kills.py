"""Kills runs, scorings and trainings at random moments, again and again, and looks at what is left.

``python tests/robustness/kills.py --count 100``.

After each kill: every image that was saved is recorded, and no process outlives the one that was killed. When
the run is finished at last: the same bytes as an undisturbed one, no temporary file, no journal.

Runs are forked from this process, which has imported everything already, so that most of the time goes to the
runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

METHODS = ("max", "laplacian")
COUNT = 24
PATIENCE_S = 300


@dataclass(frozen=True)
class Scenario:
    """A command that is killed; ``{out}`` stands for its folder."""

    name: str
    arguments: tuple[str, ...]
    share: float
    by_time: bool = False
    """Killed after a random time, never after a number of images."""

    def command(self, out: Path) -> list[str]:
        return [a.format(out=out) for a in self.arguments]


_RUN = (
    "run",
    "--method",
    ",".join(METHODS),
    "--dataset",
    "folder",
    "--data-root",
    "folder={out}/..",
    "--task",
    "quality",
    "--metrics",
    "EN,SD",
    "--report",
    "per-image",
    "--jobs",
    "2",
    "--out",
    "{out}",
    "--name",
    "run",
    "--quiet",
    "--device",
)
_TRAINED = ("--out", "{out}/trained", "--device", "cpu", "--resume")
_SMALL_NETWORK = (
    "model.width=8",
    "model.blocks=1",
    "model.heads=2",
    "model.detail=4",
    "model.unet_width=8",
    "model.unet_multipliers=[1,1,1,1]",
    "model.hfah_width=4",
    "model.hfah_hidden=[8,8]",
    "train.checkpoint_every=2",
    "train.validate_every=100",
    "train.validation_pairs=1",
    "train.init=",
)
SCENARIOS = (
    Scenario("run, one process", (*_RUN, "cpu"), 0.45),
    Scenario("run, two processes", (*_RUN, "cpu,cpu"), 0.15),
    Scenario(
        "score",
        (
            "score",
            "{out}/../ir",
            "{out}/../vi",
            "{out}/../fused",
            "--metrics",
            "EN,SD,VIF",
            "--jobs",
            "2",
            "--csv",
            "{out}/scores.csv",
            "--per-image",
            "{out}/images.csv",
            "--quiet",
        ),
        0.2,
        by_time=True,
    ),
    Scenario(
        "train sgdfuse",
        (
            *("train", "sgdfuse", "--dataset", "folder:{out}/..", "--masks", "none", "--steps", "8"),
            *("--batch-size", "2", "--crop", "64", *_TRAINED),
            *(part for setting in _SMALL_NETWORK for part in ("--set", setting)),
        ),
        0.06,
        by_time=True,
    ),
    Scenario(
        "train segmentation",
        (
            *("train", "segmentation", "--dataset", "demo", *_TRAINED, "--epochs", "60", "--batch-size", "2"),
            *("--set", "crop=[32,32]", "--set", "encoder_weights=none", "--set", "decoder_channels=16"),
            *("--set", "dataset.train_count=4", "--set", "dataset.size=64x64"),
        ),
        0.07,
        by_time=True,
    ),
    Scenario(
        "train detection",
        (
            *("train", "detection", "--dataset", "demo", *_TRAINED, "--epochs", "7"),
            *("--set", "train_count=8", "--set", "batch=2", "--set", "image_size=64"),
        ),
        0.07,
        by_time=True,
    ),
)


@dataclass
class Outcome:
    """What was found."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def start(command: list[str], log: Path) -> int:
    """Fork a process, the leader of its own session, that runs a command line."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    from fusionbench.cli import main

    try:
        main(command)
    except SystemExit as error:
        os._exit(int(error.code or 0))
    os._exit(99)


def finished(child: int) -> int | None:
    """A child's exit code (negative: the signal), or None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def session_lives(session: int) -> bool:
    """Whether a process of a session is there, zombies aside."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            return True
    return False


def images(out: Path) -> list[Path]:
    return [p for p in (out / "run" / "fused").rglob("*.png") if not p.name.startswith(".")]


def unrecorded(out: Path) -> list[Path]:
    """The saved images that neither a journal nor a manifest knows with their digest."""
    known: set[tuple[str, str, str]] = set()
    run = out / "run"
    for journal in (run / "journal").glob("fuse--*.jsonl"):
        for line in journal.read_text().split("\n"):
            if line.startswith("[") and "\t" in line:
                image, digest, _ = json.loads(line.partition("\t")[0])
                known.add((journal.name.split("--")[1], image, digest.partition(":")[2]))
    for manifest in (run / "units").glob("fuse--*.json"):
        content = json.loads(manifest.read_text())
        known |= {(content["method"], i, d.partition(":")[2]) for i, d in content["images"].items()}
    lost = []
    for path in images(out):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        if (path.relative_to(run / "fused").parts[0], path.stem, digest) not in known:
            lost.append(path)
    return lost


def result_bytes(out: Path) -> dict[str, bytes]:
    """All that a finished command leaves, but for run.json (times) and the lock."""
    folders = ("run/fused", "run/rows", "run/units")
    paths = [p for f in folders for p in (out / f).rglob("*") if p.is_file()]
    paths += [*out.glob("*.csv"), *(out / "trained").glob("*.safetensors")]
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(paths)}


def leftovers(out: Path) -> list[str]:
    found = [str(p) for p in out.rglob("*") if p.name.endswith(".part")]
    return found + [str(p) for p in (*out.glob("run/journal/*"), *out.glob("trained/training.pt"))]


def wait(child: int) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while (code := finished(child)) is None:
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -99
        time.sleep(0.005)
    return code


def kill_at_random(child: int, out: Path, scenario: Scenario, moment: random.Random, whole_s: float) -> bool:
    """Kill a run after a random number of images, or a random time. False if it was faster."""
    begun, before = time.monotonic(), len(images(out))
    more = moment.randrange(1, COUNT // 2)
    by_time = scenario.by_time or moment.random() < 0.3
    limit = moment.random() * whole_s
    while finished_code(child) is None:
        if by_time and time.monotonic() - begun > limit:
            break
        if not by_time and len(images(out)) - before >= more:
            time.sleep(moment.random() * 0.01)
            break
        time.sleep(0.001)
    if finished_code(child) is not None:
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


_codes: dict[int, int] = {}


def finished_code(child: int) -> int | None:
    if child not in _codes:
        code = finished(child)
        if code is None:
            return None
        _codes[child] = code
    return _codes[child]


def attack(scenario: Scenario, root: Path, count: int, moment: random.Random, outcome: Outcome) -> None:
    """Kill one command ``count`` times, in folders that are finished after a few kills each."""
    log = root / "log.txt"
    undisturbed, begun = root / "undisturbed", time.monotonic()
    undisturbed.mkdir(parents=True)
    code = wait(start(scenario.command(undisturbed), log))
    whole_s = time.monotonic() - begun
    if code != 0:
        outcome.faults.append(
            f"{scenario.name}: an undisturbed run ended with {code}: {log.read_text()[-2000:]}"
        )
        return
    expected = result_bytes(undisturbed)
    folder = 0
    while outcome.kills[scenario.name] < count:
        folder += 1
        out = root / f"killed-{folder}"
        out.mkdir()
        for _ in range(moment.randrange(1, 5)):
            child = start(scenario.command(out), log)
            if not kill_at_random(child, out, scenario, moment, whole_s):
                break
            outcome.kills[scenario.name] += 1
            deadline = time.monotonic() + 20
            while session_lives(child) and time.monotonic() < deadline:
                time.sleep(0.01)
            if session_lives(child):
                outcome.faults.append(f"{scenario.name}: a process outlives the one that was killed")
            for path in unrecorded(out):
                outcome.faults.append(f"{scenario.name}: {path} was saved and isn't recorded")
            if outcome.kills[scenario.name] >= count:
                break
        begun = time.monotonic()
        code = wait(start(scenario.command(out), log))
        whole_s = min(whole_s, 2 * (time.monotonic() - begun))  # the first run may have met a busy machine
        if code != 0:
            outcome.faults.append(
                f"{scenario.name}: the resumed run ended with {code}: {log.read_text()[-2000:]}"
            )
        found = result_bytes(out)
        different = [n for n in sorted({*expected, *found}) if found.get(n) != expected.get(n)]
        if different:
            outcome.faults.append(f"{scenario.name}: other bytes: {', '.join(different[:5])}")
        outcome.faults += [f"{scenario.name}: left over: {path}" for path in leftovers(out)]


def make_folders(root: Path) -> None:
    """Sources and fused images for ``score``."""
    from fusionbench.datasets.demo.dataset import render_pair
    from fusionbench.images.codec import write_png

    for index in range(COUNT):
        pair = render_pair("test", index, 64, 48)
        for side, image in (("ir", pair.infrared), ("vi", pair.visible), ("fused", pair.visible)):
            write_png(root / side / f"{index:02}.png", image)


def main() -> int:
    """Run the attack; returns how many faults were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="kills")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--only", default="", help="only scenarios whose name contains this")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    import fusionbench.execution.fusing
    import fusionbench.execution.runner
    import fusionbench.rendering  # noqa: F401
    from fusionbench.store.provenance import provenance

    torch.set_num_threads(1)
    provenance()  # asks git, once for all runs
    outcome, moment, begun = Outcome(), random.Random(options.seed), time.monotonic()
    chosen = [s for s in SCENARIOS if options.only in s.name]
    total = sum(s.share for s in chosen)
    with tempfile.TemporaryDirectory(prefix="fusionbench-kills-") as folder:
        for number, scenario in enumerate(chosen):
            root = Path(folder) / str(number)
            make_folders(root)
            known = len(outcome.faults)
            attack(scenario, root, max(1, round(options.count * scenario.share / total)), moment, outcome)
            print(f"{scenario.name}: {outcome.kills[scenario.name]} kills", flush=True)
            for fault in outcome.faults[known:]:
                print(f"FAULT {fault}", flush=True)
    print(
        f"seed {options.seed}: {sum(outcome.kills.values())} kills, {len(outcome.faults)} faults, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return min(len(outcome.faults), 1)


if __name__ == "__main__":
    sys.exit(main())
