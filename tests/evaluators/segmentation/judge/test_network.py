"""Initial weights and checkpoints: what is refused, and why."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.evaluators.segmentation.judge.network import (
    build_network,
    encoder_file,
    find_checkpoint,
    initial_network,
    load_checkpoint,
    save_checkpoint,
)

CLASSES = ("unlabelled", "bright", "dark")


@pytest.fixture
def saved(tiny: Any, tmp_path: Path) -> Path:
    path = tmp_path / "segmenter.safetensors"
    save_checkpoint(
        initial_network(tiny(), 3, 0), path, tiny(), CLASSES, {"trained_on": "squares"}, half=True
    )
    return path


def test_all_methods_start_from_the_same_weights(tiny: Any) -> None:
    first, second, other = (initial_network(tiny(), 3, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


def test_starting_leaves_the_global_generator_alone(tiny: Any) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    initial_network(tiny(), 3, 0)
    assert torch.equal(torch.rand(1), expected)


def test_float16_weights_come_back_as_float32(tiny: Any, saved: Path) -> None:
    network = load_checkpoint(find_checkpoint(str(saved)), tiny(), CLASSES)
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    original = initial_network(tiny(), 3, 0).state_dict()
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, original[key].half().float()), key


def test_equal_weights_give_equal_bytes(tiny: Any, saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_checkpoint(
        initial_network(tiny(), 3, 0), again, tiny(), CLASSES, {"trained_on": "squares"}, half=True
    )
    assert again.read_bytes() == saved.read_bytes()


def test_a_checkpoint_of_another_architecture_or_other_classes_is_refused(tiny: Any, saved: Path) -> None:
    checkpoint = find_checkpoint(str(saved))
    with pytest.raises(InputError, match="its encoder is mobilenet_v2, the protocol's resnet18"):
        load_checkpoint(checkpoint, tiny(encoder="resnet18"), CLASSES)
    with pytest.raises(InputError, match="decoder channels is 16, the protocol's 32"):
        load_checkpoint(checkpoint, tiny(decoder_channels=32), CLASSES)
    with pytest.raises(InputError, match=r"was trained for 3 classes .* the dataset has 2"):
        load_checkpoint(checkpoint, tiny(), CLASSES[:2])


def test_a_plain_state_dict_must_fit_too(tiny: Any, tmp_path: Path) -> None:
    good, other, few = (tmp_path / f"{n}.pt" for n in ("good", "other", "few"))
    torch.save(build_network(tiny(), 3).state_dict(), good)
    torch.save(build_network(tiny(encoder="resnet18"), 3).state_dict(), other)
    torch.save(build_network(tiny(), 2).state_dict(), few)
    load_checkpoint(find_checkpoint(str(good)), tiny(), CLASSES)
    with pytest.raises(InputError, match="is of another architecture"):
        load_checkpoint(find_checkpoint(str(other)), tiny(), CLASSES)
    with pytest.raises(InputError, match=r"segmentation_head.*expected \(3,"):
        load_checkpoint(find_checkpoint(str(few)), tiny(), CLASSES)


def test_files_that_hold_code_or_nothing_are_refused(tiny: Any, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.system, ("touch /tmp/fusionbench-exploded",)

    bomb, empty = tmp_path / "bomb.pt", tmp_path / "empty.safetensors"
    torch.save({"a": Bomb()}, bomb)
    empty.write_bytes(b"")
    with pytest.raises(InputError, match="refused: it holds more than tensors"):
        load_checkpoint(find_checkpoint(str(bomb)), tiny(), CLASSES)
    with pytest.raises(InputError, match="is no safetensors file"):
        find_checkpoint(str(empty))
    with pytest.raises(MissingWeightsError, match="fusionbench train segmentation"):
        find_checkpoint(str(tmp_path / "absent.safetensors"))


def test_missing_encoder_weights_are_asked_for_and_never_fetched(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)

    def no_network(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", no_network)
    with pytest.raises(MissingWeightsError, match=r"FUSIONBENCH_WEIGHTS.*encoder_weights=PATH"):
        encoder_file(tiny(encoder_weights="mobilenet_v2-imagenet"))
    with pytest.raises(MissingWeightsError, match="neither a file nor an artifact"):
        encoder_file(tiny(encoder_weights="resnet-imagenet"))


def test_imagenet_weights_at_hand_fill_the_encoder(
    shared: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(shared / "weights"))
    recipe = tiny(encoder_weights="mobilenet_v2-imagenet")
    with_weights, without = (
        initial_network(recipe, 3, 0).state_dict(),
        initial_network(tiny(), 3, 0).state_dict(),
    )
    changed = {k for k in without if not torch.equal(with_weights[k], without[k])}
    assert changed
    assert all(k.startswith("encoder.") for k in changed)
    with pytest.raises(InputError, match="of another architecture than the encoder resnet18"):
        initial_network(recipe.model_copy(update={"encoder": "resnet18"}), 3, 0)


def test_unknown_encoders_are_named(tiny: Any) -> None:
    with pytest.raises(InputError, match="'resnet19' is no encoder"):
        build_network(tiny(encoder="resnet19"), 3)


def test_wrong_recipes_name_the_field(tiny: Any) -> None:
    with pytest.raises(InputError, match="epochs"):
        tiny(epochs=0)
    with pytest.raises(InputError, match="crop: at least 32×32"):
        tiny(crop=[16, 32])
    with pytest.raises(InputError, match="1 fold would be predicted by the segmenter trained on it"):
        tiny(folds=1)
    with pytest.raises(InputError, match="learning_rat"):
        tiny(learning_rat=1)
