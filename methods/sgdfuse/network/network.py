"""The whole SGDFuse network: stage I, the five-channel diffusion over F1 and the masks, HFAH."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import Config
from .diffusion import Schedule, ddim_step, ddpm_sample, diffuse, linear_schedule, strided_timesteps
from .hfah import HFAH
from .luma import rgb_to_luma
from .stage1 import PreliminaryFusion
from .treatment import gaussian, treat
from .unet import CHANNELS, DenoisingUNet

MASK_DOUBT = 0.02
"""No mask is nearer to 0 or 1 than this where HFAH may move it."""


@dataclass(frozen=True)
class FusionOutput:
    """What one pass makes: the fused image and F1, N×3×H×W in [0, 1] units (not clamped), I0 and its denoised
    form in [-1, 1].

    I0 and its denoised form keep the padding the network works on (`SGDFuseNetwork.padding`).
    """

    fused: Tensor
    preliminary: Tensor
    conditioned: Tensor | None = None
    denoised: Tensor | None = None
    mask: Tensor | None = None
    """The joint mask as HFAH corrected it, as logits N×1×H×W (`treatment.used`)."""


@dataclass(frozen=True)
class Guide:
    """What stage II treats by the masks: padded infrared, visible (colour and luma), and the softened joint
    mask, each N×C×H×W.
    """

    infrared: Tensor
    visible: Tensor
    luma: Tensor
    mask: Tensor


class SGDFuseNetwork(nn.Module):
    """infrared N×1×H×W, visible N×3×H×W, masks N×1×H×W in [0, 1], standard normal noise
    N×`noise_channels`×H×W → fused N×3×H×W.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        model, diffusion = config.model, config.diffusion
        self.size_multiple = model.unshuffle * (16 if model.use_stage2 else 1)
        self.stage1 = PreliminaryFusion(model) if model.use_stage1 else None
        self.unet = DenoisingUNet(model) if model.use_stage2 else None
        self.hfah: HFAH | None = None
        if self.unet is not None and model.use_hfah:
            self.hfah = HFAH(model, self.unet.feature_widths, diffusion.steps)
        self.schedule: Schedule = linear_schedule(
            diffusion.timesteps, diffusion.beta_start, diffusion.beta_end
        )
        visited = self.visited = strided_timesteps(diffusion.t_start, diffusion.steps)
        # Ancestral sampling draws anew at every step but the last, whose variance is 0 (Eq. 10).
        self.noise_channels = CHANNELS * (diffusion.t_start if diffusion.sampler == "ddpm" else 1)
        # ᾱ at the visited steps and finally at t = 0, as plain numbers: exporters and meta tensors can't read
        # a tensor's value.
        self.alpha_bars = [float(self.schedule.alpha_bar[t]) for t in (*visited, 0)]

    def padding(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Pixels to reflect at the left, right, top and bottom: the margin, and what the next multiple of
        `size_multiple` needs.

        The convolutions' own zero borders lie outside the image then: they can't mark its edge, and no loss
        sees them.
        """
        margin = self.config.model.margin
        right, bottom = (margin + -(side + 2 * margin) % self.size_multiple for side in (width, height))
        return margin, right, margin, bottom

    def preliminary(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """F1 (3.2) of any size ≥ 32×32, N×3×H×W in [0, 1] units, not clamped."""
        height, width = infrared.shape[-2:]
        padding = self.padding(height, width)
        padded = self._preliminary(*(_reflect(image, padding) for image in (infrared, visible)))
        return _crop(padded, padding, height, width)

    def _preliminary(self, infrared: Tensor, visible: Tensor) -> Tensor:
        if self.stage1 is None:
            return (infrared + visible) / 2
        preliminary: Tensor = self.stage1(infrared, visible)
        return preliminary

    def condition(self, preliminary: Tensor, mask_ir: Tensor, mask_vi: Tensor) -> Tensor:
        """Eq. 8: I0 = Concat(F1, M_ir, M_vis), N×5×H×W, scaled to [-1, 1]."""
        model = self.config.model
        mask_ir = mask_ir if model.use_mask_ir else torch.zeros_like(mask_ir)
        mask_vi = mask_vi if model.use_mask_vi else torch.zeros_like(mask_vi)
        return torch.cat((preliminary, mask_ir, mask_vi), dim=1) * 2 - 1

    def denoise(self, noisy: Tensor, level: Tensor) -> Tensor:
        """ε_θ (Eq. 11–12): predicted noise of N×5×H×W at noise level sqrt(ᾱ), shape N."""
        if self.unet is None:
            raise RuntimeError("this configuration has no stage II")
        noise: Tensor = self.unet(noisy, level)[0]
        return noise

    def refine(
        self, preliminary: Tensor, conditioned: Tensor, noise: Tensor, guide: Guide | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Stage II: noise I0 to t_start, denoise over the visited steps, aggregate their features (HFAH).

        Returns the fused image in [0, 1] units, the denoised I0 in [-1, 1] and, with a `guide`, the corrected
        mask's logits.
        """
        if self.unet is None:
            raise RuntimeError("this configuration has no stage II")
        features, image = self._denoised(conditioned, noise)
        if guide is not None and self.hfah is not None:
            return self._treated(guide, features, image)
        fused, image = self._aggregate(preliminary, features, image)
        return fused, image, None

    def _denoised(self, conditioned: Tensor, noise: Tensor) -> tuple[list[list[Tensor]], Tensor]:
        """The decoder's features at the visited steps, and the denoised I0."""
        assert self.unet is not None
        model = self.config.model
        features: list[list[Tensor]] = []
        if model.use_diffusion:
            image = diffuse(conditioned, noise[:, :CHANNELS], self.alpha_bars[0] ** 0.5)  # Eq. 7 at t_start
            if self.config.diffusion.sampler == "ddpm":
                return self._ancestral(image, noise)
            for alpha_bar, alpha_bar_next in pairwise(self.alpha_bars):
                level = torch.full((image.shape[0],), alpha_bar**0.5, device=image.device)
                predicted, decoded = self.unet(image, level)
                features.append(decoded)
                image = ddim_step(
                    image, predicted, alpha_bar, alpha_bar_next, self.config.diffusion.clip_denoised
                )
        else:
            image = conditioned
            level = torch.ones(image.shape[0], device=image.device)
            _, decoded = self.unet(image, level)
            features = [decoded] * self.config.diffusion.steps
        return features, image

    def _treated(
        self, guide: Guide, features: list[list[Tensor]], image: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """I_f = T(M̂) + correction: HFAH sees T(M), moves the mask where the features speak against it, and
        adds what T lacks.

        HFAH's first channel is the correction, its second moves the mask, its third is not used.
        """
        assert self.hfah is not None
        settings = self.config.treatment
        base = treat(guide.infrared, guide.luma, guide.mask, settings)
        made = self.hfah(features, 2 * (guide.visible + base - guide.luma) - 1)
        logits = (
            torch.logit(guide.mask.clamp(MASK_DOUBT, 1 - MASK_DOUBT)) + settings.mask_range * made[:, 1:2]
        )
        treated = treat(guide.infrared, guide.luma, torch.sigmoid(logits), settings)
        luma = treated + self.config.model.hfah_residual * made[:, :1]
        return guide.visible + (luma - guide.luma), image, logits

    def _ancestral(self, image: Tensor, noise: Tensor) -> tuple[list[list[Tensor]], Tensor]:
        """Eq. 9–11 from t_start to 0, one step at a time: the decoder's features at the visited steps, and
        I0.
        """
        unet, t_start = self.unet, self.config.diffusion.t_start
        assert unet is not None
        features: list[list[Tensor]] = []
        left = t_start

        def denoiser(noisy: Tensor, level: Tensor) -> Tensor:
            nonlocal left
            predicted: Tensor
            predicted, decoded = unet(noisy, level)
            if left in self.visited:
                features.append(decoded)
            left -= 1
            return predicted

        def fresh(t: int) -> Tensor:
            first = CHANNELS * (t_start - t + 1) if t > 1 else 0
            return noise[:, first : first + CHANNELS]

        denoised = ddpm_sample(denoiser, image, self.schedule, t_start, fresh)
        return features, denoised

    def _aggregate(
        self, preliminary: Tensor, features: list[list[Tensor]], image: Tensor
    ) -> tuple[Tensor, Tensor]:
        """HFAH over the collected features (3.5) → fused image, beside the denoised I0 (which is it without
        HFAH).
        """
        model = self.config.model
        if self.hfah is None:
            return (image[:, :3] + 1) / 2, image
        made = self.hfah(features, preliminary * 2 - 1)
        if model.hfah_residual > 0:
            correction = model.hfah_residual * made
            if model.colour == "luma":
                correction = rgb_to_luma(correction)
            return preliminary + correction, image
        fused = (made + 1) / 2
        if model.colour == "luma":
            fused = preliminary + rgb_to_luma(fused - preliminary)
        return fused, image

    def run(
        self, infrared: Tensor, visible: Tensor, mask_ir: Tensor, mask_vi: Tensor, noise: Tensor
    ) -> FusionOutput:
        """Both stages for any size ≥ 32×32, with all intermediate results (training).

        Inputs are padded by reflection (`padding`), fused image and F1 cropped back.
        """
        height, width = infrared.shape[-2:]
        padding = self.padding(height, width)
        infrared, visible, mask_ir, mask_vi, noise = (
            _reflect(tensor, padding) for tensor in (infrared, visible, mask_ir, mask_vi, noise)
        )
        wide = self._preliminary(infrared, visible)
        preliminary = _crop(wide, padding, height, width)
        if self.unet is None:
            return FusionOutput(preliminary, preliminary)
        conditioned = self.condition(wide, mask_ir, mask_vi)
        guide = self._guide(infrared, visible, mask_ir, mask_vi) if self.config.treatment.used else None
        fused, denoised, logits = self.refine(wide, conditioned, noise, guide)
        moved = None if logits is None else _crop(logits, padding, height, width)
        return FusionOutput(_crop(fused, padding, height, width), preliminary, conditioned, denoised, moved)

    def _guide(self, infrared: Tensor, visible: Tensor, mask_ir: Tensor, mask_vi: Tensor) -> Guide:
        model = self.config.model
        given = [mask for mask, used in ((mask_ir, model.use_mask_ir), (mask_vi, model.use_mask_vi)) if used]
        joint = torch.stack(given).amax(dim=0) if given else torch.zeros_like(mask_ir)  # Eq. 16
        softened = gaussian(joint, self.config.treatment.softness)
        return Guide(infrared, visible, rgb_to_luma(visible), softened)

    def forward(
        self, infrared: Tensor, visible: Tensor, mask_ir: Tensor, mask_vi: Tensor, noise: Tensor
    ) -> Tensor:
        """Fused N×3×H×W in [0, 1] for any size ≥ 32×32."""
        return self.run(infrared, visible, mask_ir, mask_vi, noise).fused.clamp(0, 1)


def _reflect(image: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    padded = F.pad(image, padding, mode="reflect") if any(padding) else image
    return padded.contiguous(memory_format=torch.channels_last)


def _crop(padded: Tensor, padding: tuple[int, int, int, int], height: int, width: int) -> Tensor:
    left, _, top, _ = padding
    return padded[..., top : top + height, left : left + width]


def build_network(config: Config) -> SGDFuseNetwork:
    """The network of a configuration in channels-last memory, which is several times faster on CPUs and
    tensor cores.
    """
    return SGDFuseNetwork(config).to(memory_format=torch.channels_last)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable and frozen parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def image_noise(infrared: Tensor, visible: Tensor, seed: int, channels: int = CHANNELS) -> Tensor:
    """Standard normal noise N×`channels`×H×W, seeded per image from `seed` and the image's content rounded to
    uint8.

    Made on the CPU image by image, so that a result depends neither on the batch, its order nor the device.
    """
    noises = []
    levels = torch.cat((infrared, visible), dim=1).mul(255).round().clamp(0, 255).to(torch.uint8).cpu()
    for image in levels:
        digest = hashlib.sha256(
            f"{seed}:{tuple(image.shape)}:".encode() + image.contiguous().numpy().tobytes()
        ).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
        noises.append(torch.randn(channels, *image.shape[-2:], generator=generator))
    return torch.stack(noises).to(infrared.device)
