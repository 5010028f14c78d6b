"""CDDFuse: base and detail features by correlation-driven decomposition (Zhao et al., CVPR 2023)."""

from __future__ import annotations

from ..porting.dual_branch import DualBranchNetwork
from ..porting.restormer_blocks import DenseTransformerBlock


class CDDFuse(DualBranchNetwork):
    """The dual-branch network whose base branch is a transformer block with dense channel attention."""

    def __init__(self) -> None:
        super().__init__(DenseTransformerBlock)
