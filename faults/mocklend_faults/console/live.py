"""What the page Live shows of the fault layer: each rule with what it has injected, and what is still wrong now."""

from __future__ import annotations

from flask import Blueprint, render_template

from mocklend.console.visit import open_snapshot, platform, require_teacher, visit
from mocklend.domain.finding import CLASSES
from mocklend.domain.problems import Refused
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.engine.wrong_now import wrong_now

live_parts = Blueprint("live_parts", __name__, template_folder="templates")


@live_parts.before_request
def only_with_the_truth() -> None:
    """What rules did is the teacher's, and is not shown while the truth is hidden. Raises Refused."""
    require_teacher()
    if not visit().truth:
        raise Refused("truth_hidden", "this part shows it", expected="a page that shows the truth")


@live_parts.get("/live/wrong")
def wrong() -> str:
    """A part of the page Live, for its script to ask again. It is no page of its own."""
    layer = layer_of(platform())
    with open_snapshot() as snapshot:
        now = wrong_now(layer, snapshot)
    titles = {kind.name: kind.title for kind in layer.catalogue.values()}
    return render_template(
        "wrong_now.html",
        classes=CLASSES,
        entries=[entry.to_json() for entry in now.newest],
        most=max((rule.injected for rule in now.rules), default=0),
        now=now,
        titles=titles,
    )
