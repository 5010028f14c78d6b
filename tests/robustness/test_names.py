"""File names of every kind beside good ones: the good pairs work, the others are refused by a name that can
be shown.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from fusionbench.errors import ImageError
from fusionbench.plugins import catalog

PIECES = [
    "a",
    "Ä",
    "é",
    "e\u0301",
    "方",
    "β",
    "𝒳",
    "🙂",
    " ",
    ".",
    "..",
    "-",
    "=",
    "@",
    "'",
    '"',
    "$",
    "`",
    "%s",
    "{name}",
    "*",
    "?",
    "[x]",
    "\x1b[2J",
    "\x07",
    "\n",
    "\r",
    "\t",
    "\u202e",
    "\u200b",
    "\x85",
    "\ufeff",
    "CON",
    "~",
    "#",
    "\\",
    ":",
    ";",
    "|",
    "<b>",
]
BYTES = [b"\xe9", b"\xff", b"\xc3", b"\xed\xa0\x80"]


def random_name(rng: random.Random) -> bytes:
    parts = [rng.choice(PIECES).encode() for _ in range(rng.randrange(1, 6))]
    if rng.random() < 0.3:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(BYTES))
    name = b"".join(parts)[:200].lstrip(b".")
    return (name or b"x") + b".png"


def test_names(pairs: Path, seed: int, attack: bool) -> None:
    rng = random.Random(seed)
    for _ in range(600 if attack else 60):
        name = os.fsdecode(random_name(rng))
        for role in ("ir", "vi"):
            if not (pairs / role / name).exists():
                shutil.copy(pairs / role / "a.png", pairs / role / name)
    spec = catalog.datasets.get("folder")
    dataset = catalog.build(spec.factory)(spec, pairs)
    found = dataset.pairs("all")
    names = [pair.name for pair in found]
    assert len(set(names)) == len(names)
    assert {"a", "b", "c", "d"} <= set(names)
    loaded = 0
    for pair in found:
        pair.name.encode()
        assert pair.name == "".join(c for c in pair.name if c.isprintable() or c in "\u200b\ufeff")
        assert len(dataset.digest(pair)) == 64
        try:
            dataset.load(pair)
        except ImageError as error:
            str(error).encode()
            assert "\x1b" not in str(error)  # noqa: PT017
            assert pair.name not in "abcd"
        else:
            loaded += 1
    assert loaded >= 4
    for finding in dataset.verify():
        (finding.file + finding.message).encode()
        assert "\x1b" not in finding.file + finding.message
