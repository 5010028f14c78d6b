"""Every field of the configuration is a flag, with the field's description as its help."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from fusionbench.cli import run, score
from fusionbench.planning.config import RunConfig

TABLES = {"method_options": "option", "dataset_options": "option", "task_options": "task_option"}


def helps(command: object) -> dict[str, str]:
    """The help of each parameter of a command."""
    found = {}
    for parameter in inspect.signature(command).parameters.values():  # type: ignore[arg-type]
        option = get_args(parameter.annotation)[-1]
        found[parameter.name] = option.help
    return found


@pytest.mark.parametrize("command", [run.run, run.config])
def test_every_field_is_a_flag(command: object) -> None:
    flags = helps(command)
    for name, field in RunConfig.model_fields.items():
        assert TABLES.get(name, name) in flags
        if name not in TABLES:
            assert flags[name] == field.description


def test_commands_take_what_concerns_them() -> None:
    assert not {"task", "metrics", "report", "published"} & set(helps(run.fuse))
    assert "device" in helps(run.fuse)
    assert {"metrics", "convention", "images", "limit", "jobs"} <= set(helps(score.score))
    assert "device" not in helps(score.score)
