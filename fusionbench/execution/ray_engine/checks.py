"""What every node must have, looked at before the work starts; each error names the node."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from ...contracts.dataset import Pair
from ...errors import FusionBenchError, InputError, MissingDataError, MissingWeightsError
from ...files import artifacts
from ...files.remote import mirror_folder, url_of
from ...planning.plan import Plan
from ...planning.selection import current_fingerprint, resolve_methods
from ...planning.unit_keys import method_identity_hash
from ...planning.units import PlannedMethod
from ...store.provenance import provenance
from ...terminal.progress import ProgressDisplay
from . import connection
from .pieces import Setting
from .places import SENT_BYTES, Packed, Place, send_files

PATIENCE_S = 180.0
_SAMPLES = 3


@dataclass(frozen=True)
class Seen:
    """What a node sees: the run folder, each root (by path), and what is wrong with methods."""

    run_folder: bool
    roots: Mapping[str, bool]
    problems: Sequence[str]


def versions() -> dict[str, str]:
    """What must be the same everywhere: numbers depend on it."""
    about = provenance()
    packages = {name: str(version) for name, version in about["packages"].items() if version}
    return {"Python": platform.python_version(), "fusionbench": about["fusionbench"], **packages}


def check_versions(own: Mapping[str, str], found: Mapping[str, Mapping[str, str] | str]) -> None:
    """Raise ``InputError`` that names the nodes (by what ``found`` calls them) whose versions differ.

    A node that can't import fusionbench has a text instead.
    """
    lines = []
    for node, theirs in found.items():
        if isinstance(theirs, str):
            lines.append(f"  {node}: {theirs}")
            continue
        differ = [n for n in own if theirs.get(n) != own[n]]
        lines += [f"  {node}: {n} {theirs.get(n, 'is missing')}, here {own[n]}" for n in differ]
    if lines:
        raise InputError(
            "the nodes don't have the same software, and numbers depend on it. Install the same versions on all "
            "nodes (constraints.txt pins them):\n" + "\n".join(lines)
        )


def _version_probe() -> Callable[[], Any]:
    """A function that travels by value: a node without fusionbench can run it."""

    def probe() -> Any:
        try:
            from fusionbench.execution.ray_engine.checks import versions as found
        except Exception as error:
            return f"can't import fusionbench ({type(error).__name__}: {error})"
        return found()

    return probe


def on_all(nodes: Sequence[connection.Node], function: Any, *arguments: Any) -> dict[connection.Node, Any]:
    """What a function returns on each node. Raises ``InputError`` that names a node which doesn't answer."""
    remote = ray.remote(num_cpus=0, max_retries=0)(function)
    refs = {n: remote.options(scheduling_strategy=connection.on_node(n)).remote(*arguments) for n in nodes}
    found = {}
    for node, ref in refs.items():
        try:
            found[node] = ray.get(ref, timeout=PATIENCE_S)
        except ray.exceptions.RayError as error:
            raise InputError(f"{node}: doesn't answer ({type(error).__name__}: {error})") from error
    return found


def look(setting: Setting, folder: Path, packed: bytes) -> Seen:
    """What the node that this runs on sees of the run folder, sample files and methods."""
    samples, methods = Packed(packed).open()
    if setting.cwd.is_dir():
        os.chdir(setting.cwd)
    roots = {
        root: all(path.is_file() and path.stat().st_size == size for path, size in files)
        for root, files in samples.items()
    }
    problems = []
    for method, expected in methods:
        try:
            if _identity(method, setting) != expected:
                problems.append(f"{method.name}: its code, weights or options aren't those of the driver")
        except FusionBenchError as error:
            problems.append(f"{method.name}: {error}")
    return Seen((folder / setting.token).is_file(), roots, problems)


def _identity(method: PlannedMethod, setting: Setting) -> str:
    """What the method's pixels depend on, on this machine. Raises ``FusionBenchError`` for what is missing."""
    for artifact in method.spec.artifacts:
        if not artifact.optional and (missing := artifacts.absence(artifact)):
            raise MissingWeightsError(str(missing))
    if ".py:" in method.text:
        resolve_methods(method.text, setting.config)
    return method_identity_hash(replace(method, fingerprint=current_fingerprint(method)), setting.config)


