"""Imports the server without what only costs time: collections of garbage, and libraries that it does not use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("rich",)
"""What a library imports if it is installed, and the server never calls: structlog has it for tracebacks."""


@contextmanager
def lean() -> Iterator[None]:
    """A block of imports. Afterwards everything can be imported as before."""
    hidden = [name for name in UNUSED if name not in sys.modules]
    gc.disable()
    try:
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]  # As Python marks what cannot be imported.
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.enable()
