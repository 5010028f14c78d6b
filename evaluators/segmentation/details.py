"""What a unit leaves for reports: confusion counts, masks, bootstrap draws, and who judged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionbench.contracts import UInt8Array
from fusionbench.images.codec import write_png

from ..judging.details import draws_table, write_about, write_table
from .judge.samples import Labelled
from .judge.segmenting import Judging
from .recipe import Recipe
from .scores.set_scores import SetScores

DEV_ONLY = {
    "msrs-2fold-frozen": (
        "two judges, each trained on one half of the evaluated split; not the standard MSRS figure"
    ),
    "msrs-2fold-segformer": (
        "two judges, each trained on one half of the evaluated split; not the standard MSRS figure"
    ),
    "msrs-2fold-devonly": (
        "two folds of the evaluated split, few epochs, reduced size; not the standard MSRS figure"
    ),
}


def write_details(
    folder: Path,
    protocol: str,
    recipe: Recipe,
    judging: Judging,
    hash8: str,
    labelled: Labelled,
    scores: SetScores,
    masks: Mapping[str, UInt8Array],
    seed: int,
) -> None:
    """Write ``confusion.parquet``, ``resamples.parquet``, ``masks/<image>.png`` (predicted ids) and
    ``about.json``; equal results give equal bytes. Raises ``StoreError``.
    """
    write_table(folder / "confusion.parquet", confusion_table(scores))
    write_table(folder / "resamples.parquet", draws_table(scores.resampled()))
    for name, mask in masks.items():
        write_png(folder / "masks" / f"{name}.png", mask)
    checkpoints = [str(c["sha256"]) for c in judging.checkpoints]
    about = {
        "protocol": protocol,
        "judge": judging.name,
        "judge_sha256": checkpoints[0] if len(checkpoints) == 1 else "",
        "judge_training": judging.training,
        "hash8": hash8,
        "recipe": recipe.model_dump(mode="json"),
        "checkpoints": judging.checkpoints,
        "seed": seed,
        "classes": list(scores.classes),
        "images": sorted(scores.names),
        "image_digest": _label_digest(labelled),
        "excluded": {**judging.excluded, **labelled.excluded},
        "dev_only": DEV_ONLY.get(protocol, ""),
    }
    write_about(folder, about)


def confusion_table(scores: SetScores) -> pd.DataFrame:
    """One row an image and pair of ids that occurs: image, true, predicted (ids), pixels."""
    image, true, predicted = np.nonzero(scores.matrices)
    return pd.DataFrame(
        {
            "image": np.asarray(scores.names, object)[image],
            "true": true.astype(np.int16),
            "predicted": predicted.astype(np.int16),
            "pixels": scores.matrices[image, true, predicted],
        }
    )


def _label_digest(labelled: Labelled) -> str:
    """Hash of names and labels: the same for every method on the same images."""
    digest = hashlib.sha256()
    for name in sorted(labelled.labels):
        digest.update(
            f"{name}:{hashlib.sha256(np.ascontiguousarray(labelled.labels[name]).data).hexdigest()}\n".encode()
        )
    return digest.hexdigest()