class NodeCheck:
    """What the nodes of a plan must have. ``roots`` are the folders that the run reads, with the files that it
    needs."""

    def __init__(self, plan: Plan, setting: Setting, folder: Path) -> None:
        self._setting, self._folder = setting, folder
        self.roots = _roots(plan)
        methods = {g.method.name: g.method for g in plan.groups if g.method.folder is None}
        samples = {str(r): [(p, p.stat().st_size) for p in _sample(f)] for r, f in self.roots.items()}
        expected = [(method, _identity(method, setting)) for method in methods.values()]
        self._packed = Packed.of((samples, expected), (), "the methods").data

    def look_at(self, nodes: Sequence[connection.Node]) -> dict[connection.Node, Seen]:
        """What nodes see. Raises ``InputError`` or ``MissingWeightsError`` that names those which lack
        something."""
        check_versions(versions(), {str(n): found for n, found in on_all(nodes, _version_probe()).items()})
        seen: dict[connection.Node, Seen] = on_all(nodes, look, self._setting, self._folder, self._packed)
        problems = [f"  {node}: {text}" for node, found in seen.items() for text in found.problems]
        if problems:
            raise MissingWeightsError("not all nodes have what the methods need:\n" + "\n".join(problems))
        return seen


def find_places(
    check: NodeCheck, seen: Mapping[connection.Node, Seen], progress: ProgressDisplay
) -> tuple[Place, ...]:
    """Where workers get the files that not all see. Raises ``MissingDataError`` that names the nodes."""
    places = []
    for root, files in check.roots.items():
        blind = [node for node, found in seen.items() if not found.roots[str(root)]]
        if url := url_of(root):
            places.append(Place(str(mirror_folder(url)), url))
        elif blind:
            places.append(_send(root, files, blind, progress))
    return tuple(places)


def _send(
    root: Path, files: Sequence[Path], blind: Sequence[connection.Node], progress: ProgressDisplay
) -> Place:
    size = sum(path.stat().st_size for path in files)
    names = ", ".join(map(str, blind[:3])) + (f" and {len(blind) - 3} more" if len(blind) > 3 else "")
    if size > SENT_BYTES:
        raise MissingDataError(
            f"{root}: is not there on {names}, and {size / 1e6:,.0f} MB are too much to send (up to "
            f"{SENT_BYTES / 1e6:,.0f} MB are). Put the data on a path that all nodes see, or in object storage "
            "(--data-root s3://…)"
        )
    progress.message(f"{root}: is not there on {names}; {size / 1e6:,.1f} MB are sent to the workers")
    return send_files(root, files)


def _roots(plan: Plan) -> dict[Path, list[Path]]:
    """The folders that the run reads, with the files in them that it needs."""
    files: dict[tuple[str, str], set[Path]] = {}
    for group in plan.groups:
        wanted = files.setdefault((group.dataset.name, ""), set())
        pairs: list[Pair] = [*group.dataset.pairs, *group.dataset.frames.values()]
        pairs += [p for s in group.scores for p in (*(s.pairs or ()), *s.training_pairs)]
        wanted |= {f for p in pairs for f in _files_of(p) if f.is_file()}
        if group.method.folder is not None and group.method.folder.is_dir():
            found = {f for f in group.method.folder.iterdir() if f.is_file()}
            files.setdefault((group.method.name, group.dataset.name), set()).update(found)
    roots: dict[Path, list[Path]] = {}
    for found in files.values():
        paths = sorted(Path(os.path.abspath(f)) for f in found)
        if paths:
            roots[Path(os.path.commonpath([p.parent for p in paths]))] = paths
    return roots


def _files_of(pair: Pair) -> list[Path]:
    return [f for f in (pair.infrared, pair.visible, pair.labels, pair.boxes) if f is not None]


def _sample(files: Sequence[Path]) -> list[Path]:
    return [files[i * (len(files) - 1) // max(_SAMPLES - 1, 1)] for i in range(_SAMPLES)]
