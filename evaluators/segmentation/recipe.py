"""A protocol's recipe: everything a trained segmenter and its scores depend on, validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fusionbench.errors import InputError


class Recipe(BaseModel):
    """What ``ConventionSpec.recipe`` of a segmentation protocol holds. Sizes are (height, width) in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str = ""
    """Name of an artifact or path of a file: the trained segmenter to use.

    Empty: one is trained by this recipe.
    """
    judges: tuple[str, ...] = ()
    """The same for ``folds`` judges, each of which says in its file what it was trained on: a pair is
    segmented by one that has not seen it.
    """
    architecture: Literal["DeepLabV3Plus", "Segformer"] = "DeepLabV3Plus"
    encoder: str
    encoder_weights: str
    """Name of an artifact, path of a file, or ``none`` (from scratch)."""
    encoder_depth: int = Field(5, ge=4, le=5)
    """Stages of the encoder that are used: 5, or 4 (a smaller network, whose deepest features have stride
    16).
    """
    decoder_channels: int = Field(ge=8)
    output_stride: Literal[8, 16] = 16
    input: Literal["fused", "blends"]
    """What the segmenter is trained on: a method's fused images, or neutral blends of visible and infrared
    (never a method's output).
    """
    image_size: tuple[int, int] | None
    """Images are resized to this for training and prediction; None: as they are.

    Predictions are compared at the labels' own size.
    """
    crop: tuple[int, int]
    scale: tuple[float, float]
    """Crops are taken from the image enlarged by a factor drawn (log-uniformly) from this range."""
    flip: float = Field(ge=0, le=1)
    """Probability of a horizontal flip."""
    jitter: float = Field(ge=0, lt=1)
    """Contrast and brightness are drawn from 1 ± jitter, gamma from 2^±jitter (one for all channels)."""
    loss: Literal["cross-entropy"] = "cross-entropy"
    class_weights: Literal["enet-sqrt", "enet", "uniform"]
    """``enet``: 1 / ln(1.02 + share of the class among labelled training pixels) (Paszke et al. 2016);
    ``enet-sqrt``: its square root, which finds rare classes without seeing them everywhere. From the training
    labels alone, so equal for all methods."""
    optimizer: Literal["adamw"] = "adamw"
    learning_rate: float = Field(gt=0)
    encoder_rate: float = Field(gt=0)
    """The encoder's learning rate as a share of the decoder's."""
    weight_decay: float = Field(ge=0)
    schedule: Literal["poly"] = "poly"
    """Linear warm-up, then (1 − t/T)^power."""
    power: float = Field(ge=0)
    warmup_steps: int = Field(ge=0)
    batch_size: int = Field(ge=2)
    epochs: float = Field(gt=0)
    """Passes over the training images; an epoch has ceil(images / batch_size) steps, one crop an image."""
    precision: Literal["fp32", "bf16"]
    folds: int = Field(0, ge=0)
    """0: trained on the training split. Otherwise the split itself is cut into folds: each is predicted by a
    segmenter trained on the others."""
    fold_block: int = Field(10, ge=1)
    """Folds take turns with blocks of this many consecutive names, apart for names that end in D and in N
    (day, night).
    """
    dataset_options: Mapping[str, Any] = {}
    """Options with which ``fusionbench train segmentation`` opens the dataset."""
    boundary_tolerance: float = Field(gt=0)
    """Of the boundary F-score, as a share of the image diagonal."""

    @model_validator(mode="after")
    def _sensible(self) -> Recipe:
        if self.folds == 1:
            raise ValueError(
                "folds: 1 fold would be predicted by the segmenter trained on it; 0 or at least 2"
            )
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError("scale: expected 0 < low ≤ high")
        if min(self.crop) < 32:
            raise ValueError("crop: at least 32×32")
        return self


def make_recipe(protocol: str, values: Mapping[str, Any]) -> Recipe:
    """Validate a protocol's recipe. Raises ``InputError`` naming each wrong field."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors())
        raise InputError(f"{protocol}: the recipe can't be used: {lines}") from None
