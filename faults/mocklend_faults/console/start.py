"""The page Start: three clicks to the first lie, each of them one call of the API.

lend ─▶ let the page lag an hour ─▶ pay it all back ─▶ the books say settled, the page says unpaid
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mocklend.audit.chain import traced_loan, views_of
from mocklend.console.chain import Wording, draw
from mocklend.console.formats import Formats
from mocklend.console.visit import act, open_snapshot, platform, require_teacher, visit
from mocklend.language import Language, message
from mocklend.sandboxes.advances import Move
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.storage.entities import Borrower, Loan
from mocklend.views import reads
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.console.trying import BORROWERS, CURRENCY, PRINCIPAL_MINOR, repay_all
from mocklend_faults.console.trying import lend as lend_one
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.loaded_rules import stored_of
from mocklend_faults.engine.rules import Rule, RuleBody

start_pages = Blueprint("start", __name__, template_folder="templates")

SETTLED_AFTER_MS = 60_000
RULE_ID = "slow-page"
LAGS = {"fault": "cache.bounded_stale", "with": {"lag_s": 3600}}
LABELS = {Language.EN: "My first", Language.ZH: "我的第一个"}
"""What the sandbox of one's own is called."""
BEGINS_MS = 1_767_578_400_000
"""When a sandbox of one's own begins: Monday, 2026-01-05, 10:00 in Shanghai."""
SEED = 1
WITHIN_S = 10.0
WRONG_FOR_NOW = ("first_wrong", "passes_on", "in_transit")
"""Marks of views that differ from the world."""
STORY = "settled-shown-unpaid"
"""The scenario with a lie that does not heal by itself."""

DOORS = (
    (
        message("Before a class"),
        message("The article's story in five chapters, from one lost reference to a refused mortgage."),
        message("Play it"),
        "scenarios.scenarios",
    ),
    (
        message("My reconciler fails"),
        message("Hand in findings: what was missed, what was wrong, and why."),
        message("Score it"),
        "score.score",
    ),
    (
        message("What did my rule do?"),
        message("Each event it met: injected, or why not."),
        message("See rules"),
        "faults.faults",
    ),
    (
        message("Watch a load run"),
        message("Rates, latency, stale share, lies open and healed."),
        message("Go live"),
        "live.live",
    ),
)
"""The doors of the four kinds of viewers: title, text, what is done there, and the page, if it is there."""


@start_pages.get("/start")
def start() -> str:
    """The three steps, how far they have come, and what is true beside what is shown."""
    require_teacher()
    loan_id = request.args.get("loan", "")
    with open_snapshot() as snapshot:
        loan = snapshot.find(Loan, loan_id) if loan_id else None
        borrower = snapshot.get(Borrower, loan.borrower_id) if loan else None
        paid = bool(loan) and bool(reads.repayments(snapshot, loan_id, limit=1)[0])
        armed = any(stored["id"] == RULE_ID for stored in stored_of(snapshot))
        views = views_of(traced_loan(snapshot, platform().layer, loan_id)) if loan and visit().truth else None
        write = Formats(visit().language, snapshot.sandbox.zone)
    currency = loan.currency if loan else CURRENCY
    return render_template(
        "start.html",
        armed=armed,
        borrower=borrower,
        currency=currency,
        doors=DOORS,
        healed=paid and views is not None and not any(row["mark"] in WRONG_FOR_NOW for row in views["rows"]),
        story=STORY,
        drawn=None if views is None else draw(views),
        loan=loan,
        name=borrower.name if borrower else BORROWERS[visit().language],
        paid=paid,
        principal_minor=PRINCIPAL_MINOR,
        rows={} if views is None else {row["view"]: row for row in views["rows"]},
        rule_id=RULE_ID,
        wording=Wording(visit(), write, currency),
    )


@start_pages.post("/start/lend")
def lend() -> AnyResponse:
    """Lend. In the sandbox `default`, whose clock runs by itself, a sandbox of the viewer's own is made first."""
    require_teacher()
    sandbox_id = visit().sandbox_id
    if sandbox_id == DEFAULT:
        label = LABELS[visit().language]
        sandbox_id = platform().create_sandbox(seed=SEED, mode="manual", now_ms=BEGINS_MS, label=label).id
    return _to(sandbox_id, lend_one(sandbox_id))


@start_pages.post("/start/lag")
def lag() -> AnyResponse:
    """Arm the rule."""
    require_teacher()
    catalogue = layer_of(platform()).catalogue
    rule = Rule.from_body(RULE_ID, RuleBody.model_validate(LAGS), catalogue)
    act(PutRule(visit().sandbox_id, rule))
    return _to(visit().sandbox_id, request.form.get("loan", ""))


@start_pages.post("/start/repay")
def repay() -> AnyResponse:
    """Pay all of it back, through the wallet, and let the clock go on for a minute: the wallet settles in 2 seconds."""
    require_teacher()
    sandbox_id, loan_id = visit().sandbox_id, request.form.get("loan", "")
    repay_all(sandbox_id, loan_id)
    with open_snapshot() as snapshot:
        manual = snapshot.sandbox.mode == "manual"
    if manual:
        platform().move_clock(sandbox_id, Move(by_ms=SETTLED_AFTER_MS), WITHIN_S)
    return _to(sandbox_id, loan_id)


def _to(sandbox_id: str, loan_id: str) -> AnyResponse:
    return redirect(url_for("start.start", sandbox=sandbox_id, loan=loan_id), 303)
