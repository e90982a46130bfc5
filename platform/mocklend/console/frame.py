"""The frame around every page: the sandbox, its clock, the figures of the sidebar and of the clock bar.

A page that is looked at has its frame from its own first snapshot (`visit.open_snapshot`), so both are of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import g, request

from mocklend.console import clock_bar
from mocklend.console.formats import Formats
from mocklend.console.visit import console, platform, visit
from mocklend.console.words import DUE, PAYOUTS
from mocklend.scheduling.clock_now import ClockNow
from mocklend.storage.entities import Payout
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Sandbox
from mocklend.summary import SummaryDoc, summary


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame shows. `figures` are by the names in `Entry.figure`; `moved` says what a move has released.

    `next` is what is due next, in English; empty if nothing is.
    """

    sandbox: Sandbox
    clock: ClockNow
    figures: Mapping[str, int]
    moved: str
    next: str


def read_frame(snapshot: Snapshot) -> Frame:
    """The frame of this request's page; from now on times are written in the sandbox's zone."""
    g.formats = Formats(visit().language, snapshot.sandbox.zone)
    figures = _figures(snapshot)
    moved = clock_bar.moved(snapshot, request.args["moved"]) if "moved" in request.args else ""
    return Frame(snapshot.sandbox, figures["clock"], _shown(figures), moved, _next(snapshot, figures["clock"]))


def current_frame() -> Frame:
    """The frame of this request's page. Raises Refused `sandbox_unknown`."""
    if "frame" in g:
        read: Frame = g.frame
        return read
    with platform().snapshot(visit().sandbox_id) as snapshot:
        return read_frame(snapshot)


def _next(snapshot: Snapshot, clock: ClockNow) -> str:
    """What is due next. A payout is told by its purpose."""
    due = clock["next"]
    if due is None:
        return ""
    if due["kind"] == "payout":
        ordered = snapshot.where(
            Payout, "loan_id = :loan_id AND due_ms IS NOT NULL ORDER BY due_ms, id LIMIT 1", loan_id=due["loan_id"]
        )
        if ordered:
            return PAYOUTS[ordered[0].purpose]
    return DUE.get(due["kind"], due["kind"])


def _figures(snapshot: Snapshot) -> SummaryDoc:
    served, sandbox_id = console().platform, snapshot.sandbox_id
    seen, released = served.last_looks.of(sandbox_id), served.clocks.released_so_far(sandbox_id)
    return summary(snapshot, served.layer, seen, released, shows_truth=visit().shows_truth)


def _shown(figures: SummaryDoc) -> dict[str, int]:
    faults = figures["faults"]
    shown = {"loans": figures["loans"]}
    if figures["alerts"] is not None:
        shown["alerts"] = figures["alerts"]["open"]
    if faults is not None:
        shown |= {"rules": faults["rules_on"], "open": faults["open"]}
    return shown
