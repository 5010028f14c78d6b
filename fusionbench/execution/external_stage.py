"""Runs an external method on one split before the run's own work: stage the pairs, start the script, collect
its images.

The images lie in ``<run>/external/<method>/<dataset>/<split>-<key>/`` with the script's log. A second run
does only what is missing there; what a killed script had finished is collected (where images don't depend on
each other).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..contracts.dataset import Pair
from ..errors import FusionBenchError, InputError
from ..external.outputs import StageState
from ..external.process import run_logged
from ..external.setting import check_setting, recipe_of
from ..external.staging import (
    Staged,
    Texts,
    check_tensors,
    count_outputs,
    furnish,
    read_staged,
    restore,
    stage_pair,
)
from ..files import artifacts
from ..files.atomic import write_atomic
from ..images.codec import encode_png
from .seen_pairs import load_pair
from .source_digests import seen_digest

if TYPE_CHECKING:
    from ..planning.config import RunConfig
    from ..planning.units import Group
    from ..terminal.progress import ProgressDisplay

FAILURES_IN_A_ROW = 3
"""With one call a pair: so many failed calls one after another end the attempt."""


class Stage:
    """One external method on one split. ``run`` returns "" or why the script failed."""

    def __init__(self, group: Group, config: RunConfig, device: str, progress: ProgressDisplay) -> None:
        assert group.method.folder is not None
        self.group, self.config, self.progress = group, config, progress
        self.spec, self.folder = group.method.spec, group.method.folder
        self.recipe = recipe_of(self.spec)
        self.setting = check_setting(self.spec, group.method.options)
        self.device = self.setting.device or device
        self.label = f"{group.label}, official script"
        self.dataset = group.dataset
        self._done_before = 0

    def run(self) -> str:
        """Do what is missing. Raises ``FusionBenchError`` for what is wrong before the script starts."""
        if self.recipe.device == "cuda" and not self.device.startswith("cuda"):
            raise InputError(
                f"{self.spec.name}: its official script needs a CUDA device, this run has {self.device}; "
                f"--device cuda, or --option {self.spec.name}.device=cuda:0 if only its own environment sees "
                "the GPU"
            )
        if self.config.overwrite == "always":
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = StageState.read(self.folder)
        sources = self._sources()
        self._collect_left_over(sources)
        todo = [
            p for p in self.group.dataset.pairs if p.name in sources and not self._is_done(p.name, sources)
        ]
        if not todo:
            return ""
        if self.setting.call == "split":
            todo = [p for p in self.group.dataset.pairs if p.name in sources]
        check_tensors(self.spec)
        self.state.provenance = self._provenance()
        self._done_before = len(sources) - len(todo)
        self.progress.start(self.label, len(sources), self._done_before)
        try:
            return self._calls(todo, sources)
        finally:
            self.state.write(self.folder)
            self.progress.finish(self.label)

    def _calls(self, todo: Sequence[Pair], sources: dict[str, str]) -> str:
        batches = [[p] for p in todo] if self.setting.call == "pair" else [list(todo)]
        first, in_a_row = "", 0
        for number, batch in enumerate(batches):
            failure = self._call(batch, sources)
            self.progress.update(
                self.label, self._done_before + sum(map(len, batches[: number + 1])), len(sources)
            )
            first = first or failure
            in_a_row = in_a_row + 1 if failure else 0
            if in_a_row == FAILURES_IN_A_ROW and number + 1 < len(batches):
                for pair in (p for later in batches[number + 1 :] for p in later):
                    self.state.reasons[pair.name] = f"not tried: {in_a_row} calls before it failed"
                break
        return first

    def _call(self, pairs: Sequence[Pair], sources: dict[str, str]) -> str:
        """Start the script once. Returns "" or why it failed."""
        work = Path(tempfile.mkdtemp(prefix="work-", dir=self.folder)).resolve()
        staged = self._stage(work, pairs, sources)
        if not staged:
            _remove(work)
            return ""
        _record_of(work).write_text(json.dumps([asdict(s) for s in staged]))
        texts = Texts(
            self.spec, self.setting, work=work, device=self.device, seed=self.config.seed, count=len(staged)
        )
        furnish(self.recipe, texts, self.setting.clone, work)
        variables = {
            **self.recipe.environment,
            **(self.recipe.trusting if self.setting.trust_weights else {}),
        }
        failure = run_logged(
            texts.command(),
            directory=Path(texts.fill(self.recipe.directory)),
            environment={k: texts.fill(v) for k, v in variables.items()},
            log=self.folder / "log.txt",
            time_limit=self.setting.time_limit
            or self.recipe.seconds_to_start + len(staged) * self.recipe.seconds_a_pair,
            watch=lambda: self._show(work, staged),
        )
        if failure and self.setting.call == "split":
            for s in staged:
                self.state.reasons[s.pair] = f"the official script failed: {failure.splitlines()[0]}"
        else:
            self._collect(work, staged, failure)
        _remove(work)
        self.state.write(self.folder)
        return failure

    def _stage(self, work: Path, pairs: Sequence[Pair], sources: dict[str, str]) -> list[Staged]:
        staged: list[Staged] = []
        for pair in pairs:
            try:
                images = load_pair(self.dataset, pair).seen
            except FusionBenchError as error:  # the run itself names it too
                self.state.reasons[pair.name] = str(error)
                continue
            staged.append(stage_pair(self.spec, work, len(staged) + 1, pair.name, sources[pair.name], images))
        return staged

    def _show(self, work: Path, staged: Sequence[Staged]) -> None:
        if self.setting.call != "pair":
            done = self._done_before + count_outputs(self.recipe, work, staged)
            self.progress.update(self.label, done, self._done_before + len(staged))

    def _collect(self, work: Path, staged: Sequence[Staged], failure: str) -> None:
        """Bring the outputs home; note why others are missing."""
        pairs = {p.name: p for p in self.group.dataset.pairs}
        for s in staged:
            try:
                image, resized = restore(self.spec, work, s, load_pair(self.dataset, pairs[s.pair]).seen)
            except FusionBenchError as error:
                self.state.images.pop(s.pair, None)
                self.state.reasons[s.pair] = (
                    f"the official script failed: {failure.splitlines()[0]}"
                    if failure
                    else str(error).removeprefix(f"{s.pair}: ")
                )
                continue
            write_atomic(self.folder / f"{s.pair}.png", encode_png(image))
            self.state.keep(s.pair, s.source, resized=resized)

    def _collect_left_over(self, sources: dict[str, str]) -> None:
        """What an interrupted call had finished, then remove its folder."""
        for work in sorted(p for p in self.folder.glob("work-*") if p.is_dir()):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                if self.setting.call != "split":
                    staged = read_staged(_record_of(work).read_text())
                    same = [s for s in staged if sources.get(s.pair) == s.source]
                    self._collect(work, same, "it was interrupted")
                    self.state.write(self.folder)
            _remove(work)

    def _sources(self) -> dict[str, str]:
        """Pair → digest of its sources, of all whose sources can be read."""
        found = {}
        for pair in self.group.dataset.pairs:
            with contextlib.suppress(FusionBenchError, OSError):  # the run itself says what is wrong with it
                found[pair.name] = seen_digest(self.dataset, pair)
        return found

    def _is_done(self, name: str, sources: dict[str, str]) -> bool:
        return self.state.images.get(name) == sources[name] and (self.folder / f"{name}.png").is_file()

    def _provenance(self) -> dict[str, object]:
        return {
            "repository": self.spec.code_url,
            "commit": self.setting.state,
            "modified": list(self.setting.modified),
            "python": list(self.setting.python),
            "command": list(self.recipe.command),
            "call": self.setting.call,
            "seed": self.config.seed,
            "device": self.device,
            "weights": {
                a.name: artifacts.file_hashes(artifacts.locate(a))[0]
                for a in self.spec.artifacts
                if not a.optional
            },
        }


def run_stages(
    plan_groups: Sequence[Group], config: RunConfig, device: str, progress: ProgressDisplay
) -> dict[str, str]:
    """Run the scripts of all external methods of a plan. Returns, by fuse key, why a script failed.

    Raises ``FusionBenchError`` at the first failure if the configuration says so (``fail_fast``).
    """
    failures: dict[str, str] = {}
    for group in plan_groups:
        if group.method.spec.external is None:
            continue
        try:
            failure = Stage(group, config, device, progress).run()
        except FusionBenchError as error:
            failure = str(error)
        if failure:
            if config.fail_fast:
                raise FusionBenchError(f"{group.label}: the official script failed: {failure}")
            failures[group.fuse.key] = f"the official script failed: {failure}"
            progress.message(f"failed: {group.label}: {failures[group.fuse.key]}")
    return failures


def _record_of(work: Path) -> Path:
    return work.with_name(f"{work.name}.json")


def _remove(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    _record_of(work).unlink(missing_ok=True)
