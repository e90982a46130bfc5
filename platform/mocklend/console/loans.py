"""The pages Loans and Loan."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from mocklend.api.loans import LoanQuery
from mocklend.api.pagination import decode_cursor
from mocklend.console.forms import Filled, read_form
from mocklend.console.visit import open_snapshot
from mocklend.console.words import LOAN_STATUS
from mocklend.domain.problems import Refused
from mocklend.storage.entities import Borrower
from mocklend.views import reads

loan_pages = Blueprint("loans", __name__)

SHOWN = ("q", "status", "cursor")
"""The query parameters of the list."""


@loan_pages.get("/loans")
def loans() -> str:
    """The loans of the sandbox, as their list shows them."""
    filled, query = Filled(), LoanQuery()
    try:
        query = read_form(LoanQuery, {name: request.args.get(name) for name in SHOWN})
    except Refused as refused:
        filled = Filled.refused_with(refused)
    with open_snapshot() as snapshot:
        listed = reads.loans(snapshot, status=query.status, after=decode_cursor(query.cursor), limit=query.limit)
        borrowers = snapshot.find_all(Borrower, [loan["borrower_id"] for loan in listed["loans"]])
    return render_template(
        "loans.html",
        filled=filled,
        loans=listed["loans"],
        names={borrower.id: borrower.name for borrower in borrowers},
        next=listed["next_cursor"],
        query=query,
        status_words=LOAN_STATUS,
        statuses=list(LOAN_STATUS),
    )


@loan_pages.get("/loans/<loan_id>")
def loan(loan_id: str) -> str:
    """One loan: what is true, and what each view says."""
    with open_snapshot() as snapshot:
        page = reads.page(snapshot, loan_id)
        borrower = snapshot.get(Borrower, page["borrower_id"])
    return render_template("loan.html", borrower=borrower, page=page, status_words=LOAN_STATUS)
