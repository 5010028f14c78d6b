"""Mask providers by name, and the choice of the best one that can run here."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fusionbench.errors import InputError, UnknownNameError

from .controls import OneSided
from .provider import MaskProvider, ProviderUnavailableError

PROVIDERS: dict[str, str] = {
    "sam": "sam:SamMasks",
    "mobile-sam": "mobile_sam:MobileSamMasks",
    "yolo-seg": "yolo_seg:YoloSegMasks",
    "two-sensor": "two_sensor:TwoSensorMasks",
    "saliency": "saliency:SaliencyMasks",
    "file": "stored:StoredMasks",
    "random": "controls:RandomRectangles",
    "none": "controls:NoMask",
}
"""Provider name → ``module:class`` in this package; imported when asked for."""

FALLBACKS = ("sam", "mobile-sam", "yolo-seg", "two-sensor", "saliency")
"""From the paper's own provider to the one that always works; a fallback only moves to the right."""


@dataclass(frozen=True)
class Selection:
    """The provider that was chosen, what was asked for, and (where they differ) why; ``reason`` belongs into
    the provenance."""

    provider: MaskProvider
    requested: str
    reason: str | None


def get_provider(name: str, **options: Any) -> MaskProvider:
    """The provider called ``name``, ready to use; ``name@ir`` and ``name@vi`` blank the other source's masks.

    Raises ``UnknownNameError`` for a name that isn't in ``PROVIDERS``, ``InputError`` for options it doesn't
    take, and ``ProviderUnavailableError`` when its weights, package or folder are missing or wrong.
    """
    name, _, side = name.partition("@")
    if name not in PROVIDERS:
        raise UnknownNameError(f"no mask provider is called {name!r}; there are {', '.join(PROVIDERS)}")
    module, attribute = PROVIDERS[name].split(":")
    factory: Callable[..., MaskProvider] = getattr(import_module(f".{module}", __package__), attribute)
    signature = inspect.signature(factory)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "none"
        raise InputError(f"mask provider {name!r}: {error}; its options: {known}") from error
    provider = factory(**options)
    return OneSided(provider, side) if side else provider


def best_available(preferred: str = "auto", **options: Any) -> Selection:
    """The provider ``preferred`` if it can run here, else the next of sam, mobile-sam, yolo-seg,
    two-sensor, saliency that can.

    ``auto`` starts at ``sam``. ``options`` go to the preferred provider alone. ``file``, ``random`` and
    ``none`` are never replaced (they were asked for on purpose), and neither is a provider whose weight file
    was named in ``options``: their errors are raised.
    """
    if preferred not in FALLBACKS and preferred != "auto":
        return Selection(get_provider(preferred, **options), preferred, None)
    start = 0 if preferred == "auto" else FALLBACKS.index(preferred)
    failures: list[str] = []
    for name in FALLBACKS[start:]:
        asked = name == preferred
        try:
            provider = get_provider(name, **(options if asked else {}))
        except ProviderUnavailableError as error:
            if asked and options.get("checkpoint"):
                raise
            failures.append(f"{name} ({str(error).partition('. ')[0]})")
            continue
        reason = f"not available: {'; '.join(failures)}. `fusionbench weights fetch` gets their weights"
        return Selection(provider, preferred, reason if failures else None)
    raise ProviderUnavailableError("no mask provider can run here: " + "; ".join(failures))
