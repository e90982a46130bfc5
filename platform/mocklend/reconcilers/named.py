"""A reconciler by its name, or from a file of a user's own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from mocklend.client import Client
from mocklend.domain.names import did_you_mean
from mocklend.reconcilers import naive, thorough
from mocklend.reconcilers.found import Found

Reconcile = Callable[[Client], list[Found]]
SHIPPED: dict[str, Reconcile] = {"naive": naive.reconcile, "thorough": thorough.reconcile}


class UnknownReconciler(ValueError):
    """There is none of that name, and no such file, or the file defines none."""


def named(which: str) -> Reconcile:
    """One that is shipped, or `reconcile` of a Python file. The file is the caller's own and is run as it is."""
    if which in SHIPPED:
        return SHIPPED[which]
    path = known_file(which)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UnknownReconciler(f"{which} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, "reconcile", None)
    if not callable(found):
        raise UnknownReconciler(f"{which} defines no reconcile(client)")
    reconcile: Reconcile = found
    return reconcile


def known_file(which: str) -> Path:
    """A file of Python, which is not run yet. Raises UnknownReconciler."""
    path = Path(which)
    if path.suffix != ".py" or not path.is_file():
        known = f"{', '.join(SHIPPED)}, or the path of a .py file{did_you_mean(which, SHIPPED)}"
        raise UnknownReconciler(f"no reconciler {which!r}; known: {known}")
    try:
        compile(path.read_bytes(), which, "exec")
    except (OSError, SyntaxError, ValueError) as wrong:
        raise UnknownReconciler(f"{which} cannot be read as Python: {wrong}") from None
    return path
