"""Returns freed memory to the system. A server that never does keeps the size of its largest burst.

The C library keeps what was freed between two blocks that are in use, and a burst of requests leaves much of that:
pages of SQLite's caches, long answers. Only glibc has a function for it; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

_Trim = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_size_t)


def return_freed() -> bool:
    """Return what can be returned. False if there was nothing, or if the C library has no function for it."""
    trim = _trim()
    return trim is not None and bool(trim(0))


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        return _Trim(("malloc_trim", ctypes.CDLL(None)))
    except (AttributeError, OSError, TypeError):  # Not glibc, or Windows.
        return None
