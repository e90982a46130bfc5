"""The request that this thread works on. Seams record it; no decision depends on it."""

from __future__ import annotations

from contextvars import ContextVar

ASKED_BY: ContextVar[str | None] = ContextVar("mocklend_asked_by", default=None)
"""The id of the request; None without one, as when a sandbox's clock runs by itself."""
