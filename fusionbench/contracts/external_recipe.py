"""How an official repository is run, as data. Imported by ``fusionbench.contracts``; imports nothing of
fusionbench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

PLACEHOLDERS = (
    "python",
    "seeded",
    "seed",
    "clone",
    "work",
    "device",
    "gpu",
    "count",
    "name",
    "weights:NAME",
)
"""What ``{…}`` may name in a recipe's texts; ``python`` and ``seeded`` in ``command`` alone."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JsonFile(_Part):
    """A JSON file of the clone, copied with some values replaced. ``set`` maps dotted keys to values;
    ``//`` comments are dropped."""

    source: str
    set: Mapping[str, str | int | float | bool | None] = {}


def _below(path: str) -> str:
    """A relative path that stays below its folder. Raises ``ValueError`` otherwise."""
    parts = path.split("/")
    if path.startswith(("/", "~")) or "\\" in path or ".." in parts or path.strip("./") == "":
        raise ValueError(f"expected a path below the folder, got {path!r}")
    return path


class ExternalRecipe(_Part):
    """An official script and how to feed it.

    For each call a fresh folder ``{work}`` is made; the pairs are written below it under neutral names
    (``000001.png``, …, the same in both folders), the script is started, and its outputs are collected under
    the pairs' own names and at their own sizes. Texts may contain the placeholders of ``PLACEHOLDERS``;
    nothing passes through a shell.
    """

    command: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments, one list item each. ``{python}`` stands for the user's interpreter
    (or command prefix)."""
    directory: str = "{work}"
    """The script's working directory."""
    infrared: str = "ir"
    visible: str = "vi"
    """Folders below ``{work}`` that the pairs are written to."""
    outputs: str = "out/{name}.png"
    """Where the script writes a pair's image, below ``{work}``; ``{name}`` is the neutral name, ``*`` and
    ``?`` match anything."""
    suffix: Literal[".png", ".bmp", ".tif"] = ".png"
    """The format of the inputs (lossless ones only)."""
    infrared_channels: Literal[1, 3] = 1
    visible_channels: Literal[1, 3] = 3
    resized: Literal["refuse", "restore"] = "refuse"
    """An output of another size than its input: an error, or resized back (bicubic, which costs sharpness
    and is recorded)."""
    call: Literal["missing", "split", "pair"] = "missing"
    """``missing``: one call for the pairs that aren't done (images don't influence each other). ``split``:
    one call for the whole selection, always (a script whose random numbers run through the list).
    ``pair``: one call a pair."""
    links: Mapping[str, str] = {}
    """Links to make below ``{work}``: path → text that names a file, mostly ``{weights:NAME}``."""
    files: Mapping[str, str] = {}
    """Text files to write below ``{work}``."""
    json_files: Mapping[str, JsonFile] = {}
    """JSON files to write below ``{work}``, made from files of the clone."""
    environment: Mapping[str, str] = {}
    """Environment variables of the script."""
    trusting: Mapping[str, str] = {}
    """Environment variables set only where the user trusts the weights (option ``trust_weights``)."""
    integrity: Mapping[str, str] = {}
    """Files of the clone → git blob hash: checked always, and all there is to check in a copy without git."""
    tensors: Mapping[str, Mapping[str, tuple[int, ...]]] = {}
    """Weights artifact → tensors and shapes that its file must hold, for scripts that load a wrong file
    without a word."""
    device: Literal["any", "cuda"] = "any"
    seconds_to_start: float = Field(default=600, gt=0)
    seconds_a_pair: float = Field(default=60, gt=0)
    """The time limit of a call is the sum of both; option ``time_limit`` overrides it."""
    clone: str = ""
    """Where the clone lies (option ``clone`` overrides it)."""
    python: str = ""
    """The interpreter of the script's environment, or a command prefix such as ``conda run -n NAME
    python``."""
    needs: str = ""
    """What the environment must hold, in words."""

    def pixel_part(self) -> dict[str, Any]:
        """What of the recipe may change pixels: all but where things lie, how long they may take, and what
        is checked."""
        aside = {
            "clone",
            "python",
            "needs",
            "seconds_to_start",
            "seconds_a_pair",
            "integrity",
            "tensors",
            "trusting",
            "device",
        }
        return self.model_dump(mode="json", exclude=aside)

    @field_validator("infrared", "visible", "outputs")
    @classmethod
    def _inside(cls, value: str) -> str:
        return _below(value)

    @field_validator("links", "files", "json_files", "integrity")
    @classmethod
    def _all_inside(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        for path in value:
            _below(path)
        return value

    @model_validator(mode="after")
    def _names_apart(self) -> ExternalRecipe:
        if "{name}" not in self.outputs:
            raise ValueError("outputs must contain {name}, which tells the pairs apart")
        if self.infrared == self.visible:
            raise ValueError("infrared and visible must be two folders")
        if self.call != "pair" and any("{name}" in part for part in self.command):
            raise ValueError("{name} in command needs call: pair")
        return self
