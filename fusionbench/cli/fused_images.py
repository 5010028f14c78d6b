"""Where ``fuse`` writes the images of two folders or two files: as plain files, never over a source."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import EXIT_DONE, EXIT_UNITS_FAILED, InputError, printable
from ..files.atomic import write_atomic
from ..images.codec import EXTENSIONS, LOSSLESS, encode_image, read_image
from ..images.plausible import pair_questions
from ..planning.config import RunConfig
from . import settings as s

WORK = ".fusionbench-fuse"
"""The run folder inside ``--out`` while images are fused: after an interruption the same command goes on
from it."""

_OTHER_IMAGES = {".gif", ".jp2", ".avif", ".heic", ".ppm", ".pgm", ".pnm", ".exr", ".jxl", ".tga"}


def fuse_files(infrared: Path, visible: Path, flags: dict[str, Any], *, quiet: bool = False) -> int:
    """Fuse two files with each method, and write the images where ``--out`` says: one file, or a folder."""
    from ..api import fuse as fuse_pair
    from ..terminal.progress import make_progress

    given = s.resolve(None, **{n: flags[n] for n in ("method", "option", "device", "seed")})
    labels = [name.rpartition(":")[2].lower() for name in given.method]
    paths = _file_targets(flags["out"], visible.stem, labels)
    _refuse_sources(paths, [infrared, visible])
    for path in paths:
        if flags.get("overwrite") == "never" and path.exists():
            raise InputError(f"{path}: exists already and --overwrite is never; choose another --out")
    for question in pair_questions({infrared.name: (read_image(infrared), read_image(visible))}):
        make_progress(quiet=quiet).message(f"question: {question}")
    for name, path in zip(given.method, paths, strict=True):
        own = {**given.method_options.get("", {}), **given.method_options.get(name, {})}
        fused = fuse_pair(infrared, visible, name, device=given.device, seed=given.seed, **own)
        write_atomic(path, encode_image(fused, path.suffix))
        print(printable(str(path)))
    return EXIT_DONE


def _file_targets(out: Path | None, stem: str, labels: Sequence[str]) -> list[Path]:
    """The file of each method. Raises ``InputError`` if ``out`` names a file that can't hold what is
    fused."""
    if out is None:
        return [Path(f"{stem}-{label}.png") for label in labels]
    if not _names_a_file(out):
        return [out / f"{stem}.png" if len(labels) == 1 else out / label / f"{stem}.png" for label in labels]
    if len(labels) > 1:
        raise InputError(f"--out {out}: names one file, but {len(labels)} methods were given; name a folder")
    if out.suffix.lower() not in LOSSLESS:
        raise InputError(
            f"--out {out}: its format would change the fused pixels; name a {', '.join(LOSSLESS)} file, or a "
            "folder"
        )
    return [out]


def _names_a_file(out: Path) -> bool:
    return not out.is_dir() and out.suffix.lower() in {*EXTENSIONS, *_OTHER_IMAGES}


def fuse_folders(config: RunConfig, *, as_json: bool, quiet: bool) -> int:
    """Fuse two folders and write ``OUT/NAME.png``, or with several methods ``OUT/METHOD/NAME.png``. Returns
    the exit code.

    Raises ``InputError`` before anything is fused if a source, or with ``--overwrite never`` any file, lies
    there.
    """
    from ..execution.runner import execute
    from ..planning.plan import make_plan
    from .outcome import print_failures

    out = config.out
    if _names_a_file(out) or out.is_file():
        raise InputError(f"--out {out}: two folders give a folder of images; name a folder, not a file")
    work = config.model_copy(update={"name": WORK, "overwrite": "only-missing"})
    plan = make_plan(work)
    several = len({group.method.name for group in plan.groups}) > 1
    targets: dict[tuple[str, str], Path] = {}
    for group in plan.groups:
        folder = out / group.method.name if several else out
        sources = [p for pair in group.dataset.pairs for p in (pair.infrared, pair.visible) if p is not None]
        for pair in group.dataset.pairs:
            target = folder / f"{pair.name}.png"
            if config.overwrite == "never" and target.exists():
                raise InputError(f"{target}: exists already and --overwrite is never; choose another --out")
            targets[group.label, pair.name] = target
        _refuse_sources([targets[group.label, pair.name] for pair in group.dataset.pairs], sources)
    result = execute(work, quiet=quiet or as_json, plan=plan)
    written = []
    for group in plan.groups:
        failed = result.failures.get(group.label, {})
        folder = result.folder / "fused" / group.method.name / group.dataset.name / group.dataset.split
        for pair in group.dataset.pairs:
            image, target = folder / f"{pair.name}.png", targets[group.label, pair.name]
            if pair.name not in failed and image.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                image.replace(target)
                written.append(target)
    shutil.rmtree(result.folder, ignore_errors=True)
    if as_json:
        import json

        content = {"files": [str(p) for p in written], "failures": result.failures}
        print(json.dumps(content, indent=1, ensure_ascii=False))
    elif not quiet:
        print(printable(f"{len(written)} images in {out}"))
    return EXIT_UNITS_FAILED if print_failures(result) else EXIT_DONE


def _refuse_sources(targets: Sequence[Path], sources: Sequence[Path]) -> None:
    known = {(status.st_dev, status.st_ino) for path in sources if (status := _status(path)) is not None}
    for target in targets:
        status = _status(target)
        if status is not None and (status.st_dev, status.st_ino) in known:
            raise InputError(
                f"{target}: is one of the sources; choose another --out, so that it isn't overwritten"
            )


def _status(path: Path) -> Any:
    try:
        return path.stat()
    except OSError:
        return None
