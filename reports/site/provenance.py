"""Where the numbers of a leaderboard come from: run, commit, protocol recipe, hashes of weights, command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..scores.details import details_of
from .boards import Board, Entry
from .names import plain_of

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

FLAGS = ("method", "dataset", "task", "convention")


@dataclass(frozen=True)
class Source:
    """The origin of one row of a leaderboard.

    ``facts`` are (label, text) pairs; ``anchor`` is its place on the page.
    """

    anchor: str
    title: str
    facts: tuple[tuple[str, str], ...]
    command: str


def anchor(board: Board, entry: Entry) -> str:
    """The name of the place on the provenance page that a row links to."""
    return plain_of(board.name, entry.entrant)


def sources(data: ReportInput, found: Sequence[Board]) -> list[tuple[Board, list[Source]]]:
    """The origin of every row, table by table; published rows name what they were printed in by their title
    only.
    """
    runs = data.run.get("merged") or {}
    abouts = {(*d.key, d.entrant): d.about for d in details_of(data)}
    pages = []
    for board in found:
        listed = []
        for entry in board.entries:
            if entry.kind == "published":
                continue
            info = runs.get(entry.run, data.run)
            about = abouts.get(
                (board.dataset, board.split, board.evaluator, board.convention, entry.entrant), {}
            )
            listed.append(_source(data, board, entry, info, about))
        pages.append((board, listed))
    return pages


def _source(
    data: ReportInput, board: Board, entry: Entry, info: Mapping[str, Any], about: Mapping[str, Any]
) -> Source:
    invocation = _invocation(info, entry.method)
    made = invocation.get("provenance", {})
    own = info.get("methods", {}).get(entry.method, {})
    spec = data.methods.get(entry.method)
    facts = [
        ("Run", entry.run),
        ("Started", str(invocation.get("started", ""))),
        ("Commit", str(made.get("commit", ""))),
        ("fusionbench", str(made.get("fusionbench", ""))),
        ("Convention or protocol", board.convention),
        ("Recipe", json.dumps(about["recipe"], sort_keys=True) if about.get("recipe") else ""),
        ("Judge", str(about.get("judge", ""))),
        ("Judge's weights (sha256)", str(about.get("judge_sha256") or "")),
        ("Images (digest)", str(about.get("image_digest", ""))),
        ("Method's settings", json.dumps(own["settings"], sort_keys=True) if own.get("settings") else ""),
    ]
    for artifact in spec.artifacts if spec else ():
        facts.append(
            (f"Weights {artifact.filename}", f"sha256 {artifact.sha256}" if artifact.sha256 else "no hash")
        )
    if spec and not spec.artifacts:
        facts.append(("Weights", "none"))
    return Source(
        anchor=anchor(board, entry),
        title=entry.title,
        facts=tuple((label, text) for label, text in facts if text),
        command=command(invocation),
    )


def _invocation(info: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    """The latest invocation that asked for a method; the latest of all where none says so."""
    invocations = list(info.get("invocations", ()))
    for invocation in reversed(invocations):
        if method in invocation.get("config", {}).get("method", ()):
            return dict(invocation)
    return dict(invocations[-1]) if invocations else {}


def command(invocation: Mapping[str, Any]) -> str:
    """The command of an invocation: as it was given, or put together from its settings."""
    given = str(invocation.get("command", ""))
    if given:
        return given
    config = invocation.get("config", {})
    if not config:
        return ""
    parts = ["fusionbench run"]
    parts += [f"--{flag} {','.join(map(str, config[flag]))}" for flag in FLAGS if config.get(flag)]
    parts += [f"--{key} {config[key]}" for key in ("split", "limit", "seed") if config.get(key)]
    return " ".join(parts)
