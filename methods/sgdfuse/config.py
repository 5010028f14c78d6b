"""All settings of SGDFuse as frozen dataclasses, and the presets `default` and `paper` (presets/*.yaml).

A preset file overrides the fields' defaults below; `--set section.field=value` overrides the preset.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from fusionbench.errors import InputError
from fusionbench.files.yaml_text import read_value, read_yaml

CHOICES = {
    "model.base": ("none", "max"),
    "model.colour": ("rgb", "luma"),
    "model.norm": ("group", "layer", "none"),
    "model.hfah_steps": ("concatenated", "mean"),
    "diffusion.sampler": ("ddim", "ddpm"),
    "loss.intensity_target": ("ir", "max", "outside"),
    "loss.gradient_target": ("visible", "max"),
    "train.lr_schedule": ("constant", "cosine"),
}
"""Settings that are one of a few words."""

PRESETS_FOLDER = Path(__file__).parent / "presets"


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Shape of the network. Widths are channels after the stem, i.e. at 1/`unshuffle` of the image's
    resolution.
    """

    unshuffle: int = 2
    """Pixel-unshuffle factor in front of both networks: 1 works at full resolution, 2 at half with 4 times
    the channels.
    """
    margin: int = 8
    """Pixels reflected around the image before the network and cut off after it, so that no convolution's
    zero border reaches the result.
    """
    width: int = 24
    """Channels of the stage-I branches."""
    blocks: int = 3
    """MSFEMs on the infrared and transformer blocks on the visible branch (Fig. 10 ablates 2, 3, 4)."""
    heads: int = 4
    expansion: float = 2.0
    """Hidden width of the transformer blocks' feed-forward part, relative to `width`."""
    detail: int = 8
    """Channels of the full-resolution layers behind the pixel shuffle of both heads."""
    base: str = "max"
    """What the stage-I head adds to: `none` (F1 is the head's output alone, as in the paper) or `max`
    (pixel-wise maximum).
    """
    colour: str = "luma"
    """`rgb`: the heads make three free channels (paper); `luma`: they change the luma only and keep the
    visible chroma.
    """
    unet_width: int = 24
    unet_multipliers: tuple[int, ...] = (1, 2, 2, 3)
    """Width of the four upper levels, times `unet_width`; the fifth level, the bottleneck, has the last one's
    width.
    """
    unet_blocks: int = 1
    """Residual blocks at a level, in the encoder and again in the decoder."""
    dropout: float = 0.0
    norm: str = "none"
    """Of the U-Net: `group` (GroupNorm, as SR3), `layer` (over the channels of a pixel, so that crops and
    whole images have the same statistics) or `none`.
    """
    hfah_width: int = 16
    """Channels every decoder scale is reduced to in HFAH."""
    hfah_hidden: tuple[int, int] = (32, 32)
    hfah_residual: float = 0.5
    """0: I_f is HFAH's Tanh alone (paper). Otherwise I_f = F1 + this range × Tanh, in units of the [0, 1]
    image.
    """
    hfah_steps: str = "concatenated"
    """How HFAH joins the features of the visited time steps: `concatenated` (their number is part of the
    network's shape) or `mean` (the same weights run with any number of steps).
    """
    use_stage1: bool = True
    """Ablation: without stage I, F1 is the mean of the sources."""
    use_stage2: bool = True
    """Ablation: without stage II, the fused image is F1."""
    use_diffusion: bool = True
    """Ablation: without diffusion the same network sees no noise."""
    use_hfah: bool = True
    """Ablation: without HFAH the fused image is the denoised image's first three channels."""
    use_mask_ir: bool = True
    use_mask_vi: bool = True


@dataclasses.dataclass(frozen=True)
class TreatmentConfig:
    """What differs inside and outside the masks (`treatment.py`); with `used` off nothing does, as in the
    paper's preset.
    """

    used: bool = False
    """I_f = T(M̂) + HFAH's correction, M̂ being the masks as HFAH corrects them, and stage II aims at T of
    the true masks.
    """
    gamma: float = 0.8
    """Exponent on the visible luma: below 1 it lifts dark regions."""
    heat: float = 0.3
    """Share of the infrared's excess over its surroundings that is added inside the masks."""
    share: float = 0.5
    """Outside the masks, how far the image goes from the visible one (0) to the maximum (1)."""
    sigma: float = 25.0
    """Standard deviation of the Gaussian that means `surroundings`, pixels."""
    softness: float = 3.0
    """Standard deviation of the Gaussian that softens the masks' borders, pixels."""
    mask_range: float = 6.0
    """How far HFAH may move the masks, in logits (0: the masks are taken as they are)."""


