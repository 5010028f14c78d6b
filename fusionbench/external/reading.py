"""Reads the YAML description of an external method: ``--method external:PATH.yaml``, and the built-in
ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..contracts.method import MethodSpec
from ..contracts.names import plain_name
from ..errors import InputError
from ..files.yaml_text import read_yaml_file

PREFIX = "external:"


def read_method(path: Path) -> MethodSpec:
    """The method that a YAML file describes: the fields of ``MethodSpec``, with ``external`` as an
    ``ExternalRecipe`` says.

    ``name`` defaults to the file's stem, ``title`` to the name. Raises ``InputError`` naming each wrong
    field.
    """
    try:
        content = read_yaml_file(path)
    except InputError as error:
        raise InputError(
            f"--method {PREFIX}{error}; the form is {PREFIX}PATH.yaml, see docs/external-methods.md"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: isn't valid YAML ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("external"), dict):
        raise InputError(
            f"{path}: must be a mapping with an entry 'external' that says how to run the repository; "
            "docs/external-methods.md has an example"
        )
    return _validated(path, content)


def _validated(path: Path, content: dict[str, Any]) -> MethodSpec:
    name = plain_name(str(content.get("name") or path.stem))
    external = dict(content["external"])
    if isinstance(external.get("clone"), str) and external["clone"]:
        # Relative to the file that says it, wherever the command is started.
        external["clone"] = str((path.parent / Path(external["clone"]).expanduser()).resolve())
    values = {
        "title": name,
        "output": "rgb",
        **content,
        "name": name,
        "status": "external",
        "external": external,
    }
    try:
        return MethodSpec.model_validate(values)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(p) for p in e['loc']) or '(whole)'}: {e['msg']}" for e in error.errors()]
        raise InputError(f"{path}: the description is wrong\n" + "\n".join(lines)) from None
