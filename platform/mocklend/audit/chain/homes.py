"""In which view of the chain a discrepancy begins: by its class and entity, and by the seam of what explains it."""

from __future__ import annotations

from typing import NamedTuple

from mocklend.audit.chain.docs import View
from mocklend.audit.chain.rows import (
    DISPUTE,
    EDIT,
    RECEIPT,
    REVERSAL,
    Row,
    quote_row,
    receipt_row,
    repayment_row,
    statement_row,
)
from mocklend.audit.chain.subject import Subject
from mocklend.domain.finding import TIMING, Discrepancy
from mocklend.sandboxes.ids import order_no
from mocklend.storage.entities import OperatorEdit, Payout, Quote, Receipt, Repayment, ScoreAnswer, StatementFile, Trade
from mocklend.storage.schema import RECEIPT_PREFIX


class Home(NamedTuple):
    """A view, and the entity in it; None where the view is of the loan as a whole."""

    view: View
    id: str | None = None
    about: str | None = None


BOOKS = Home(View.BOOKS)
_OF_CLASS = {
    "left_behind": BOOKS,
    TIMING: Home(View.CLIENT),
    "world_invariant": Home(View.WORLD),
    "wrong_view": Home(View.PAGE),
    "wrong_bureau": Home(View.REPORT),
}


def home_of(subject: Subject, discrepancy: Discrepancy, seam: str | None) -> Home:
    """Where a discrepancy begins. `seam` is that of the injection that explains it; None if nothing does."""
    finding, detail = discrepancy.finding, discrepancy.detail
    entity = finding.entity
    match finding.finding_class:
        case "missing_in_books" if seam == "compensation.agreed":
            disputes = [dispute.id for dispute in subject.disputes if dispute.compensation_id == entity]
            return Home(View.CONSOLE, disputes[-1] if disputes else entity, DISPUTE)
        case "missing_in_channel" if entity.startswith("out_") or seam == "payout.settled":
            return Home(View.PAYOUT, entity)
        case "missing_in_channel" if seam == "trade.settled":
            return Home(View.CHANNEL, order_no(entity))
        case "unidentified":
            return Home(View.CONSOLE, entity, RECEIPT)
        case "misapplied" if entity.startswith(RECEIPT_PREFIX) and seam != "receipt.booked":
            return Home(View.CONSOLE, entity, RECEIPT)
        case "misapplied" if seam == "repayment.reversal":
            return Home(View.CONSOLE, entity, REVERSAL)
        case "duplicate_in_books" if entity.startswith(RECEIPT_PREFIX):
            return Home(View.CONSOLE, entity, RECEIPT)
        case "duplicate_in_channel" if seam == "idempotency.checked":
            return Home(View.CLIENT, entity)
        case "amount_mismatch" | "unsupported" | "unapproved" if entity.startswith("edt_"):
            return Home(View.CONSOLE, entity, EDIT)
        case "status_mismatch" if seam != "override.outdated" and subject.loan.status_override is not None:
            return Home(View.CONSOLE, subject.loan.status_override.edit_id, EDIT)
        case "deadline_missed" | "untrue_decision":
            return Home(View.CONSOLE, entity, DISPUTE)
        case "stale_view" if entity == subject.loan.id:
            return Home(_first_behind(discrepancy))
        case "stale_view":
            partner = next((a.partner for a in subject.applications if a.id == entity), None)
            return Home(View.LENDER, partner)
        case "wrong_view" if entity != subject.loan.id:
            return Home(View.QUOTE, entity)
        case "wrong_bureau" if entity.startswith("scq_"):
            return Home(View.SCORE, entity)
        case "wrong_statement":
            return Home(View.STATEMENT, entity)
        case "books_invariant" if detail.startswith("V4"):
            return Home(View.PAGE)
    return _OF_CLASS.get(finding.finding_class, BOOKS)


def _first_behind(discrepancy: Discrepancy) -> View:
    """The first view that is behind, which the audit names in its detail. The page's second replica is the page."""
    named = discrepancy.detail.removeprefix("the ").partition(" ")[0]
    return {"list": View.LIST, "instalments": View.INSTALMENTS}.get(named, View.PAGE)


def row_for(subject: Subject, rows: list[Row], home: Home) -> Row:
    """The row of a home. One that has none, such as that of an old receipt, gets one after those of its view."""
    whole = home.view not in (View.CHANNEL, View.PAYOUT, View.CONSOLE, View.QUOTE, View.REPAYMENT, View.STATEMENT)
    for row in rows:
        if row.view == home.view and (row.id == home.id or (whole and home.view != View.SCORE and home.id is None)):
            return row
    row = _made(subject, home)
    order = list(View)
    place = next((n for n, other in enumerate(rows) if order.index(other.view) > order.index(row.view)), len(rows))
    rows.insert(place, row)
    return row


def _made(subject: Subject, home: Home) -> Row:
    """A row of its own for an entity that has none yet."""
    snapshot, id = subject.snapshot, home.id or ""
    if home.about == RECEIPT and (receipt := snapshot.find(Receipt, id)) is not None:
        return receipt_row(receipt)
    if home.about == EDIT and (edit := snapshot.find(OperatorEdit, id)) is not None:
        at_ms = edit.applied_ms or edit.created_ms
        return Row(View.CONSOLE, id, EDIT, View.WORLD, edit.state, as_of_ms=at_ms)
    if home.view == View.QUOTE and (quote := snapshot.find(Quote, id)) is not None:
        return quote_row(quote)
    if home.view == View.REPAYMENT and (order := snapshot.find(Repayment, id)) is not None:
        return repayment_row(order, true=True, unpaid=False)
    if home.view == View.STATEMENT and (file := snapshot.find(StatementFile, id)) is not None:
        return statement_row(file, snapshot.now_ms)
    if home.view == View.CHANNEL and (trade := snapshot.find(Trade, id)) is not None:
        return Row(View.CHANNEL, id, trade.channel, View.WORLD, trade.state, as_of_ms=trade.paid_ms or trade.created_ms)
    if home.view == View.PAYOUT and (payout := snapshot.find(Payout, id)) is not None:
        return Row(View.PAYOUT, id, payout.channel, View.WORLD, payout.state, as_of_ms=payout.created_ms)
    if home.view == View.SCORE and (answer := snapshot.find(ScoreAnswer, id)) is not None:
        score = str(answer.body["score"])
        return Row(View.SCORE, id, None, View.REPORT, score, as_of_ms=answer.answered_ms)
    return Row(home.view, home.id, home.about, None if home.view == View.WORLD else View.WORLD)
