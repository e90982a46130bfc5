"""The fault layer of the app that handles the request."""

from __future__ import annotations

from mocklend.api.request_context import current_platform
from mocklend.runtime import Platform
from mocklend_faults.engine.layer import FaultLayer


def fault_layer() -> FaultLayer:
    """The fault layer of the app that handles the request. Raises as `layer_of` does."""
    return layer_of(current_platform())


def layer_of(platform: Platform) -> FaultLayer:
    """The platform's fault layer. Raises TypeError if it has another layer, whose app has none of these endpoints."""
    if not isinstance(platform.layer, FaultLayer):
        raise TypeError(f"these endpoints need a FaultLayer, and the platform has {type(platform.layer).__name__}")
    return platform.layer