@dataclasses.dataclass(frozen=True)
class DiffusionConfig:
    """The noise schedule (linear in β) and where sampling runs on it."""

    timesteps: int = 1000
    beta_start: float = 1e-6
    beta_end: float = 1e-2
    t_start: int = 20
    """Noise level (time step, 1..timesteps) that I0 is brought to before denoising; `timesteps` is generation
    from pure noise.
    """
    steps: int = 2
    """DDIM steps from `t_start` to 0 = U-Net evaluations; HFAH reads the decoder at each, so it is part of
    the network's shape.
    """
    sampler: str = "ddim"
    """`ddim` (deterministic) or `ddpm` (ancestral, Eq. 9–11: `t_start` evaluations with fresh noise, read by
    HFAH at the same levels).
    """
    clip_denoised: bool = False
    """Clamp the predicted I0 to [-1, 1] at each step (needed from high noise levels, harmless at low
    ones).
    """


@dataclasses.dataclass(frozen=True)
class LossConfig:
    """Weights of the loss terms. The paper's are `intensity1`, `gradient1` (Eq. 15), `noise` (Eq. 12),
    `intensity2`, `gradient2` (Eq. 19).
    """

    intensity1: float = 1.0
    gradient1: float = 1.0
    intensity_target: str = "max"
    """Stage-I intensity target (decision 7): `ir` (Eq. 14), `max` (max of infrared and visible) or `outside`
    (T(0): what can be said of a pixel without a mask, so that stage I does not give away the answer).
    """
    gradient_target: str = "max"
    """Stage-I gradient target: `visible` (Eq. 13) or `max` (the larger gradient by magnitude)."""
    min_share: float = 0.0
    """Share of min(I_ir, I_vis) that is added to every `max` intensity target (0: the paper's)."""
    noise: float = 1.0
    noise_share: float = 1.0
    """Share of the batch on which the noise loss is computed (it costs one U-Net evaluation)."""
    intensity2: float = 1.5
    gradient2: float = 1.0
    mask_floor: float = 0.0
    """M̃ = floor + (1 − floor)·M in Eq. 17–18 (decision 6); 0 is the paper's."""
    on_luma: bool = True
    """Compare luma with luma (True) or each of the three channels (the paper's ‖·‖ over H×W×3)."""
    preliminary: float = 0.0
    """Weight of the stage-I objective on F1 while stage II trains (with stage I fine-tuned)."""
    mask: float = 0.0
    """Weight of the cross-entropy between the masks as HFAH corrects them and the true ones
    (`treatment.used`).
    """
    vif: float = 0.0
    """Weight of −VIF (`surrogates.vif`), on the fused luma."""
    qabf: float = 0.0
    scd: float = 0.0
    sf: float = 0.0
    """Weight of what SF lacks of 1.25 × that of the sources' maximum, as a ratio."""
    sd: float = 0.0
    """Weight of what SD lacks of 1.1 × that of the sources' maximum, as a ratio."""
    smooth: float = 0.0
    """Weight of the fused gradients' excess over the sum of the sources' (halos, ringing, grain)."""
    range: float = 0.0
    """Weight of the mean distance of the fused image from [0, 1]."""


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """One training run. `steps1`/`steps2` of 0 mean: as many steps as `epochs1`/`epochs2` passes over the
    pairs.
    """

    epochs1: int = 200
    epochs2: int = 200
    steps1: int = 0
    steps2: int = 0
    batch_size: int = 24
    crop: int = 160
    lr: float = 1e-4
    lr_schedule: str = "constant"
    """`constant` (paper) or `cosine` (to 2 % of `lr`, after `warmup` steps)."""
    warmup: int = 0
    gradient_clip: float = 0.0
    ema: float = 0.999
    init: str = ""
    """Weights or a checkpoint to start from, as a path; the first version's fit the second one
    (`training/warm_start.py`).
    """
    finetune_stage1: bool = False
    """Let stage II change stage I's weights (decision 7)."""
    stage1_lr_scale: float = 1.0
    augment: bool = False
    """Change gamma, gain and noise of each sensor at random, and move infrared against visible by up to two
    pixels.
    """
    degrade: float = 0.0
    """Probability that a crop's masks are the true ones, degraded (`masks/labels.py`), where the pair has a
    map of truth.
    """
    mask_drop: float = 0.0
    """Probability of blanking a pair's masks, and the same of taking another provider's (decision 5)."""
    validate_every: int = 500
    checkpoint_every: int = 250
    log_every: int = 20
    validation_pairs: int = 6
    """Pairs of each dataset (at most a quarter of it) that are held out of training, evenly spaced, for
    validation.
    """
    boxes: dict[str, str] = dataclasses.field(default_factory=dict)
    """Folders of YOLO files (COCO classes), by dataset name, for training pairs whose dataset has no boxes in
    its training split.
    """
    repeat: dict[str, int] = dataclasses.field(default_factory=dict)
    """How often a dataset's pairs count in an epoch, by dataset name (1 where absent)."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that shapes a run; stored in each checkpoint."""

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    treatment: TreatmentConfig = dataclasses.field(default_factory=TreatmentConfig)
    diffusion: DiffusionConfig = dataclasses.field(default_factory=DiffusionConfig)
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    train: TrainConfig = dataclasses.field(default_factory=TrainConfig)
    preset: str = "default"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML or JSON."""
        return dataclasses.asdict(self)


def preset_names() -> list[str]:
    """Names of the presets that ship with the package."""
    return sorted(path.stem for path in PRESETS_FOLDER.glob("*.yaml"))


def load_config(preset: str = "default", overrides: Mapping[str, Any] | None = None) -> Config:
    """A preset (a name, or a path to a YAML file) with overrides such as `{"loss.vif": 0.5}` on top.

    Raises InputError for an unknown preset, section or field, and for values of the wrong type.
    """
    path = PRESETS_FOLDER / f"{preset}.yaml"
    if not path.exists():
        path = Path(preset)
    if not path.is_file():
        raise InputError(
            f"SGDFuse has no preset {preset!r}: choose one of {', '.join(preset_names())}, or a YAML file"
        )
    try:
        data = read_yaml(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    config = config_from_dict(data, origin=str(path))
    return apply_overrides(dataclasses.replace(config, preset=path.stem), overrides or {})


def config_from_dict(data: Mapping[str, Any], origin: str = "configuration") -> Config:
    """A Config from nested plain data; absent fields keep their defaults, unknown ones raise InputError."""
    if not isinstance(data, Mapping):
        raise InputError(
            f"{origin}: expected sections (model, treatment, diffusion, loss, train), found"
            f" {type(data).__name__}"
        )
    flat: dict[str, Any] = {}
    for section, values in data.items():
        if isinstance(values, Mapping):
            flat.update({f"{section}.{name}": value for name, value in values.items()})
        else:
            flat[section] = values
    preset = str(flat.pop("preset", "default"))
    return apply_overrides(Config(preset=preset), flat, origin)


def apply_overrides(config: Config, overrides: Mapping[str, Any], origin: str = "--set") -> Config:
    """Replace fields by dotted name; text values are read as YAML and cast to the field's type."""
    for key, value in overrides.items():
        section_name, _, field_name = key.partition(".")
        section = getattr(config, section_name, None)
        if not dataclasses.is_dataclass(section) or isinstance(section, type):
            raise InputError(
                f"{origin}: no setting {key!r}; sections are model, treatment, diffusion, loss and train"
            )
        hints = get_type_hints(type(section))
        if field_name not in hints:
            raise InputError(f"{origin}: no setting {key!r}; {section_name} has {', '.join(sorted(hints))}")
        if isinstance(value, str) and hints[field_name] is not str:
            value = read_value(value, f"{origin}: {key}")
        cast = _cast(value, hints[field_name], f"{origin}: {key}")
        if cast not in CHOICES.get(key, (cast,)):
            raise InputError(f"{origin}: {key} is one of {', '.join(CHOICES[key])}, not {cast!r}")
        changed: Any = dataclasses.replace(section, **{field_name: cast})
        config = dataclasses.replace(config, **{section_name: changed})
    return config


def _cast(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} must be a list, found {value!r}")
        return tuple(_cast(item, get_args(kind)[0], where) for item in value)
    if get_origin(kind) is dict:
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must be a mapping, found {value!r}")
        return {str(key): _cast(item, get_args(kind)[1], where) for key, item in value.items()}
    if kind is bool:
        if not isinstance(value, bool):
            raise InputError(f"{where} must be true or false, found {value!r}")
        return value
    try:
        return kind(value)  # YAML reads 1e-4 as text, float() does not mind
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} must be {kind.__name__}, found {value!r}") from error
