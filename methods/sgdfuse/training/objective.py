"""What one training step minimises, as a module whose forward is the step (so that autocast and DDP see all
of it).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..config import LossConfig
from ..network.diffusion import noise_loss, sample_levels
from ..network.network import SGDFuseNetwork
from .losses import mask_loss, metric_terms, stage1_loss, stage2_loss, treatment_loss
from .pack import Batch


class TrainingObjective(nn.Module):
    """Batch and generator → (total loss, weighted terms). `stage` 1: Eq. 15 on F1; 2: Eq. 12 + Eq. 19 and the
    extra terms on I_f.
    """

    def __init__(self, network: SGDFuseNetwork, stage: int, finetune_stage1: bool) -> None:
        super().__init__()
        self.network, self.stage = network, stage
        for name, parameter in network.named_parameters():
            first = name.startswith("stage1.")
            parameter.requires_grad_(first if stage == 1 else not first or finetune_stage1)

    def forward(
        self,
        infrared: Tensor,
        visible: Tensor,
        mask_ir: Tensor,
        mask_vi: Tensor,
        generator: torch.Generator,
        truth: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One forward pass of the stage; the losses are computed in float32 whatever the network's
        precision.
        """
        batch = Batch(infrared, visible, mask_ir, mask_vi, truth)
        config = self.network.config.loss
        if self.stage == 1:
            preliminary = self.network.preliminary(batch.infrared, batch.visible)
            with torch.autocast(batch.infrared.device.type, enabled=False):
                terms = self._fusion_terms(preliminary.float(), batch, config, first=True)
        else:
            count = batch.infrared.shape[0]
            shape = (count, self.network.noise_channels, *batch.infrared.shape[-2:])
            noise = torch.randn(shape, generator=generator).to(batch.infrared.device)
            output = self.network.run(batch.infrared, batch.visible, batch.mask_ir, batch.mask_vi, noise)
            with torch.autocast(batch.infrared.device.type, enabled=False):
                terms = self._fusion_terms(output.fused.float(), batch, config, first=False)
                if config.mask and output.mask is not None:
                    softness = self.network.config.treatment.softness
                    terms["mask"] = config.mask * mask_loss(output.mask.float(), batch.joint, softness)
                if config.preliminary:
                    aside = self._fusion_terms(output.preliminary.float(), batch, config, first=True)
                    terms["preliminary"] = config.preliminary * torch.stack(list(aside.values())).sum()
            if config.noise and self.network.config.model.use_diffusion and output.conditioned is not None:
                count = max(1, round(count * config.noise_share))
                level = sample_levels(self.network.schedule, count, generator).to(batch.infrared.device)
                # The target I0 is data here, not something to make easier to denoise.
                clean = output.conditioned[:count].detach()
                gamma = torch.randn(clean.shape, generator=generator).to(clean.device)
                terms["noise"] = config.noise * noise_loss(
                    self.network.denoise, clean, gamma, level
                )  # Eq. 12
        return torch.stack(list(terms.values())).sum(), {name: term.detach() for name, term in terms.items()}

    def _fusion_terms(
        self, fused: Tensor, batch: Batch, config: LossConfig, first: bool
    ) -> dict[str, Tensor]:
        treatment = self.network.config.treatment
        if first:
            terms = stage1_loss(fused, batch.infrared, batch.visible, config, treatment)
        elif treatment.used:
            terms = treatment_loss(fused, batch.infrared, batch.visible, batch.joint, config, treatment)
        else:
            terms = stage2_loss(fused, batch.infrared, batch.visible, batch.mask_ir, batch.mask_vi, config)
        return {**terms, **metric_terms(fused, batch.infrared, batch.visible, config)}
