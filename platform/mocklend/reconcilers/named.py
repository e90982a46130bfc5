"""Returns a reconciler by its name, or from a user's file."""

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
    """There is no reconciler with that name, and no such file, or the file defines none."""


def named(which: str) -> Reconcile:
    """Return a shipped reconciler, or `reconcile` of a Python file, which is run. Raises UnknownReconciler."""
    if which in SHIPPED:
        return SHIPPED[which]
    path = known_file(which)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UnknownReconciler(f"{which} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, "reconcile", None)
    if not callable(function):
        raise UnknownReconciler(f"{which} defines no reconcile(client)")
    reconcile: Reconcile = function
    return reconcile


def known_file(which: str) -> Path:
    """Return the path of a Python file that compiles, without running it. Raises UnknownReconciler."""
    path = Path(which)
    if path.suffix != ".py" or not path.is_file():
        choices = f"{', '.join(SHIPPED)}, or the path of a .py file{did_you_mean(which, SHIPPED)}"
        raise UnknownReconciler(f"no reconciler {which!r}; known: {choices}")
    try:
        compile(path.read_bytes(), which, "exec")
    except (OSError, SyntaxError, ValueError) as error:
        raise UnknownReconciler(f"{which} cannot be read as Python: {error}") from None
    return path
