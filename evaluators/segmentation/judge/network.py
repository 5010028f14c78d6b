"""The segmenter: DeepLabV3+ or SegFormer of segmentation-models-pytorch, its initial weights, its
checkpoints.

Checkpoints are safetensors whose metadata say which encoder, widths and classes they are for; a plain state
dict (``.pt``, ``.pth``) is read with ``weights_only=True`` and must fit the recipe. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.files import artifacts
from fusionbench.files.atomic import write_atomic
from fusionbench.files.safetensors_header import sorted_metadata
from fusionbench.files.weight_files import check_stored
from fusionbench.planning.protocols import named_file

from ..recipe import Recipe
from ..spec import SPEC

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet's, for all encoders, pretrained or not."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained segmenter on disk: file, sha256, what its metadata say ({} for a plain state dict)."""

    path: Path
    sha256: str
    metadata: Mapping[str, str]


def build_network(recipe: Recipe, classes: int) -> nn.Module:
    """The recipe's network with random weights (from torch's global generator): N×3×H×W normalised →
    N×classes×H×W logits.

    H and W are multiples of 32. Raises ``InputError`` for an encoder that segmentation-models-pytorch does not have
    or that doesn't fit.
    """
    import segmentation_models_pytorch as smp

    try:
        if recipe.architecture == "Segformer":
            network: nn.Module = smp.Segformer(
                recipe.encoder,
                encoder_weights=None,
                decoder_segmentation_channels=recipe.decoder_channels,
                classes=classes,
            )
        else:
            network = smp.DeepLabV3Plus(
                recipe.encoder,
                encoder_weights=None,
                encoder_depth=recipe.encoder_depth,
                encoder_output_stride=recipe.output_stride,
                decoder_channels=recipe.decoder_channels,
                classes=classes,
            )
    except KeyError:
        raise InputError(
            f"{recipe.encoder!r} is no encoder of segmentation-models-pytorch; for example mobilenet_v2,"
            " resnet18 or resnet50"
        ) from None
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"encoder {recipe.encoder}: can't be used in {recipe.architecture} ({error})"
        ) from None
    _trim(network.get_submodule("encoder"), recipe.encoder_depth)
    return network


_EFFICIENTNET_BLOCKS = {4: 5, 5: 7}
"""Blocks up to each stage."""


def _trim(encoder: Any, depth: int) -> None:
    """Remove what the decoder never reads: an EfficientNet's last convolution, and the stages beyond
    ``depth``.
    """
    if hasattr(encoder, "conv_head"):
        encoder.conv_head, encoder.bn2 = nn.Identity(), nn.Identity()
        encoder.blocks = encoder.blocks[: _EFFICIENTNET_BLOCKS[depth]]


def initial_network(recipe: Recipe, classes: int, seed: int) -> nn.Module:
    """The network every method starts from: weights drawn from ``seed``, the encoder's from its file where
    the recipe has one.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(recipe, classes)
    path = encoder_file(recipe)
    if path is not None:
        _load_encoder(network.get_submodule("encoder"), path, recipe.encoder)
    return network


def encoder_file(recipe: Recipe) -> Path | None:
    """The file of the encoder's initial weights; None where the recipe starts from scratch. Raises
    ``MissingWeightsError``."""
    if recipe.encoder_weights == "none":
        return None
    try:
        path = named_file(SPEC, recipe.encoder_weights)
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{error} {_OTHER_ENCODERS}") from None
    if path is None:
        raise MissingWeightsError(
            f"encoder_weights: {recipe.encoder_weights} is neither a file nor an artifact. {_OTHER_ENCODERS}"
        )
    promised = re.search(
        r"-([0-9a-f]{8})\.pth$", path.name
    )  # torchvision's names carry the start of their sha256
    if promised and not artifacts.file_hashes(path)[0].startswith(promised[1]):
        raise MissingWeightsError(f"{path}: its sha256 doesn't begin with {promised[1]}; fetch it again")
    return path


_OTHER_ENCODERS = (
    "Other weights, or none: --task-option segmentation.encoder_weights=PATH (or none); the change shows in"
    ' the hash of every row. On a machine with a network, `python -c "import segmentation_models_pytorch as'
    " s, safetensors.torch as t; t.save_file(s.encoders.get_encoder('ENCODER',"
    " weights='imagenet').state_dict(), 'PATH.safetensors')\"` makes such a file."
)


def _load_encoder(encoder: nn.Module, path: Path, name: str) -> None:
    state = _smp_names(_without_classifier(read_state(path)))
    if hasattr(encoder, "conv_head"):  # whose file holds what `_trim` removes
        own = encoder.state_dict()
        state = {k: v for k, v in state.items() if k in own}
    _fit(encoder, state, path, f"the encoder {name}")
    encoder.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})


def _without_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's and timm's files hold the classifier too."""
    return {k: v for k, v in state.items() if not re.match(r"(classifier|fc|_fc|head|last_linear)\.", k)}


_PYTORCH_EFFICIENTNET = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
}
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER_BLOCKS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)


