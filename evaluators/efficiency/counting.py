"""Counts parameters and multiply-adds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from fusionbench.contracts.method import HasNetwork


def networks_of(method: object) -> list[nn.Module]:
    """The modules of a method: its ``network`` (a module, or several), else itself or its attributes that are
    modules.

    Empty where there are none: a classical method, or an adapter that hides its network.
    """
    declared: Any = method.network if isinstance(method, HasNetwork) else None
    if declared is None:
        declared = [method, *getattr(method, "__dict__", {}).values()]
    if isinstance(declared, nn.Module):
        return [declared]
    if isinstance(declared, Mapping):
        declared = declared.values()
    return [m for m in declared if isinstance(m, nn.Module)] if isinstance(declared, Iterable) else []


def count_parameters(networks: Sequence[nn.Module]) -> int:
    """Elements of all parameters; a tensor that several modules share counts once."""
    distinct = {id(p): p.numel() for network in networks for p in network.parameters()}
    return sum(distinct.values())


def weight_bytes(networks: Sequence[nn.Module]) -> int:
    """Bytes of all distinct parameters and buffers."""
    tensors = {id(t): t for network in networks for t in (*network.parameters(), *network.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def _attention(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *rest: Any, **named: Any
) -> int:
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


def _extra_operators() -> dict[Any, Callable[..., int]]:
    """Fused attention kernels that torch's counter doesn't know."""
    names = (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_fused_attention_overrideable",
    )
    return {getattr(torch.ops.aten, name): _attention for name in names if hasattr(torch.ops.aten, name)}


@contextlib.contextmanager
def _plain_attention_layers() -> Iterator[None]:
    """Run attention layers operator by operator: their fused inference path is one operator that nobody can
    count.
    """
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def count_flops(run: Callable[[], object]) -> int:
    """FLOPs of one call: two per multiply-add of every convolution and matrix product (attention included).

    Counted from the shapes of the operators that run, so loops (diffusion steps) count as often as they run.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_extra_operators())
    with _plain_attention_layers(), torch.no_grad(), counter:
        run()
    return int(counter.get_total_flops())
