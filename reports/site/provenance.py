"""Where the numbers of a leaderboard come from: run, commit, protocol recipe, hashes of weights, command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..scores.details import details_of
from .boards import Board, Entry
from .names import plain_of

if TYPE_CHECKING:
    from fusionbench.contracts.evaluator import ConventionSpec
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
    own = info.get("methods", {}).get(entry.method, {})
    asked = _invocations(info, {entry.method, str(own.get("given_as", ""))})
    commits = dict.fromkeys(str(i.get("provenance", {}).get("commit", "")) for i in asked)
    latest = asked[-1] if asked else {}
    spec = data.methods.get(entry.method)
    convention = data.conventions.get((board.evaluator, board.protocol))
    facts = [
        ("Run", entry.run),
        ("Started", ", ".join(str(i.get("started", "")) for i in asked)),
        ("Commit", ", ".join(commit for commit in commits if commit)),
        ("fusionbench", str(latest.get("provenance", {}).get("fusionbench", ""))),
        ("Convention or protocol", board.convention),
        ("Which is", _definition(convention)),
        ("Recipe", json.dumps(about["recipe"], sort_keys=True) if about.get("recipe") else ""),
        ("Judge", str(about.get("judge", ""))),
        ("Judge's weights (sha256)", ", ".join(_judge_hashes(about))),
        ("Images", f"{len(about['images'])}" if about.get("images") else ""),
        ("Images (digest)", str(about.get("image_digest", ""))),
        ("Method's settings", json.dumps(own["settings"], sort_keys=True) if own.get("settings") else ""),
    ]
    for artifact in spec.artifacts if spec else ():
        label = f"Weights {artifact.filename}" + (" (optional)" if artifact.optional else "")
        facts.append((label, f"sha256 {artifact.sha256}" if artifact.sha256 else "no sha256 known"))
    if spec and not spec.artifacts:
        facts.append(("Weights", "none"))
    return Source(
        anchor=anchor(board, entry),
        title=entry.title,
        facts=tuple((label, text) for label, text in facts if text),
        command=command(latest),
    )


def _definition(convention: ConventionSpec | None) -> str:
    """What a convention is, in its spec's words."""
    if convention is None:
        return ""
    texts = (convention.title, convention.summary, convention.source and f"Source: {convention.source}")
    return ". ".join(text.rstrip(".") for text in texts if text)


def _judge_hashes(about: Mapping[str, Any]) -> list[str]:
    """The hashes of all checkpoints that judged: one, or one per fold."""
    several = [str(c.get("sha256", "")) for c in about.get("checkpoints") or ()]
    return [text for text in [str(about.get("judge_sha256") or ""), *several] if text]


def _invocations(info: Mapping[str, Any], names: set[str]) -> list[Mapping[str, Any]]:
    """The invocations that asked for a method by one of its names; the latest of all where none says so."""
    invocations: list[Mapping[str, Any]] = [dict(i) for i in info.get("invocations", ())]
    asked = [i for i in invocations if names & set(map(str, i.get("config", {}).get("method") or ()))]
    return asked or invocations[-1:]


def command(invocation: Mapping[str, Any]) -> str:
    """The command of an invocation: as it was given, or put together from its settings."""
    given = str(invocation.get("command", ""))
    if given:
        return given
    config = invocation.get("config", {})
    if not config:
        return ""
    parts = ["fusionbench", "run"]
    for flag in FLAGS:
        if config.get(flag):
            parts += [f"--{flag}", ",".join(map(str, config[flag]))]
    for flag in ("split", "limit", "seed"):
        if config.get(flag):
            parts += [f"--{flag}", str(config[flag])]
    return shlex.join(parts)
