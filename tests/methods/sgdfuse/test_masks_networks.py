"""The providers with weights: SAM and MobileSAM on random ones, YOLO on real ones."""

import math
import os
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.methods.sgdfuse.masks import best_available, get_provider
from fusionbench.methods.sgdfuse.masks.artifacts import SAM_VIT_B
from fusionbench.methods.sgdfuse.masks.provider import ProviderUnavailableError, file_sha256

GENEROUS = {"pred_iou_thresh": -10.0, "stability_score_thresh": -1.0}
"""Random weights are sure of nothing: let every proposal through."""


def tiny_sam(checkpoint: str | None = None) -> Any:
    """A SAM of segment-anything's own classes: ViT of two blocks, 32 wide, on 64×64 pixels."""
    from segment_anything.modeling import (
        ImageEncoderViT,
        MaskDecoder,
        PromptEncoder,
        Sam,
        TwoWayTransformer,
    )

    assert checkpoint is None, "the provider loads the checkpoint itself, restrictedly"
    torch.manual_seed(0)
    side, patch, width = 64, 16, 32
    return Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=32,
            img_size=side,
            mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=patch,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[1],
            window_size=2,
            out_chans=width,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=width,
            image_embedding_size=(side // patch, side // patch),
            input_image_size=(side, side),
            mask_in_chans=8,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=width, mlp_dim=64, num_heads=2),
            transformer_dim=width,
            iou_head_depth=2,
            iou_head_hidden_dim=16,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )


