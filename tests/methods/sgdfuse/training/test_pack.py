"""Training data: what is held out, how often a pair counts, and whose masks a crop gets."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench.errors import InputError, MissingDataError
from fusionbench.images.codec import write_png
from fusionbench.methods.sgdfuse.training.pack import (
    Pack,
    PackedPair,
    build_pack,
    epoch_order,
    sample_batch,
    step_seed,
    validation_batch,
)


def made(
    name: str, dataset: str = "msrs", height: int = 40, width: int = 50, providers: int = 3
) -> PackedPair:
    """A pair whose columns count up in every channel, and whose masks by provider p are p + 1 (infrared), 11
    + p.
    """
    images = torch.arange(width, dtype=torch.uint8).expand(4, height, width).contiguous()
    masks = torch.stack([torch.tensor([p + 1, p + 11]) for p in range(providers)]).to(torch.uint8)
    return PackedPair(dataset, name, images, masks[..., None, None].expand(providers, 2, height, width))


PACK = Pack((made("a"), made("b", "roadscene")), (), ("one", "two", "three"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("ir", "vi"):
        (tmp_path / kind).mkdir()
    for index in range(12):
        grey = np.full((33, 34), 10 * index, np.uint8)
        write_png(tmp_path / "ir" / f"{index:02d}.png", grey)
        write_png(tmp_path / "vi" / f"{index:02d}.png", np.repeat(grey[..., None], 3, axis=2))
    return tmp_path


def test_held_out_pairs_are_evenly_spaced_and_never_trained_on(folder: Path) -> None:
    pack = build_pack([("folder", folder)], ["none"], None, held_out=3)
    assert [pair.name for pair in pack.validation] == ["02", "06", "10"]
    assert len(pack.training) == 9
    assert not {p.name for p in pack.training} & {p.name for p in pack.validation}
    alone = build_pack([("folder", folder)], ["none"], None, held_out=3, only_held_out=True)
    assert [pair.name for pair in alone.validation] == ["02", "06", "10"]
    assert alone.training == ()
    assert (
        len(build_pack([("folder", folder)], ["none"], None, held_out=9).validation) == 3
    )  # a quarter at most


def test_the_fingerprint_names_data_and_providers(folder: Path) -> None:
    first = build_pack([("folder", folder)], ["none"], None, held_out=3).fingerprint
    assert first == build_pack([("folder", folder)], ["none"], None, held_out=3).fingerprint
    assert first != build_pack([("folder", folder)], ["random"], None, held_out=3).fingerprint
    assert first != build_pack([("folder", folder)], ["none"], None, held_out=0).fingerprint


def test_nothing_to_train_on_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--dataset"):
        build_pack([])
    with pytest.raises(MissingDataError):
        build_pack([("folder", tmp_path)], ["none"])


def test_an_epoch_takes_every_pair_as_often_as_it_counts() -> None:
    order = epoch_order(PACK, seed=1, epoch=0, repeat={"msrs": 6})
    assert sorted(order) == [0] * 6 + [1]
    assert order != epoch_order(PACK, seed=1, epoch=1, repeat={"msrs": 6})


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first, again = (sample_batch(PACK, 5, 4, 32, seed=3, repeat={}, mask_drop=0.5) for _ in range(2))
    assert torch.equal(first.infrared, again.infrared)
    assert torch.equal(first.mask_vi, again.mask_vi)
    other = sample_batch(PACK, 6, 4, 32, seed=3, repeat={}, mask_drop=0.5)
    assert not torch.equal(first.infrared, other.infrared)


def test_two_devices_share_what_one_would_see() -> None:
    whole = sample_batch(PACK, 2, 4, 32, seed=3, repeat={})
    halves = [sample_batch(PACK, 2, 2, 32, seed=3, repeat={}, rank=rank, world=2) for rank in (0, 1)]
    assert torch.equal(torch.cat([half.infrared for half in halves]), whole.infrared)


def test_providers_vary_and_masks_are_dropped() -> None:
    """Decision 5: each of three providers a third of the crops that keep their masks, and the share asked for
    without.
    """
    batch = sample_batch(PACK, 0, 600, 32, seed=0, repeat={}, mask_drop=0.25)
    kinds = (batch.mask_ir[:, 0, 0, 0] * 255).round().long()
    assert torch.equal(kinds, (batch.mask_ir.amax(dim=(1, 2, 3)) * 255).round().long())  # one provider a crop
    counts = torch.bincount(kinds, minlength=4) / 600
    assert float(counts[0]) == pytest.approx(0.25, abs=0.05)
    assert counts[1:].tolist() == pytest.approx([0.25] * 3, abs=0.05)
    visible = (batch.mask_vi[:, 0, 0, 0] * 255).round().long()
    assert torch.equal(visible, torch.where(kinds > 0, kinds + 10, 0))  # both masks of the same provider


def test_crops_are_mirrored_and_masks_with_them() -> None:
    pair = made("a", height=32, width=32, providers=1)
    pair = PackedPair("msrs", "a", pair.images, pair.images[None, :2].clone())
    batch = sample_batch(Pack((pair,), (), ("one",)), 0, 40, 32, seed=0, repeat={})
    rising = batch.infrared[:, 0, 0, 0] < batch.infrared[:, 0, 0, -1]
    assert 5 < int(rising.sum()) < 35
    assert torch.equal(batch.infrared, batch.mask_ir)


def test_truth_follows_the_crop_and_masks_are_degraded_for_a_share() -> None:
    images = torch.zeros(4, 64, 64, dtype=torch.uint8)
    truth = torch.zeros(64, 64, dtype=torch.uint8)
    truth[10:40, 10:30] = 255
    masks = torch.full((1, 2, 64, 64), 128, dtype=torch.uint8)
    pack = Pack((PackedPair("demo", "a", images, masks, truth),), (), ("one",))
    batch = sample_batch(pack, 0, 60, 48, seed=0, repeat={}, mask_drop=0.2, degrade_share=0.5)
    assert batch.truth is not None
    plain = [bool((mask * 255 - 128).abs().max() < 0.5) for mask in batch.mask_ir]
    blank = [
        not bool(mask.any()) and not bool(own.any())
        for mask, own in zip(batch.mask_ir, batch.truth, strict=True)
    ]
    assert 15 < sum(plain) < 40
    assert 4 <= sum(blank) <= 25
    kept = [own for own, gone in zip(batch.truth, blank, strict=True) if not gone]
    assert all(float(own.max()) == 1 for own in kept)


def test_without_truth_the_masks_given_count() -> None:
    batch = sample_batch(PACK, 0, 4, 32, seed=0, repeat={})
    assert batch.truth is not None
    torch.testing.assert_close(batch.joint, torch.maximum(batch.mask_ir, batch.mask_vi))


def test_labels_bring_the_truth_along() -> None:
    pack = build_pack([("demo", None)], ["labels", "none"], None, held_out=2, only_held_out=True)
    pair = pack.validation[0]
    assert pair.masks.shape[0] == 1
    assert pair.truth is not None
    assert set(pair.truth.unique().tolist()) <= {0, 255}
    assert pack.providers[-1].startswith("labels")


def test_small_images_are_reflected_up_to_the_crop() -> None:
    pair = made("a", height=20, width=20)
    batch = sample_batch(Pack((pair,), (), ("one",)), 0, 1, 32, seed=0, repeat={})
    row = (batch.visible[0, 0, 0] * 255).round()
    row = row if row[0] == 0 or row[12] == 0 else row.flip(0)
    assert batch.visible.shape == (1, 3, 32, 32)
    assert set(row.tolist()) == set(range(20))


def test_validation_sees_whole_pairs_with_the_first_providers_masks() -> None:
    batch = validation_batch(PACK.training[0])
    assert batch.visible.shape == (1, 3, 40, 50)
    assert float(batch.mask_ir.max() * 255) == pytest.approx(1)


def test_seeds_differ_by_purpose() -> None:
    seeds = {
        step_seed(0),
        step_seed(1),
        step_seed(0, "stage", 1),
        step_seed(0, "stage", 2),
        step_seed(0, "noise", 1),
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**56 for seed in seeds)
