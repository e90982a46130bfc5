"""Whose request this thread is working on: what happens at a seam is told by it later, and nothing is decided by it."""

from __future__ import annotations

from contextvars import ContextVar

ASKED_BY: ContextVar[str | None] = ContextVar("mocklend_asked_by", default=None)
"""The id of the request; None where nobody asked, as when the clock of a sandbox runs by itself."""
