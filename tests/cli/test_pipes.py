"""Output that nobody reads to its end."""

from __future__ import annotations

import subprocess
import sys


def test_a_closed_pipe_says_nothing() -> None:
    """As `fusionbench score --help | head -1`: no message, and no plugin is blamed."""
    command = [sys.executable, "-u", "-m", "fusionbench", "score", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.wait(timeout=60)
    assert "plugin" not in said
    assert "Traceback" not in said
