"""The fault layer's pages of the console, one module per page, built as the platform builds its own."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from mocklend.console.navigation import JUDGE, PLAY, Entry, LayerPages
from mocklend.language import message
from mocklend.storage.snapshot import PlatformLayer
from mocklend_faults.console import faults, rule, rule_files, trying
from mocklend_faults.console.classes import class_pages
from mocklend_faults.console.key import key_pages
from mocklend_faults.console.live import live_parts
from mocklend_faults.console.rules_shown import fault_pages
from mocklend_faults.console.score import score_pages
from mocklend_faults.console.start import start_pages
from mocklend_faults.engine.layer import FaultLayer

for module in (faults, rule, rule_files, trying):
    module.register(fault_pages)

BLUEPRINTS: Sequence[Blueprint] = (start_pages, fault_pages, key_pages, score_pages, class_pages, live_parts)
ENTRIES: Sequence[Entry] = (
    Entry(PLAY, 10, message("Start"), "start.start", "s", shows_truth=True, for_teacher=True),
    Entry(PLAY, 40, message("Faults"), "faults.faults", "f", "rules", shows_truth=True, for_teacher=True),
    Entry(JUDGE, 10, message("Answer key"), "key.key", "k", "open", shows_truth=True),
    Entry(JUDGE, 20, message("Scores"), "score.score", "e"),
    Entry(JUDGE, 30, message("Classes"), "classes.classes_page", "o", for_teacher=True),
)


def pages(layer: PlatformLayer) -> LayerPages:
    """The pages of a console with this layer; none for another layer. See the entry point `mocklend.console`."""
    if not isinstance(layer, FaultLayer):
        return LayerPages((), ())
    return LayerPages(BLUEPRINTS, ENTRIES, below_live="live_parts.wrong")
