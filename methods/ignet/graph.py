"""One level of IGNet's graph: three nodes a stream, exchanges across the streams, messages within them."""

from __future__ import annotations

import torch
from torch import nn

NODES = 3
ROUNDS = 2
Nodes = list[torch.Tensor]


def conv_norm_relu(inputs: int, outputs: int, dilation: int = 1) -> nn.Sequential:
    """3×3 convolution without bias, batch normalisation, ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class GatedUnit(nn.Module):
    """A convolutional GRU cell with 1×1 kernels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ConvGates = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.Conv_ct = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, message: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The new state."""
        reset, update = torch.sigmoid(self.ConvGates(torch.cat((message, state), 1))).chunk(2, 1)
        candidate = torch.tanh(self.Conv_ct(torch.cat((message, reset * state), 1)))
        return torch.lerp(state, candidate, update)


class NodeUpdate(nn.Module):
    """Every node hears the other two, weighted by how it differs from each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.C_wgt = nn.Conv2d(2 * channels, 2, 1, groups=2, bias=False)
        self.ConvGRU = GatedUnit(channels)

    def forward(self, nodes: Nodes) -> Nodes:
        """One round; all nodes are computed from the old values."""
        return [self._update(node, *(other for other in nodes if other is not node)) for node in nodes]

    def _update(self, node: torch.Tensor, second: torch.Tensor, third: torch.Tensor) -> torch.Tensor:
        weights = torch.sigmoid(self.C_wgt(torch.cat((node - second, node - third), 1)))
        # As published: the two weight maps alternate over the channels of both messages, they aren't one a
        # message.
        weights = weights.repeat(1, node.shape[1], 1, 1)
        from_second, from_third = (torch.cat((second, third), 1) * weights).chunk(2, 1)
        return torch.addcmul(node, self.gamma, self.ConvGRU(from_second + from_third, node))


class GraphLevel(nn.Module):
    """Features of both streams → three nodes each, after two exchanges and two rounds of messages."""

    def __init__(self, features: int, channels: int, *, first: bool) -> None:
        super().__init__()
        for stream in ("rgb", "dep"):
            pyramid = nn.ModuleList(conv_norm_relu(features, channels, dilation) for dilation in (4, 8, 16))
            self.add_module(f"ppm_{stream}", nn.ModuleDict({"convs": pyramid}))
            self.add_module(f"graph_{stream}", NodeUpdate(channels))
        self.C_pa = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for _ in range(2))
        if not first:
            self.C_ca = nn.ModuleList(
                nn.Sequential(
                    nn.AdaptiveAvgPool2d(1),
                    nn.Conv2d(2 * channels, channels // 2, 1, bias=False),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(channels // 2, channels, 1, bias=False),
                )
                for _ in range(2)
            )

    def forward(
        self, infrared: torch.Tensor, visible: torch.Tensor, summaries: list[torch.Tensor] | None
    ) -> tuple[Nodes, Nodes]:
        """``summaries``: what the coarser level found out, one map a stream; None at the coarsest level."""
        layer = self.get_submodule
        nodes = [
            [conv(image) for conv in layer(f"ppm_{stream}.convs").children()]
            for stream, image in (("rgb", infrared), ("dep", visible))
        ]
        if summaries is not None:
            for stream, summary in enumerate(summaries):
                gain = 1 + torch.sigmoid(self.C_ca[stream](summary))
                nodes[stream] = [node * gain for node in nodes[stream]]
        for _ in range(ROUNDS):
            pairs = [self._exchange(r, d) for r, d in zip(*nodes, strict=True)]
            nodes = [[r for r, _ in pairs], [d for _, d in pairs]]
        for _ in range(ROUNDS):
            nodes = [layer("graph_rgb")(nodes[0]), layer("graph_dep")(nodes[1])]
        return nodes[0], nodes[1]

    def _exchange(self, r: torch.Tensor, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate_r, gate_d = torch.sigmoid(self.C_pa[1](d - r)), torch.sigmoid(self.C_pa[0](r - d))
        return torch.addcmul(r, d, gate_r), torch.addcmul(d, r, gate_d)
