"""The fault layer's pages of the console, one module per page, built as the platform builds its own."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from mocklend.console.navigation import PLAY, Entry, LayerPages
from mocklend.language import message
from mocklend.storage.snapshot import PlatformLayer
from mocklend_faults.console.faults import fault_pages
from mocklend_faults.console.start import start_pages
from mocklend_faults.engine.layer import FaultLayer

BLUEPRINTS: Sequence[Blueprint] = (start_pages, fault_pages)
ENTRIES: Sequence[Entry] = (
    Entry(PLAY, 10, message("Start"), "start.start", "s"),
    Entry(PLAY, 40, message("Faults"), "faults.faults", "f", "rules", shows_truth=True),
)


def pages(layer: PlatformLayer) -> LayerPages:
    """The pages of a console with this layer; none for another layer. See the entry point `mocklend.console`."""
    if not isinstance(layer, FaultLayer):
        return LayerPages((), ())
    return LayerPages(BLUEPRINTS, ENTRIES)
