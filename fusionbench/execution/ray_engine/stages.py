"""What runs on workers. A piece goes through three stages: its pairs are loaded (a CPU task), fused by an actor
that holds the method, and finished (a CPU task: encoded, saved, scored).

Sources and fused images stay in Ray's object store between the stages. Scoring always runs on CPUs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray

from ...contracts.dataset import Pair, PairImages
from ...errors import FusionBenchError, ImageError, InputError
from ...external.outputs import open_folder
from ...files import artifacts
from ...files.atomic import write_atomic
from ...images.codec import UInt8Array, decode_image, encode_png
from ...planning.selection import resolve_methods
from ...planning.units import PlannedDataset, PlannedMethod, ScoreUnit
from ...store.fused import fused_digest
from ...store.journal import Entry
from ...store.run_store import RunStore
from ..devices import thread_count
from ..fused_images import SavedImages
from ..fuser import Fuser
from ..image_flow import ImageFlow, fuse_batch
from ..image_pipeline import load_failure
from ..local_engine import image_evaluator, open_fuser
from ..missing import Work
from ..seen_pairs import LoadedPair, load_pair
from ..source_digests import group_sources
from ..workers import WorkerProgress, portable
from .logs import captured, tail, worker_log
from .pieces import GroupOnWorker, Piece, Setting
from .places import Packed, Sent, fetch_missing

ATTEMPTS = 3
"""So often work is tried whose worker ends."""
STAGED = "staged"
"""The sub-folder of a shared run folder where workers put images until the driver has recorded them."""

Loaded = dict[str, LoadedPair | FusionBenchError]
Fused = dict[str, UInt8Array | FusionBenchError]


@dataclass(frozen=True)
class Note:
    """What a fusing worker says beside its images."""

    where: str
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failure: FusionBenchError | None = None
    """Why the method can't be loaded."""
    log: str = ""


@dataclass
class Finished:
    """What became of a piece. ``files`` are the fused images by name: bytes, or the file where they wait."""

    where: str
    fused: list[Entry] = field(default_factory=list)
    scored: list[tuple[str, Entry]] = field(default_factory=list)
    """(unit key, entry)."""
    failures: dict[str, FusionBenchError] = field(default_factory=dict)
    files: dict[str, bytes | str] = field(default_factory=dict)
    log: str = ""


def where_am_i(device: str = "cpu") -> str:
    """This machine and the device that it works on."""
    name = ""
    if device != "cpu":
        import torch

        name = f" {device} {torch.cuda.get_device_name(device)}"
    context = ray.get_runtime_context()
    address = ray.util.get_node_ip_address()
    return f"{os.uname().nodename} ({address}, node {context.get_node_id()[:8]}){name or ' cpu'}"


def work_as(setting: Setting) -> None:
    """Let this process work as the driver does: in its folder, where that exists, and with its number of
    threads."""
    if setting.cwd.is_dir():
        os.chdir(setting.cwd)
    import torch

    torch.set_num_threads(thread_count(setting.config.jobs))


def store_here(setting: Setting) -> RunStore:
    """The run's store where this machine sees it, else one whose folder only holds caches. Raises
    ``InputError`` that names this node if it should see it and doesn't."""
    if setting.folder is None:
        return RunStore(artifacts.cache_dir() / "runs" / setting.token, keeps_images=setting.keeps_images)
    if not (setting.folder / setting.token).is_file():
        raise InputError(f"{where_am_i()}: doesn't see the run folder {setting.folder}, as the others do")
    return RunStore(setting.folder, keeps_images=setting.keeps_images)


# Loading


@ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)
def load(dataset: Sent, group: Sent, packed: Packed) -> Loaded:
    """Decode the pairs of a piece. A pair that can't be used, or whose files aren't the driver's, is an error
    in the result."""
    piece: Piece = packed.open()
    method: PlannedMethod = group.open().method
    opened: PlannedDataset = dataset.open()
    frames = [opened.frames[p.name] for p in piece.pairs if p.name in opened.frames]
    fetch_missing([f for p in [*piece.pairs, *frames] for f in (p.infrared, p.visible)], packed.places)
    folder = open_folder(method.spec, method.folder) if method.folder is not None else None
    sources, unusable = group_sources(opened, piece.pairs, folder, WorkerProgress(lambda message: None), "")
    loaded: Loaded = {}
    for batch, pair in ((b, p) for b in piece.batches for p in b):
        task = piece.tasks.get(pair.name)
        to_fuse = any(piece.tasks[p.name].fuse for p in batch if p.name in piece.tasks)
        try:
            gone = [f for f in (pair.infrared, pair.visible) if f is not None and not f.exists()]
            if gone:
                raise ImageError(f"{pair.name}: {gone[0]} isn't there on {where_am_i()}")
            if pair.name in unusable:
                raise unusable[pair.name]
            images = load_pair(opened, pair, to_fuse=to_fuse)
            if task is not None and sources[pair.name] != task.source:
                raise ImageError(
                    f"{pair.name}: on {where_am_i()} its files aren't those that the run began with"
                )
            loaded[pair.name] = images
        except Exception as error:
            loaded[pair.name] = portable(error)
    return loaded


# Fusing


@ray.remote(max_restarts=0, max_task_retries=0)
class FusingWorker:
    """Holds one method at a time on a device."""

    def __init__(self, setting: Setting) -> None:
        work_as(setting)
        self._setting, self._key = setting, ""
        self._fuser: Fuser | None = None

    def ready(self) -> Path:
        """Where its log lies."""
        return worker_log()

    @ray.method(num_returns=2)
    def fuse(self, group: Sent, packed: Packed, loaded: Loaded) -> tuple[Fused, Note]:
        """Fuse the batches of a piece; see ``fuse_piece``."""
        with captured() as log:
            where = where_am_i(self._setting.device)
            if group.key != self._key:
                self._fuser, self._key = None, ""  # first the memory of the last one
                _empty_cache(self._setting.device)
                try:
                    method = group.open().method
                    store = store_here(self._setting)
                    if ".py:" in method.text:  # its module is known here once it was read
                        resolve_methods(method.text, self._setting.config)
                    self._fuser = open_fuser(method, self._setting.config, store, self._setting.device)
                except Exception as error:
                    return {}, Note(where, failure=load_failure(error), log=tail(log))
                self._key = group.key
            assert self._fuser is not None
            return fuse_piece(self._fuser, packed.open(), loaded, where, log)


@ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1, num_returns=2)
def read_fused(group: Sent, packed: Packed, loaded: Loaded) -> tuple[Fused, Note]:
    """The stage of a method whose images were fused elsewhere: reads them."""
    method: PlannedMethod = group.open().method
    assert method.folder is not None
    with captured() as log:
        fuser = open_folder(method.spec, method.folder)
        return fuse_piece(fuser, packed.open(), loaded, where_am_i(), log)


def fuse_piece(fuser: Fuser, piece: Piece, loaded: Loaded, where: str, log: Path) -> tuple[Fused, Note]:
    """The images of a piece that must be fused, by name, or why one can't be; and the worker's note."""
    fused: Fused = {}

    def failed(name: str, error: Exception) -> None:
        fused[name] = portable(error)

    for batch in piece.batches:
        good = {p.name: images.seen for p in batch if isinstance(images := loaded[p.name], LoadedPair)}
        pairs = [p for p in batch if p.name in good]
        if any(piece.tasks[p.name].fuse for p in pairs if p.name in piece.tasks):
            found = fuse_batch(fuser, pairs, good, failed)
            fused |= {n: image for n, image in found.items() if n in piece.tasks and piece.tasks[n].fuse}
    return fused, Note(where, fuser.provenance(), list(fuser.warnings), log=tail(log))


def _empty_cache(device: str) -> None:
    if device != "cpu":
        import torch

        torch.cuda.empty_cache()


# Finishing


@ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)
def finish(setting: Setting, group: Sent, packed: Packed, loaded: Loaded, fused: Fused) -> Finished:
    """Encode what was fused, put it where the driver finds it, and score exactly those pixels."""
    piece: Piece = packed.open()
    known: GroupOnWorker = group.open()
    units = {score.id.key: score for score in known.scores}
    store = store_here(setting)
    result = Finished(where_am_i())
    with captured() as log:
        work = {
            pair.name: Work(pair, t.source, t.fuse, tuple(units[k] for k in t.scores), t.digest)
            for pair in piece.pairs
            if (t := piece.tasks.get(pair.name)) is not None
        }
        images = _Images(setting, known, piece, result.files)
        evaluators = _evaluators(group.key, known.scores, setting, store)
        flow = ImageFlow(
            _Loaded(loaded),
            images,
            lambda: _Fused(fused),
            evaluators,
            _Notes(result),
            jobs=1,
        )
        flow.run([[p] for p in piece.pairs if p.name in work], work)
        result.log = tail(log)
    return result


_built: dict[str, dict[str, Any]] = {}


def _evaluators(key: str, scores: Sequence[ScoreUnit], setting: Setting, store: RunStore) -> dict[str, Any]:
    """The evaluators of a group, built once per process."""
    if key not in _built:
        _built.clear()
        _built[key] = {s.id.key: image_evaluator(s, setting.config, "cpu", store) for s in scores}
    return _built[key]


class _Loaded:
    """Pairs that are loaded already; a ``Load``. Arrays of the object store can't be written to, and some metrics
    are compiled apart for those: they get a copy."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def __call__(self, pair: Pair, *, to_fuse: bool) -> LoadedPair:
        found = self._loaded[pair.name]
        if isinstance(found, Exception):
            raise found
        clean = found.clean
        copy = replace(clean, infrared=np.array(clean.infrared), visible=np.array(clean.visible))
        return LoadedPair(copy, copy)


class _Fused:
    """The images that a worker has fused; a ``Fuser``."""

    def __init__(self, fused: Fused) -> None:
        self._fused = fused
        self.warnings: list[str] = []

    def fuse(self, pairs: Sequence[Pair], images: Sequence[PairImages]) -> list[UInt8Array]:
        found = []
        for pair in pairs:
            image = self._fused[pair.name]
            if isinstance(image, Exception):
                raise image
            found.append(np.array(image))
        return found

    def provenance(self) -> dict[str, Any]:
        return {}


class _Images:
    """Where a piece's fused images go: with the result, or beside the run's own where workers see those."""

    def __init__(
        self, setting: Setting, group: GroupOnWorker, piece: Piece, files: dict[str, bytes | str]
    ) -> None:
        self._setting, self._group, self._piece, self._files = setting, group, piece, files

    def save(self, name: str, fused: UInt8Array, source: str, record: Callable[[str], None]) -> str:
        if not self._setting.keeps_images:
            digest = fused_digest(source, fused.tobytes())
        else:
            data = encode_png(fused)
            digest = fused_digest(source, data)
            self._files[name] = data
            if self._setting.folder is not None:
                staged = self._setting.folder / STAGED / f"{secrets.token_hex(16)}.png"
                write_atomic(staged, data)
                self._files[name] = staged.name
        record(digest)
        return digest

    def read(self, name: str, digest: str) -> UInt8Array:
        task = self._piece.tasks[name]
        if task.saved is not None:
            return decode_image(task.saved, f"{name}.png")
        return SavedImages(lambda image: self._group.images / f"{image}.png").read(name, digest)

    def unchanged(self, entries: Mapping[str, Entry], names: Collection[str]) -> Any:
        raise NotImplementedError("what is unchanged is asked on the driver alone")


class _Notes:
    """Collects what happens to a piece's images; a ``Recorder``."""

    def __init__(self, result: Finished) -> None:
        self._result = result

    def fused(self, entry: Entry) -> None:
        self._result.fused.append(entry)

    def scored(self, score: ScoreUnit, entry: Entry) -> None:
        self._result.scored.append((score.id.key, entry))

    def failed(self, image: str, error: Exception) -> None:
        self._result.failures[image] = portable(error)

    def loaded(self, fuser: object) -> None:
        return None

    def advance(self, count: int = 1) -> None:
        return None


@ray.remote(num_cpus=0, max_retries=0)
def read_log(path: Path) -> str:
    """The end of a log on the node that this runs on."""
    return tail(path)
