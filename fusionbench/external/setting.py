"""The user's side of an external method: the clone, its commit, the environment, the settings of
``--option NAME.KEY=VALUE``."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contracts.external_recipe import ExternalRecipe
from ..contracts.method import MethodSpec
from ..errors import InputError, MissingRepositoryError
from ..files.artifacts import file_hashes

OPTIONS = {
    "clone": "the folder of the clone",
    "python": "the environment's interpreter, or a command prefix such as 'conda run -n NAME python'",
    "call": "missing, split or pair: how many pairs one start of the script gets",
    "time_limit": "seconds that one start of the script may take",
    "allow_modified": "true: run a clone that differs from the described commit (recorded with the results)",
    "trust_weights": "true: let the script unpickle its weights, which can execute what they contain",
    "device": "cpu, cuda or cuda:N for the script, where it isn't that of the run",
}
"""The options of every external method."""

CODE = frozenset(
    {
        ".py",
        ".pyx",
        ".m",
        ".c",
        ".cc",
        ".cpp",
        ".cu",
        ".cuh",
        ".h",
        ".hpp",
        ".sh",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".cfg",
    }
)
"""Endings of the files that stand for a copy without git."""

PIXEL_OPTIONS = ("call",)
"""Options that may change pixels; the others say where things lie and how long to wait."""


@dataclass(frozen=True)
class Setting:
    """What a user has named, checked. ``state`` is the clone's commit, with a hash of its differences
    where it has any."""

    clone: Path
    python: tuple[str, ...]
    state: str
    modified: tuple[str, ...]
    call: str
    time_limit: float | None
    trust_weights: bool
    device: str | None


def recipe_of(spec: MethodSpec) -> ExternalRecipe:
    """The recipe of an external method."""
    if spec.external is None:
        raise InputError(f"{spec.name} isn't an external method")
    return spec.external


def check_setting(spec: MethodSpec, options: Mapping[str, Any]) -> Setting:
    """Check clone, commit, interpreter and options. Raises ``MissingRepositoryError`` or ``InputError``
    with what to do."""
    recipe = recipe_of(spec)
    for name in options:
        if name not in OPTIONS:
            known = "; ".join(f"{key} ({text})" for key, text in OPTIONS.items())
            raise InputError(f"--option {spec.name}.{name}: external methods have the options {known}")
    call = options.get("call", recipe.call)
    if call not in {"missing", "split", "pair"}:
        raise InputError(f"--option {spec.name}.call={call}: expected missing, split or pair")
    try:
        limit = float(options["time_limit"]) if options.get("time_limit") is not None else None
    except (TypeError, ValueError):
        limit = -1.0
    if limit is not None and not limit > 0:
        raise InputError(f"--option {spec.name}.time_limit={options['time_limit']}: expected seconds above 0")
    clone = _clone(spec, str(options.get("clone") or recipe.clone))
    python = _interpreter(spec, str(options.get("python") or recipe.python))
    state, modified = clone_state(spec, clone, allow_modified=options.get("allow_modified") is True)
    device = options.get("device")
    return Setting(
        clone,
        python,
        state,
        modified,
        call,
        limit,
        options.get("trust_weights") is True,
        str(device) if device else None,
    )


def how_to_clone(spec: MethodSpec) -> str:
    """What a user does to get a repository and its environment."""
    steps = []
    if spec.code_url and spec.commit:
        folder = spec.code_url.rstrip("/").rsplit("/", 1)[-1]
        steps.append(f"Run `git clone {spec.code_url}` and `git -C {folder} checkout {spec.commit}`.")
    if needs := recipe_of(spec).needs:
        steps.append(f"Its environment: {needs}")
    steps.append(
        f"Then --option {spec.name}.clone=FOLDER --option {spec.name}.python=/path/to/env/bin/python."
    )
    return " ".join(steps)


def _clone(spec: MethodSpec, text: str) -> Path:
    if not text:
        raise MissingRepositoryError(
            f"{spec.name} runs in a clone of its official repository, and none is named. {how_to_clone(spec)}"
        )
    clone = Path(text).expanduser().absolute()
    if not clone.is_dir():
        raise MissingRepositoryError(f"{spec.name}: there is no folder {clone}. {how_to_clone(spec)}")
    return Path(os.path.normpath(clone))


def _interpreter(spec: MethodSpec, text: str) -> tuple[str, ...]:
    if not text:
        raise MissingRepositoryError(
            f"{spec.name} needs the interpreter of its own environment, and none is named. "
            f"{how_to_clone(spec)}"
        )
    plain = Path(text).expanduser()
    words = (str(plain),) if plain.is_file() else tuple(shlex.split(text))
    program = shutil.which(str(Path(words[0]).expanduser()))
    if program is None:
        raise MissingRepositoryError(
            f"--option {spec.name}.python={text}: there is no program {words[0]!r}; name the interpreter of "
            "the "
            f"environment (…/bin/python) or a command prefix (conda run -n NAME python)"
        )
    return (os.path.abspath(program), *words[1:])


def clone_state(spec: MethodSpec, clone: Path, *, allow_modified: bool) -> tuple[str, tuple[str, ...]]:
    """The clone's commit (with a hash of what differs from it) and the files that differ.

    A copy without git passes if all files listed in the recipe's ``integrity`` agree, or if the description
    names no commit: then the hash of its code stands for it. Raises
    ``MissingRepositoryError`` for another commit or for modified files, unless ``allow_modified``.
    """
    commit = _git(clone, "rev-parse", "HEAD") if _is_toplevel(clone) else None
    wrong = _unlike(recipe_of(spec), clone)
    advice = (
        f"`git -C {clone} stash` or a fresh clone gives the described code; "
        f"--option {spec.name}.allow_modified=true runs this one and records it"
    )
    if commit is None:
        if not spec.commit and not wrong:
            return f"files {_code_hash(clone)}", ()
        if not recipe_of(spec).integrity:
            raise MissingRepositoryError(
                f"{spec.name}: {clone} isn't a git clone, so commit {spec.commit[:12]} can't be checked; leave "
                f"'commit' out of the description to run this copy as it is. {how_to_clone(spec)}"
            )
        if wrong and not allow_modified:
            raise MissingRepositoryError(
                f"{spec.name}: in {clone} {', '.join(wrong)} aren't those of commit {spec.commit[:12]}. "
                f"{how_to_clone(spec)}"
            )
        return _state("files of " + spec.commit, _contents(clone, wrong)), tuple(wrong)
    if spec.commit and commit != spec.commit and not allow_modified:
        raise MissingRepositoryError(
            f"{spec.name}: {clone} is at commit {commit[:12]}, described is {spec.commit[:12]}; run "
            f"`git -C {clone} checkout {spec.commit}`, or --option {spec.name}.allow_modified=true to run "
            "this one and record it"
        )
    status = _git(clone, "status", "--porcelain", "--untracked-files=no") or ""
    modified = tuple(dict.fromkeys([*(line[2:].strip() for line in status.splitlines()), *wrong]))
    if (status or (wrong and commit == spec.commit)) and not allow_modified:
        raise MissingRepositoryError(
            f"{spec.name}: {clone} has modified files ({', '.join(modified[:5])}); {advice}"
        )
    difference = _git(clone, "diff", "HEAD") or ""
    return _state(commit, difference.encode() if status else b""), modified


def _state(commit: str, difference: bytes) -> str:
    return commit + (f"+{hashlib.sha256(difference).hexdigest()[:12]}" if difference else "")


def _unlike(recipe: ExternalRecipe, clone: Path) -> list[str]:
    """The listed files of a clone that are missing or have another content."""
    wrong = []
    for name, blob in recipe.integrity.items():
        path = clone / name
        if not path.is_file() or file_hashes(path)[1] != blob:
            wrong.append(name)
    return wrong


def _contents(clone: Path, names: list[str]) -> bytes:
    return b"".join((clone / n).read_bytes() if (clone / n).is_file() else n.encode() for n in names)


def _code_hash(clone: Path) -> str:
    """A hash of the code and settings in a folder, by the endings of ``CODE``. Weights and pictures don't
    count, nor do hidden folders."""
    digest = hashlib.sha256()
    for path in sorted(clone.rglob("*")):
        inside = path.relative_to(clone)
        if (
            path.suffix.lower() in CODE
            and path.is_file()
            and not any(p.startswith(".") for p in inside.parts)
        ):
            digest.update(f"{inside}\0{file_hashes(path)[0]}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:12]


def _is_toplevel(clone: Path) -> bool:
    top = _git(clone, "rev-parse", "--show-toplevel")
    return top is not None and Path(top).resolve() == clone.resolve()


def _git(clone: Path, *arguments: str) -> str | None:
    """What git prints about a clone; None if it is none."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            [
                "git",
                "-c",
                "core.fsmonitor=false",
                "-c",
                f"safe.directory={clone}",
                "-C",
                str(clone),
                *arguments,
                *(["--no-ext-diff", "--no-textconv"] if arguments[0] == "diff" else []),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
            errors="replace",
        )
    except FileNotFoundError:
        raise MissingRepositoryError(
            "external methods need the program git, to check a clone's commit"
        ) from None
    except subprocess.TimeoutExpired:
        raise MissingRepositoryError(f"git doesn't answer in {clone} within 60 s") from None
    return done.stdout.strip("\n") if done.returncode == 0 else None
