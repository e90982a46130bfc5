"""The clock bar of every page: moves a manual clock, and says what fell due on the way."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.clock import Advance, move_of
from mocklend.console.forms import Filled, back, local_moment, read_form
from mocklend.console.visit import formats, open_snapshot, platform, require_teacher, visit
from mocklend.console.words import DUE
from mocklend.domain.problems import Refused
from mocklend.sandboxes import advances
from mocklend.sandboxes.advances import RUNNING
from mocklend.sandboxes.lifecycle import advance_id
from mocklend.scheduling.released import AdvanceDoc
from mocklend.storage.snapshot import Snapshot

clock_pages = Blueprint("clock", __name__)

WITHIN_S = 2.0
"""How long a page waits for a move. A longer one goes on, and each page shows how far the clock has come."""


@clock_pages.post("/clock")
def move() -> AnyResponse | tuple[str, int]:
    """Move the clock, and go back to the page that was open."""
    require_teacher()
    values = request.form.to_dict()
    try:
        if values.get("local"):
            values["to"] = local_moment(values["local"])
        asked = read_form(Advance, {name: values.get(name) for name in ("to", "by")})
        platform().move_clock(visit().sandbox_id, move_of(asked), WITHIN_S)
    except Refused as refused:
        filled = Filled.refused_with(refused)
        return render_template("clock.html", filled=filled, came_from=values.get("from", "")), refused.problem.status
    with open_snapshot() as snapshot:
        return back(moved=advance_id(snapshot.sandbox.advances))


@clock_pages.get("/clock")
def choose() -> str:
    """A form for any moment."""
    with open_snapshot() as snapshot:
        now = datetime.fromtimestamp(snapshot.now_ms / 1000, ZoneInfo(snapshot.sandbox.zone))
    filled = Filled({"local": now.strftime("%Y-%m-%dT%H:%M")})
    return render_template("clock.html", filled=filled, came_from=request.args.get("from", ""))


def moved(snapshot: Snapshot, id: str) -> str:
    """What an advance has released, in a sentence. Empty for one that there is not."""
    try:
        advance = platform().clocks.runs.doc(snapshot, advances.by_id(snapshot, id))
    except Refused:
        return ""
    return _sentence(advance)


def _sentence(advance: AdvanceDoc) -> str:
    here, write = visit(), formats()
    if advance["state"] == RUNNING:
        return here.text("The clock still moves, to {to}.", to=write.full_moment(advance["to"]))
    if advance["problem"] is not None or advance["result"] is None:
        return ""
    result = advance["result"]
    kinds = here.text(", ").join(
        here.text("{kind} {count}", kind=here.text(DUE.get(kind, kind)), count=write.number(count))
        for kind, count in sorted(result["released_by_kind"].items(), key=lambda item: -item[1])
    )
    if not kinds:
        return here.text("The clock moved; nothing fell due.")
    days = write.days_between(advance["began_at"], advance["to"])
    total = result["released_total"]
    what = (
        here.text("1 thing fell due") if total == 1 else here.text("{count} things fell due", count=write.number(total))
    )
    if not days:
        return here.text("The clock moved; {what}: {kinds}", what=what, kinds=kinds)
    long = here.text("1 day") if days == 1 else here.text("{days} days", days=write.number(days))
    return here.text("The clock moved by {days}; {what}: {kinds}", days=long, what=what, kinds=kinds)
