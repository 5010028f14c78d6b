"""The images that an external method's script left for one split, as a method; and what is known of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contracts.dataset import Pair
from ..contracts.method import MethodSpec
from ..errors import ImageError
from ..files.atomic import write_atomic
from .folder import FolderFuser


@dataclass
class StageState:
    """What ``state.json`` beside the images says: ``images`` maps a pair to the digest of the sources its
    image was made from, ``reasons`` says why others have none, ``resized`` names those that had to be
    resized back."""

    images: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    resized: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> StageState:
        """The state of a folder; empty if there is none, or a damaged one (its images are then made
        again)."""
        try:
            return cls(**json.loads((folder / "state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Write the state atomically."""
        text = json.dumps(self.__dict__, indent=1, ensure_ascii=False, sort_keys=True)
        write_atomic(folder / "state.json", text.encode())

    def keep(self, pair: str, source: str, *, resized: bool) -> None:
        """Note that a pair's image is there."""
        self.images[pair] = source
        self.reasons.pop(pair, None)
        self.resized = sorted((set(self.resized) - {pair}) | ({pair} if resized else set()))


class ExternalImages(FolderFuser):
    """The collected images of an external method. A pair without one fails with the reason that the stage
    noted."""

    def __init__(self, spec: MethodSpec, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(spec, folder)
        self._state = StageState.read(folder)

    def provenance(self) -> dict[str, Any]:
        """Repository, commit, command, seed, device, weights, and how many images had to be resized."""
        return {**self._state.provenance, "resized": len(self._state.resized)}

    def file(self, pair: Pair) -> Path:
        """The image of a pair. Raises ``ImageError`` with the noted reason if there is none."""
        if pair.name not in self._state.images:
            reason = self._state.reasons.get(pair.name, "its official script gave no image")
            raise ImageError(f"{pair.name}: {reason}")
        return super().file(pair)


def open_folder(spec: MethodSpec, folder: Path) -> FolderFuser:
    """The images of a method that were fused elsewhere: by hand (``dir:``), or by an external method's
    script."""
    if spec.external is None:
        return FolderFuser(spec, folder)
    from .outputs import ExternalImages

    return ExternalImages(spec, folder)
