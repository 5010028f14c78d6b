"""Worker processes: what they say is joined, and one that dies in silence is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.api import make_config
from fusionbench.errors import FusionBenchError, StoreError
from fusionbench.execution.runner import execute
from fusionbench.execution.workers import Advanced, Message, Relay, Started, Updated, portable

EXITS = """
import os
import torch

class Exits:
    def __init__(self, spec, context): ...
    def load(self, device, precision): ...
    def fuse(self, infrared, visible):
        os.kill(os.getpid(), 9)
"""


class Shown:
    """Notes what a progress display would show."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def update(self, label: str, done: int, total: int) -> None:
        self.seen.append((label, done, total))


def test_what_several_workers_say_of_one_piece_is_joined() -> None:
    shown = Shown()
    relay = Relay(shown)  # type: ignore[arg-type]
    said: list[Message] = [Started("a", 4, 1), Started("a", 3, 0), Advanced("a", 2), Updated("b", 1, 9)]
    for message in said:
        assert isinstance(message, Started | Advanced | Updated)
        relay.show(message)
    assert shown.seen == [("a", 1, 4), ("a", 1, 7), ("a", 3, 7), ("b", 1, 9)]


def test_errors_travel_as_what_they_are_to_the_user() -> None:
    assert isinstance(portable(StoreError("full")), StoreError)
    assert str(portable(ValueError("odd"))) == "ValueError: odd"


@pytest.mark.slow
def test_a_worker_that_ends_without_a_word_ends_the_run(tmp_path: Path) -> None:
    file = tmp_path / "exits.py"
    file.write_text(EXITS)
    config = make_config(
        {"method": f"{file}:Exits", "limit": 2, "task": "quality", "device": "cpu,cpu", "out": tmp_path}
    )
    with pytest.raises(FusionBenchError, match="process for device cpu ended with code -9"):
        execute(config, quiet=True)