@pytest.fixture
def tiny_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint file of the tiny SAM, whose model is registered as ``vit_tiny``."""
    from segment_anything import sam_model_registry

    monkeypatch.setitem(sam_model_registry, "vit_tiny", tiny_sam)
    model = tiny_sam()
    with torch.no_grad():  # predicted IoU around 0.9, so that scores are scores
        list(model.mask_decoder.iou_prediction_head.parameters())[-1].fill_(0.9)
    torch.save(model.state_dict(), tmp_path / "tiny.pth")
    return tmp_path / "tiny.pth"


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SAM_CHECKPOINT", "MOBILE_SAM_WEIGHTS", "YOLO_SEG_WEIGHTS", "WEIGHTS"):
        monkeypatch.delenv(f"FUSIONBENCH_{name}", raising=False)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))


def picture(shape: tuple[int, ...] = (40, 56, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_sam_from_a_checkpoint_file(tiny_checkpoint: Path) -> None:
    provider = get_provider(
        "sam", checkpoint=tiny_checkpoint, model="vit_tiny", points_per_side=4, **GENEROUS
    )
    objectness = provider.objectness(picture())
    assert objectness.shape == (40, 56)
    assert objectness.dtype == np.float32
    assert 0 < objectness.max() <= 1
    np.testing.assert_array_equal(objectness, provider.objectness(picture()))
    assert file_sha256(tiny_checkpoint) in provider.fingerprint
    grey = picture((40, 56))
    np.testing.assert_array_equal(
        provider.objectness(grey), provider.objectness(np.repeat(grey[..., None], 3, axis=2))
    )


def test_sam_agrees_with_the_package_used_by_hand(tiny_checkpoint: Path) -> None:
    from segment_anything import SamAutomaticMaskGenerator

    model = tiny_sam()
    model.load_state_dict(torch.load(tiny_checkpoint, weights_only=True))
    records = SamAutomaticMaskGenerator(model.eval(), points_per_side=4, **GENEROUS).generate(picture())
    expected = np.zeros((40, 56))
    for one in records:  # score × area prior, written out once more
        share = one["area"] / (40 * 56)
        prior = 0.0 if share >= 0.5 else min(1.0, math.log(0.5 / share) / math.log(5))
        weight = min(max(one["predicted_iou"], 0), 1) * prior
        expected = np.maximum(expected, one["segmentation"] * weight)
    provider = get_provider(
        "sam", checkpoint=tiny_checkpoint, model="vit_tiny", points_per_side=4, **GENEROUS
    )
    assert expected.max() > 0
    np.testing.assert_allclose(provider.objectness(picture()), expected, atol=1e-6)


def test_sam_checkpoint_from_the_environment(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_SAM_CHECKPOINT", str(tiny_checkpoint))
    chosen = best_available("sam", model="vit_tiny", points_per_side=2, **GENEROUS)
    assert (chosen.provider.name, chosen.reason) == ("sam", None)


def test_missing_sam_checkpoints_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ProviderUnavailableError, match=r"nowhere\.pth .*option `checkpoint`.*weights fetch sam-vit"
    ):
        get_provider("sam", checkpoint=tmp_path / "nowhere.pth")
    with pytest.raises(
        ProviderUnavailableError, match=r"sam_vit_l_0b3195.pth is not in.*weights fetch sam-vit-l"
    ):
        get_provider("sam", model="vit_l")
    monkeypatch.setenv("FUSIONBENCH_SAM_CHECKPOINT", str(tmp_path / "gone.pth"))
    with pytest.raises(ProviderUnavailableError, match="environment variable FUSIONBENCH_SAM_CHECKPOINT"):
        get_provider("sam")


def test_wrong_sam_checkpoints_say_what_they_are(tiny_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model is called 'vit_x'"):
        get_provider("sam", checkpoint=tiny_checkpoint, model="vit_x")
    with pytest.raises(ProviderUnavailableError, match=r"unknown size .embedding width 32.*model="):
        get_provider("sam", checkpoint=tiny_checkpoint)

    other = tmp_path / "classifier.pth"
    torch.save({"features.0.weight": torch.zeros(3)}, other)
    with pytest.raises(ProviderUnavailableError, match="no SAM checkpoint"):
        get_provider("sam", checkpoint=other)

    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(tiny_checkpoint.read_bytes()[:2000])
    with pytest.raises(ProviderUnavailableError, match="damaged"):
        get_provider("sam", checkpoint=damaged)

    incomplete = tmp_path / SAM_VIT_B.filename
    incomplete.write_bytes(tiny_checkpoint.read_bytes())
    with pytest.raises(ProviderUnavailableError, match="official checkpoint but not its sha256"):
        get_provider("sam", checkpoint=incomplete)


def test_another_model_size_is_named(tmp_path: Path, tiny_checkpoint: Path) -> None:
    state = torch.load(tiny_checkpoint, weights_only=True)
    state["image_encoder.pos_embed"] = torch.zeros(1, 4, 4, 1024)
    torch.save(state, tmp_path / "large.pth")
    with pytest.raises(ProviderUnavailableError, match=r"looks like vit_l.*model='vit_l'"):
        get_provider("sam", checkpoint=tmp_path / "large.pth", model="vit_tiny")


class Payload:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("provider", ["sam", "mobile-sam", "yolo-seg"])
def test_code_in_a_checkpoint_is_not_run(provider: str, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    for content in ({"image_encoder.x": Payload(trap)}, {"model": Payload(trap)}):
        torch.save(content, tmp_path / "evil.pt")
        with pytest.raises(ProviderUnavailableError):
            get_provider(provider, checkpoint=tmp_path / "evil.pt")
        assert not trap.exists()


@pytest.mark.parametrize("provider", ["mobile-sam", "yolo-seg"])
def test_ultralytics_weights_are_never_downloaded(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProviderUnavailableError, match="weights fetch"):
        get_provider(provider)
    with pytest.raises(ProviderUnavailableError, match="no weight file at"):
        get_provider(provider, checkpoint="yolov8n-seg.pt")
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.slow
def test_mobile_sam_on_random_weights(tmp_path: Path) -> None:
    from ultralytics.models.sam.build import build_mobile_sam

    torch.manual_seed(0)
    model = build_mobile_sam()
    with torch.no_grad():
        list(model.mask_decoder.iou_prediction_head.parameters())[-1].fill_(0.9)
    torch.save(model.state_dict(), tmp_path / "mobile.pt")
    provider = get_provider("mobile-sam", checkpoint=tmp_path / "mobile.pt", points_per_side=2, **GENEROUS)
    objectness = provider.objectness(picture((96, 128, 3)))
    assert objectness.shape == (96, 128)
    assert 0 < objectness.max() <= 1


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest) -> Path:
    folder = Path(os.environ.get("FUSIONBENCH_TEST_DATA", request.config.rootpath.parent / "shared"))
    if not (folder / "weights" / "yolov8n-seg.pt").is_file():
        pytest.skip(f"real weights and images are not at hand ({folder}); set FUSIONBENCH_TEST_DATA")
    return folder


def test_yolo_seg_finds_the_labelled_people(shared: Path) -> None:
    """On four MSRS test scenes the instance masks must lie on what the dataset labels as people and cars."""
    threads = torch.get_num_threads()
    provider = get_provider("yolo-seg", checkpoint=shared / "weights" / "yolov8n-seg.pt")
    root = shared / "data" / "msrs" / "test"
    on, off = [], []
    for name in sorted(path.stem for path in (root / "ir").iterdir())[:200:50]:
        labels = cv2.imread(str(root / "Segmentation_labels" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        for folder in ("ir", "vi"):
            image = cv2.imread(str(root / folder / f"{name}.webp"))[..., ::-1]
            objectness = provider.objectness(np.ascontiguousarray(image))
            on.append(objectness[(labels == 1) | (labels == 2)])
            off.append(objectness[labels == 0])
    assert np.concatenate(on).mean() > 5 * np.concatenate(off).mean()
    assert torch.get_num_threads() == threads
    assert "yolo-seg(" in provider.fingerprint


def test_yolo_detection_weights_are_refused(shared: Path) -> None:
    with pytest.raises(ProviderUnavailableError, match="detect model, not a segmentation one"):
        get_provider("yolo-seg", checkpoint=shared / "weights" / "yolov8n.pt")
