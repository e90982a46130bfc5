"""The page Ledger: the journal, newest first, and on request the trial balance."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from mocklend.api.ledger import JournalQuery
from mocklend.api.pagination import decode_cursor
from mocklend.console.forms import Filled, read_form
from mocklend.console.visit import open_snapshot
from mocklend.console.words import KINDS
from mocklend.domain.problems import Refused
from mocklend.ledger import listing
from mocklend.ledger.accounts import ACCOUNTS
from mocklend.views.reads import Lists

ledger_pages = Blueprint("ledger", __name__)

FILTERS = ("loan_id", "account", "kind", "day")
SHOWN = (*FILTERS, "cursor")


@ledger_pages.get("/ledger")
def ledger() -> str:
    """What was posted, newest first. The trial balance reads the whole journal, so it waits to be asked for."""
    filled, query = Filled(request.args.to_dict()), JournalQuery()
    try:
        query = read_form(JournalQuery, {name: request.args.get(name) for name in SHOWN})
    except Refused as refused:
        filled = Filled.refused_with(refused)
    with open_snapshot() as snapshot:
        listed = listing.transactions(
            snapshot,
            loan_id=query.loan_id,
            account=query.account,
            kind=query.kind,
            recorded_ms=None if query.day is None else listing.day_of(snapshot, query.day),
            order=listing.NEWEST,
            after=decode_cursor(Lists.JOURNAL.ordered(listing.NEWEST), query.cursor),
            limit=query.limit,
        )
        balance = listing.trial_balance(snapshot) if "balance" in request.args else None
    return render_template(
        "ledger.html",
        accounts=ACCOUNTS,
        balance=balance,
        filled=filled,
        filters=FILTERS,
        kinds=KINDS,
        next=listed["next_cursor"],
        transactions=listed["transactions"],
    )
