"""The fault layer of the app that answers."""

from __future__ import annotations

from mocklend.api.request_context import current_platform
from mocklend.runtime import Platform
from mocklend_faults.engine.layer import FaultLayer


def fault_layer() -> FaultLayer:
    """The layer that this request is about."""
    return layer_of(current_platform())


def layer_of(platform: Platform) -> FaultLayer:
    """The platform's layer. Raises TypeError where it is not ours: then these endpoints are not registered."""
    if not isinstance(platform.layer, FaultLayer):
        raise TypeError(f"these endpoints are of a FaultLayer, and the platform has {type(platform.layer).__name__}")
    return platform.layer
