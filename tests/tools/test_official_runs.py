"""The table of ports beside their authors' code, and the official figures behind it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

import official_runs  # noqa: E402

IMAGES, OFFICIAL = official_runs.read_official(TOOLS / "official_runs.yaml")


def rows_of(method: str, factor: float) -> pd.DataFrame:
    """Quality rows of all six images whose means are ``factor`` times the official ones."""
    records = [
        {"method": method, "image": image, "metric": metric, "value": value * factor}
        for image in IMAGES
        for metric, value in OFFICIAL[method].scores.items()
    ]
    return pd.DataFrame(records)


def test_what_is_near_needs_no_explanation() -> None:
    text = official_runs.table(rows_of("datfuse", 1.02), IMAGES, OFFICIAL)
    assert text.count("+2.0%") == 7
    assert "**" not in text


@pytest.mark.parametrize(("method", "expected"), [("caf", "Explained"), ("datfuse", "Not explained")])
def test_what_is_far_is_explained_or_said_not_to_be(method: str, expected: str) -> None:
    text = official_runs.table(rows_of(method, 0.9), IMAGES, OFFICIAL)
    assert text.count("**-10.0%**") == 7
    assert expected in text


def test_a_missing_image_is_no_mean() -> None:
    rows = rows_of("ydtr", 1.0)
    with pytest.raises(ValueError, match="5 of the 6"):
        official_runs.table(rows[rows["image"] != IMAGES[0]], IMAGES, OFFICIAL)