def _smp_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state with timm's names, if it is an EfficientNet-Lite0 with the names of efficientnet_pytorch
    (PyPI's package has those).
    """
    if "_conv_stem.weight" not in state:
        return state
    places = [f"blocks.{i}.{j}" for i, repeats in enumerate(_LITE0_REPEATS) for j in range(repeats)]
    renamed = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        if first != "_blocks":
            renamed[f"{_PYTORCH_EFFICIENTNET.get(first, first)}.{rest}"] = value
            continue
        number, part, last = rest.split(".", 2)
        names = _OTHER_BLOCKS if int(number) else _FIRST_BLOCK
        renamed[f"{places[int(number)]}.{names[part]}.{last}"] = value
    return renamed


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict from ``.safetensors`` or, with ``weights_only``, a torch file. Raises ``InputError`` for
    anything else."""
    check_stored(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: can't be read as weights ({str(error).splitlines()[0]})") from None
    except Exception as error:  # torch raises pickle.UnpicklingError for code in the file
        raise InputError(
            f"{path}: refused: it holds more than tensors ({type(error).__name__}); save its state_dict"
            " alone, best as safetensors"
        ) from None
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path}: is no state dict of tensors")
    return state


def _fit(module: nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Raise ``InputError`` unless names and shapes agree, naming the first that doesn't."""
    own = {k: v for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
    for key, value in own.items():
        if key not in state:
            raise InputError(
                f"{path}: is of another architecture than {what}: it has no {key} ({len(state)} tensors)"
            )
        if state[key].shape != value.shape:
            raise InputError(
                f"{path}: is of another architecture than {what}: {key} is {tuple(state[key].shape)},"
                f" expected {tuple(value.shape)}"
            )
    surplus = [k for k in state if k not in own and not k.endswith("num_batches_tracked")]
    if surplus:
        raise InputError(
            f"{path}: is of another architecture than {what}: it also holds {', '.join(surplus[:3])}"
        )


def save_checkpoint(
    network: nn.Module,
    path: Path,
    recipe: Recipe,
    classes: Sequence[str],
    facts: Mapping[str, str],
    *,
    half: bool = False,
) -> str:
    """Write weights (float32, or float16 with ``half``), what they are for and ``facts`` about them,
    atomically; returns the file's sha256.
    """
    tensors = {
        k: (v.detach().half() if half and v.is_floating_point() else v.detach()).cpu().contiguous()
        for k, v in network.state_dict().items()
        if not (half and k.endswith("num_batches_tracked"))
    }
    metadata = {
        "format": "fusionbench-segmenter-1",
        "architecture": recipe.architecture,
        "encoder": recipe.encoder,
        "encoder_depth": str(recipe.encoder_depth),
        "decoder_channels": str(recipe.decoder_channels),
        "output_stride": str(recipe.output_stride),
        "classes": json.dumps(list(classes)),
        **facts,
        "recipe": recipe.model_dump_json(),
    }
    data = sorted_metadata(save(tensors, metadata))
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def find_checkpoint(text: str) -> Checkpoint:
    """Find a judge by path or artifact name, and read what it says of itself.

    Raises ``MissingWeightsError`` or ``InputError``.
    """
    path = named_file(SPEC, text)
    if path is None:
        raise MissingWeightsError(
            f"segmentation judge: {text} is neither a file nor an artifact; train one with `fusionbench train"
            " segmentation --dataset NAME --out FOLDER` and name its segmenter.safetensors with"
            " --task-option segmentation.judge=PATH"
        )
    metadata: Mapping[str, str] = {}
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: is no safetensors file ({error})") from None
    return Checkpoint(path, artifacts.file_hashes(path)[0], metadata)


def load_checkpoint(checkpoint: Checkpoint, recipe: Recipe, classes: Sequence[str]) -> nn.Module:
    """The trained segmenter in float32, ready to predict.

    Raises ``InputError`` if it is of another architecture or for other classes.
    """
    path, metadata = checkpoint.path, checkpoint.metadata
    expected = {
        "architecture": recipe.architecture,
        "encoder": recipe.encoder,
        "encoder_depth": str(recipe.encoder_depth),
        "decoder_channels": str(recipe.decoder_channels),
        "output_stride": str(recipe.output_stride),
    }
    for key, value in expected.items():
        if metadata.get(key, value) != value:
            raise InputError(
                f"{path}: its {key.replace('_', ' ')} is {metadata[key]}, the protocol's {value}; "
                "name another checkpoint, or change the recipe with --task-option segmentation."
                f"{key}={metadata[key]}"
            )
    if "classes" in metadata and (theirs := json.loads(metadata["classes"])) != list(classes):
        raise InputError(
            f"{path}: was trained for {len(theirs)} classes ({', '.join(theirs)}), "
            f"the dataset has {len(classes)} ({', '.join(classes)})"
        )
    network = build_network(recipe, len(classes))
    state = read_state(path)
    _fit(network, state, path, f"{recipe.architecture} with {recipe.encoder} and {len(classes)} classes")
    network.load_state_dict({k: v.float() for k, v in state.items() if v.is_floating_point()}, strict=False)
    return network.eval()
