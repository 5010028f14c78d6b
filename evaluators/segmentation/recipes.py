"""The recipes of the protocols, as plain data (``recipe.Recipe`` says what each entry means); sizes are
(height, width).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMMON: Mapping[str, Any] = {
    "architecture": "DeepLabV3Plus",
    "encoder": "mobilenet_v2",
    "encoder_weights": "mobilenet_v2-imagenet",
    "encoder_depth": 5,
    "decoder_channels": 256,
    "output_stride": 16,
    "input": "fused",
    "image_size": None,
    "crop": [384, 512],
    "scale": [0.75, 1.5],
    "flip": 0.5,
    "jitter": 0.0,
    "loss": "cross-entropy",
    "class_weights": "enet-sqrt",
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "encoder_rate": 0.3,
    "weight_decay": 0.01,
    "schedule": "poly",
    "power": 0.9,
    "warmup_steps": 20,
    "batch_size": 8,
    "epochs": 40.0,
    "precision": "fp32",
    "boundary_tolerance": 0.0075,
}

RETRAIN: Mapping[str, Any] = dict(_COMMON)

FROZEN: Mapping[str, Any] = {**_COMMON, "judge": "", "input": "blends"}

DEMO_TRAINING: Mapping[str, Any] = {
    **_COMMON,
    "encoder": "timm-tf_efficientnet_lite0",
    "encoder_weights": "efficientnet-lite0-imagenet",
    "encoder_depth": 4,
    "decoder_channels": 96,
    "input": "blends",
    "image_size": [320, 400],
    "crop": [144, 192],
    "scale": [0.7, 1.4],
    "learning_rate": 2e-3,
    "encoder_rate": 0.5,
    "warmup_steps": 60,
    "epochs": 20.0,
    "precision": "bf16",
    "dataset_options": {"train_count": 300},
}
"""How the demo's judge was trained."""

DEMO: Mapping[str, Any] = {**DEMO_TRAINING, "judge": "demo-segmenter"}

MSRS_TWO_FOLDS: Mapping[str, Any] = {
    **_COMMON,
    "decoder_channels": 64,
    "image_size": [240, 320],
    "crop": [128, 192],
    "learning_rate": 2e-3,
    "encoder_rate": 0.5,
    "warmup_steps": 10,
    "epochs": 5.0,
    "precision": "bf16",
    "folds": 2,
    "fold_block": 10,
}

MSRS_TWO_FOLDS_TRAINING: Mapping[str, Any] = {
    **_COMMON,
    "encoder": "timm-tf_efficientnet_lite0",
    "encoder_weights": "efficientnet-lite0-imagenet",
    "encoder_depth": 4,
    "decoder_channels": 96,
    "input": "blends",
    "image_size": [480, 640],
    "crop": [224, 320],
    "scale": [0.75, 1.5],
    "learning_rate": 2e-3,
    "encoder_rate": 0.5,
    "warmup_steps": 30,
    "epochs": 40.0,
    "precision": "bf16",
    "folds": 2,
    "fold_block": 10,
}
"""Two judges, each trained on neutral blends of one half of MSRS's test pairs; each segments the half that it
has not seen.
"""

MSRS_TWO_FOLDS_FROZEN: Mapping[str, Any] = {
    **MSRS_TWO_FOLDS_TRAINING,
    "judges": ["msrs-fold-1", "msrs-fold-2"],
}

SEGFORMER: Mapping[str, Any] = {
    **MSRS_TWO_FOLDS_TRAINING,
    "judges": [],
    "architecture": "Segformer",
    "encoder": "mit_b0",
    "encoder_weights": "none",
    "encoder_depth": 5,
    "decoder_channels": 256,
    "learning_rate": 6e-4,
    "encoder_rate": 1.0,
}
"""The same with SegFormer-B0 from random weights: another network's view."""

TDFUSION: Mapping[str, Any] = {
    **_COMMON,
    "architecture": "Segformer",
    "encoder": "mit_b0",
    "encoder_weights": "none",
    "encoder_rate": 1.0,
    "learning_rate": 6e-4,
}

TDIFUSION: Mapping[str, Any] = {**_COMMON, "image_size": [480, 640], "crop": [480, 640], "scale": [1.0, 1.0]}
