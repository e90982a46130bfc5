"""The console's sidebar: its pages in three groups, those of the platform and those that a fault layer brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint

from mocklend.language import message
from mocklend.plugins import installed
from mocklend.storage.snapshot import PlatformLayer

GROUP = "mocklend.console"
"""The entry-point group of layers' pages: each is a function of the layer to its `LayerPages`."""

PLAY, LOOK, JUDGE = message("Play"), message("Look"), message("Judge")
GROUPS = (PLAY, LOOK, JUDGE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the sidebar.

    `label` is its English name and `endpoint` its view, called with the sandbox alone; `order` is its place in its
    group, and `key` what leads to it after `g`. `figure` is the name of a figure of the summary shown beside it.
    `shows_truth` leaves it out while the truth is hidden, and `for_teacher` for a student.
    """

    group: str
    order: int
    label: str
    endpoint: str
    key: str = ""
    figure: str = ""
    shows_truth: bool = False
    for_teacher: bool = False

    def is_for(self, *, shows_truth: bool, is_teacher: bool) -> bool:
        """Whether a viewer gets it."""
        return (shows_truth or not self.shows_truth) and (is_teacher or not self.for_teacher)


@dataclass(frozen=True, slots=True)
class LayerPages:
    """What a layer adds to the console: blueprints with their templates, and entries of the sidebar.

    `below_live` is the endpoint of a part of a page: what Live shows below its charts to who may see the truth.
    """

    blueprints: Sequence[Blueprint]
    entries: Sequence[Entry]
    below_live: str = ""


PLATFORM_ENTRIES = (
    Entry(PLAY, 20, message("Loans"), "loans.loans", "l", "loans"),
    Entry(PLAY, 50, message("Live"), "live.live", "v"),
    Entry(LOOK, 10, message("Ledger"), "ledger.ledger", "b"),
    Entry(LOOK, 20, message("Messages"), "messages.messages", "m"),
    Entry(LOOK, 30, message("Alerts"), "alerts.alerts", "a", "alerts"),
)


def pages_of(layer: PlatformLayer | None) -> Iterator[LayerPages]:
    """Yield the pages that the platform's layer brings."""
    if layer is not None:
        for entry in installed(GROUP):
            yield entry.load()(layer)


def sorted_entries(pages: Sequence[LayerPages]) -> tuple[Entry, ...]:
    """All entries of the sidebar, by group and order."""
    entries = [*PLATFORM_ENTRIES, *(entry for layer in pages for entry in layer.entries)]
    return tuple(sorted(entries, key=lambda entry: (GROUPS.index(entry.group), entry.order)))
