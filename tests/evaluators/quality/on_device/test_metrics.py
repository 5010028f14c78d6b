"""The torch versions against the CPU kernels, and their gradients."""

import numpy as np
import pytest
import torch

from fusionbench.errors import InputError
from fusionbench.evaluators.quality.conventions.scoring import score_arrays
from fusionbench.evaluators.quality.metrics.ssim import ms_ssim, ssim
from fusionbench.evaluators.quality.on_device import metrics as batched

torch.set_num_threads(1)


def scenes(count: int, height: int, width: int, seed: int = 0) -> list[list[np.ndarray]]:
    """Smooth images with noise and a flat area: what metrics meet in practice."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    triples = []
    for _ in range(count):
        images = []
        for _ in range(2):
            wave = (
                120
                + 80 * np.sin(x / rng.uniform(3, 20) + y / rng.uniform(3, 20))
                + rng.normal(0, 8, (height, width))
            )
            wave[: height // 4, : width // 4] = 17
            images.append(np.clip(np.rint(wave), 0, 255).astype(np.uint8))
        images.append(np.maximum(images[0], images[1]))
        triples.append(images)
    return triples


def tensors(triples: list[list[np.ndarray]], dtype: torch.dtype) -> list[torch.Tensor]:
    return [torch.from_numpy(np.stack([t[role] for t in triples]))[:, None].to(dtype) for role in range(3)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_agrees_with_cpu(dtype: torch.dtype, tolerance: float) -> None:
    triples = scenes(3, 96, 131)
    names = [name for name in batched.METRICS if name not in ("RMSE", "SSIM", "MS-SSIM")]
    a, b, f = tensors(triples, dtype)
    batch = batched.score_batch(a, b, f, metrics=names)
    for index, triple in enumerate(triples):
        for name, value in score_arrays(*triple, metrics=names).items():
            assert batch[name][index].item() == pytest.approx(value.value, rel=tolerance), name


def test_rmse_agrees_with_cpu() -> None:
    (triple,) = scenes(1, 40, 51)
    value = batched.root_mean_squared_error(*tensors([triple], torch.float64)).item()
    assert value == pytest.approx(
        score_arrays(*triple, metrics=["RMSE"], convention="corrected")["RMSE"].value, rel=1e-12
    )


def test_ssim_agrees_with_cpu() -> None:
    triples = scenes(2, 177, 190)
    a, b, f = tensors(triples, torch.float64)
    for index, triple in enumerate(triples):
        assert batched.structural_similarity(a, b, f)[index].item() == pytest.approx(
            sum(ssim(*triple)), rel=1e-12
        )
        assert batched.multi_scale_structural_similarity(a, b, f)[index].item() == pytest.approx(
            sum(ms_ssim(*triple)), rel=1e-12
        )


@pytest.mark.parametrize("name", sorted(batched.DIFFERENTIABLE))
def test_gradient(name: str) -> None:
    height, width = (161, 162) if name == "MS-SSIM" else (42, 43)
    a, b, f = tensors(scenes(1, height, width, seed=3), torch.float64)
    rng = torch.Generator().manual_seed(0)
    # Off the integers: no equal strengths, no vertical ties, where Qabf has jumps.
    images = [
        (image + torch.rand(image.shape, generator=rng, dtype=image.dtype)).requires_grad_()
        for image in (a, b, f)
    ]
    assert torch.autograd.gradcheck(
        batched.METRICS[name], images, fast_mode=True, eps=1e-6, atol=1e-6, rtol=1e-3
    )


@pytest.mark.parametrize("name", sorted(batched.DIFFERENTIABLE))
def test_gradient_is_finite_on_integers(name: str) -> None:
    a, b, f = tensors(scenes(1, 170, 164, seed=5), torch.float64)
    f.requires_grad_()
    batched.METRICS[name](a, b, f).sum().backward()
    assert f.grad is not None
    assert torch.isfinite(f.grad).all()


def test_constant_images_give_nan_not_an_error() -> None:
    flat = torch.full((1, 1, 48, 48), 7.0, dtype=torch.float64)
    scores = batched.score_batch(flat, flat, flat, metrics=list(batched.METRICS))
    assert {name for name, value in scores.items() if value.isnan().any()} == {
        "SCD",
        "CC",
        "VIF",
        "PSNR",
        "MS-SSIM",
    }


def test_bad_input_is_named() -> None:
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(InputError, match="N×1×H×W"):
        batched.score_batch(x[0], x[0], x[0])
    with pytest.raises(InputError, match="float"):
        batched.score_batch(x.byte(), x.byte(), x.byte())
    with pytest.raises(InputError, match="no batched metric"):
        batched.score_batch(x, x, x, metrics=["VIFF"])
