"""Where SGDFuse's objectness maps come from: one small interface, one module a provider, and their cache.

Start with ``get_provider(name, **options)`` or ``best_available(name)``; both return an object with
``objectness(image)`` and ``fingerprint``. Names are resolved lazily, because ``spec.py`` reads
``artifacts.py`` here without numpy or torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cache import MaskCache
    from .objectness import Segment, area_prior, objectness_from_labels, objectness_from_segments
    from .pairs import pair_masks
    from .provider import MaskProvider, image_hash
    from .registry import PROVIDERS, Selection, best_available, get_provider

__all__ = [
    "PROVIDERS",
    "MaskCache",
    "MaskProvider",
    "Segment",
    "Selection",
    "area_prior",
    "best_available",
    "get_provider",
    "image_hash",
    "objectness_from_labels",
    "objectness_from_segments",
    "pair_masks",
]

_HOME = {
    "MaskCache": "cache",
    "MaskProvider": "provider",
    "image_hash": "provider",
    "pair_masks": "pairs",
    "PROVIDERS": "registry",
    "Selection": "registry",
    "best_available": "registry",
    "get_provider": "registry",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME.get(name, 'objectness')}", __name__), name)
