"""What a viewer does to a loan: the same commands as over HTTP, without the seam of the answer."""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.repayments import NewRepayment, order
from mocklend.console.forms import Filled, read_form, sandbox_path
from mocklend.console.visit import open_snapshot, platform, visit
from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import QuoteType
from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.work import Idempotency
from mocklend.views import reads

action_pages = Blueprint("actions", __name__)

FIELDS = ("amount_minor", "channel", "type", "payer_reference")


def fresh_key() -> Idempotency:
    """A key for one form that was sent once."""
    return Idempotency(f"console-{secrets.token_hex(12)}", "")


@action_pages.route("/loans/<loan_id>/repay", methods=["GET", "POST"])
def repay(loan_id: str) -> AnyResponse | str | tuple[str, int]:
    """Order a repayment, as a client does."""
    if request.method == "POST":
        values: dict[str, object] = {name: request.form.get(name, "") for name in FIELDS}
        text = str(values["amount_minor"])
        values["amount_minor"] = int(text) if text.isdecimal() and len(text) <= 18 else text
        try:
            platform().run(order(visit().sandbox_id, fresh_key(), loan_id, read_form(NewRepayment, values)))
        except Refused as refused:
            return _form(loan_id, Filled.refused_with(refused)), refused.problem.status
        return redirect(sandbox_path("loans.loan", loan_id=loan_id), 303)
    return _form(loan_id, Filled())


def _form(loan_id: str, filled: Filled) -> str:
    with open_snapshot() as snapshot:
        loan = reads.entity(snapshot, Loan, loan_id)
        borrower = snapshot.get(Borrower, loan.borrower_id)
        page = reads.page(snapshot, loan_id)
    return render_template(
        "repay.html",
        borrower=borrower,
        channels=channels().values(),
        filled=filled,
        loan=loan,
        page=page,
        types=(QuoteType.OVD_AND_CURRENT, QuoteType.CLEAR),
    )
