"""How rows name a protocol: ``det-zeroshot/yolov8n@3fa9c1d2`` (protocol, judge, hash of all that the
result depends on)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProtocolId:
    """A protocol as it was applied. Two results may be compared only where all three parts agree.

    ``str()`` gives the text of the rows' column ``convention``. A plain convention of image metrics has
    neither judge nor hash.
    """

    name: str
    judge: str = ""
    hash: str = ""

    @classmethod
    def of(cls, name: str, judge: str, recipe: Mapping[str, Any], judge_sha256: str = "") -> ProtocolId:
        """The id of a protocol with this recipe (the user's options in it) and judge."""
        return cls(name, judge, protocol_hash(recipe, judge_sha256))

    @classmethod
    def parse(cls, text: str) -> ProtocolId:
        """Read what ``str()`` wrote."""
        name, _, rest = text.partition("/")
        judge, _, digits = rest.rpartition("@")
        return cls(name, judge or digits, digits if judge else "")

    @property
    def judged(self) -> str:
        """The protocol and its judge, for people: ``det-zeroshot/yolov8n``."""
        return f"{self.name}/{self.judge}" if self.judge else self.name

    def __str__(self) -> str:
        return f"{self.judged}@{self.hash}" if self.hash else self.judged


def protocol_hash(recipe: Mapping[str, Any], judge_sha256: str = "") -> str:
    """Eight hex digits that stand for a recipe and the judge's weights: a changed threshold, schedule or
    checkpoint changes them."""
    text = json.dumps([dict(recipe), judge_sha256], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
