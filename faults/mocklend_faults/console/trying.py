"""Try on one loan: a loan is lent, or the one that the form names is taken, and the rule is armed for it alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.problems import field_problem
from mocklend.api.repayments import NewRepayment, order
from mocklend.console.actions import fresh_key
from mocklend.console.forms import sandbox_path
from mocklend.console.visit import act, open_snapshot, visit
from mocklend.domain.product import PRODUCTS
from mocklend.domain.statuses import QuoteType
from mocklend.language import Language
from mocklend.lending import AddBorrower, Borrow, MakeQuote
from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.payout_settled import PayoutSettled
from mocklend.storage.entities import Loan
from mocklend_faults.console.rules_shown import catalogue
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.rules import Rule

PRINCIPAL_MINOR = 100_000
CREDIT_LIMIT_MINOR = 10_000 * PRINCIPAL_MINOR
CURRENCY = "CNY"
PRODUCT = "jiebei-like"
WALLET = "wallet"
BANK_CARD = "bank_card"
BORROWERS = {Language.EN: "Zhang San", Language.ZH: "张三"}
"""The borrower's name, by language."""


def register(pages: Blueprint) -> None:
    """Add the form of this module."""
    pages.add_url_rule("/rules/<rule_id>/pay-off", view_func=pay_off, methods=["POST"])


def is_for_one_loan(kind: KindDoc) -> bool:
    """Whether a rule of this kind can be limited to one loan or its borrower: a channel's statement is of none."""
    return bool({"loan_id", "borrower_id"} & {field["name"] for field in kind["match"]})


def try_on_one_loan(kind: KindDoc, rule_id: str, body: Mapping[str, object]) -> str:
    """Arm the rule for one loan alone: that of its conditions, else a new one. Returns the loan's id.

    Raises Refused `validation_failed` if there is no such loan, or the kind's events belong to no loan.
    """
    if not is_for_one_loan(kind):
        raise field_problem("fault", "a kind whose events are about a loan or a borrower", kind["id"])
    conditions = body.get("match")
    match = dict(conditions) if isinstance(conditions, Mapping) else {}
    sandbox_id, seams = visit().sandbox_id, kind["seams"]
    loan_id = _named(match)
    if loan_id is None and LoanOpened.seam in seams:
        # It acts when the loan is opened, so the rule has to be there before the loan has an id.
        reference = f"try-{secrets.token_hex(4)}"
        match["reference"] = {"equal_to": reference}
        _arm(sandbox_id, rule_id, {**body, "match": match})
        return lend(sandbox_id, reference=reference)
    if loan_id is None:
        loan_id = lend(sandbox_id, disburse_to=BANK_CARD if PayoutSettled.seam in seams else None)
    with open_snapshot() as snapshot:
        loan = snapshot.find(Loan, loan_id)
    if loan is None:
        raise field_problem("match.loan_id", "a loan of this sandbox, or nothing: then one is lent", loan_id)
    if any(field["name"] == "loan_id" for field in kind["match"]):
        match["loan_id"] = {"equal_to": loan_id}
    else:
        match["borrower_id"] = {"equal_to": loan.borrower_id}
    _arm(sandbox_id, rule_id, {**body, "match": match})
    return loan_id


def lend(sandbox_id: str, *, reference: str | None = None, disburse_to: str | None = None) -> str:
    """Lend 1,000.00 to the borrower of all examples. Returns the loan's id."""
    language = visit().language
    # A reference of each language: a borrower keeps the name that came with the reference.
    new = AddBorrower(sandbox_id, f"zhangsan-{language.value}", BORROWERS[language], CREDIT_LIMIT_MINOR)
    borrower = act(new).body
    borrowing = Borrow(
        sandbox_id,
        fresh_key(),
        borrower_id=borrower["id"],
        principal_minor=PRINCIPAL_MINOR,
        currency=CURRENCY,
        product=PRODUCTS[PRODUCT],
        product_id=PRODUCT,
        reference=reference,
        disburse_to=disburse_to,
    )
    loan_id: str = act(borrowing).body["id"]
    return loan_id


def repay_all(sandbox_id: str, loan_id: str) -> None:
    """Pay all of a loan back, through the wallet. Raises Refused as the orders of a client do."""
    quote = act(MakeQuote(sandbox_id, loan_id, QuoteType.CLEAR, None)).body
    new = NewRepayment(
        amount_minor=quote["total_minor"], channel=WALLET, type=QuoteType.CLEAR.value, quote_id=quote["id"]
    )
    act(order(sandbox_id, fresh_key(), loan_id, new))


def pay_off(rule_id: str) -> AnyResponse:
    """Pay the loan of a try back, and go back to its rule."""
    repay_all(visit().sandbox_id, request.form.get("loan", ""))
    return redirect(sandbox_path("faults.rule", rule_id=rule_id), 303)


def _named(match: Mapping[str, object]) -> str | None:
    of_loan = match.get("loan_id")
    return str(of_loan["equal_to"]) if isinstance(of_loan, Mapping) and "equal_to" in of_loan else None


def _arm(sandbox_id: str, rule_id: str, body: Mapping[str, object]) -> None:
    act(PutRule(sandbox_id, Rule.from_json(rule_id, body, catalogue())))
