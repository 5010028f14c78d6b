"""Artifacts: files that are fetched or shipped, always with a checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, field_validator

if TYPE_CHECKING:
    pass


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Artifact(_Spec):
    """A file that is fetched or shipped: weights, parameters, a dataset archive.

    Either ``resource`` names a file inside an installed package
    (``"fusionbench.methods.sgdfuse:weights/x.safetensors"``), or the file lies in the cache (see
    ``fusionbench weights where``) under ``filename``, downloaded from ``urls`` or put there by hand as
    ``instructions`` say. It is used only if ``sha256`` (or, where only that is known, ``git_blob``) agrees.
    """

    name: str
    filename: str
    sha256: str | None = None
    git_blob: str | None = None
    bytes: int | None = None
    urls: tuple[str, ...] = ()
    instructions: str = ""
    resource: str | None = None
    licence: str = ""
    unpack: bool = False
    optional: bool = False
    """Used where it is available; a method runs without it."""
    alternatives: tuple[Artifact, ...] = ()
    """Other files with the same content (a conversion), each with its own checksum; used where this one is
    absent."""

    @field_validator("filename")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if "/" in value or "\\" in value or value in {"", ".", ".."}:
            raise ValueError(f"artifact file names are plain names, not paths: {value!r}")
        return value
