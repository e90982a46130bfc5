"""Loans: borrowing, and what the status page and its list say. They may lie; `/operator/loans` may not."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import StrictBool

from mocklend.api.answers import answered, as_stored, rendered
from mocklend.api.asking import lender, run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Currency, Doc, Id, MinorAmount, Reference
from mocklend.api.idempotency import idempotency
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.api.products import ProductFields, known_product, read_product
from mocklend.domain.channel import channel_of
from mocklend.lending import Borrow
from mocklend.lending.books import terms_of
from mocklend.views import reads

loans = APIBlueprint("loans", __name__)

STATUSES = ("SUBMITTED", "LENDING", "FAILED", "USING", "OVD", "CLEAR", "OFF")


class NewLoan(Body):
    """What is to be borrowed, on the terms of exactly one of `product` and `product_id`."""

    borrower_id: Id
    principal_minor: MinorAmount
    currency: Currency = "CNY"
    product: ProductFields | None = None
    product_id: Id | None = None
    reference: Reference | None = None
    auto_debit: StrictBool = False
    disburse_to: Id | None = None


class NextDue(Doc):
    """The next instalment that asks for money."""

    n: int
    due_date: str
    due_minor: int


class LoanDoc(Doc):
    """A loan's status page."""

    id: str
    borrower_id: str
    reference: str
    product_id: str | None
    currency: str
    status: Annotated[str, Choice(STATUSES)]
    principal_minor: int
    outstanding_minor: int
    outstanding_principal_minor: int
    overdue_minor: int
    overpaid_minor: int
    paid_minor: int
    next_due: NextDue | None
    disbursed_at: str | None
    version: int
    as_of: str


class LoanList(Doc):
    """A page of loans."""

    loans: list[LoanDoc]
    next_cursor: str | None


class LoanQuery(Paged):
    """Which loans to list."""

    borrower_id: Id | None = None
    status: Annotated[str, Choice(STATUSES)] | None = None


class InstalmentDoc(Doc):
    """What one instalment asks for, and what it has got."""

    n: int
    due_date: str
    status: Annotated[str, Choice(("PENDING", "DUE", "PARTIAL", "CLEAR", "OVD"))]
    due_minor: int
    paid_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_minor: int
    principal_paid_minor: int
    interest_paid_minor: int
    fee_paid_minor: int
    penalty_paid_minor: int


class InstalmentList(Doc):
    """A loan's instalments, from the same version as its page."""

    loan_id: str
    version: int
    as_of: str
    instalments: list[InstalmentDoc]


@loans.post("/v1/loans")
@loans.input(NewLoan, arg_name="new")
@loans.output(LoanDoc, status_code=201)
@loans.doc(
    **described(
        "borrow", "borrower_unknown", "product_unknown", "product_invalid", "amount_out_of_range",
        "credit_limit_exceeded", "reference_taken", "channel_unknown", moves_money=True,
    )
)  # fmt: skip
def borrow(new: NewLoan) -> Response:
    """Borrow: the principal is paid out at once, or through the channel `disburse_to`, which takes its time."""
    if (new.product is None) == (new.product_id is None):
        raise field_problem("product", "exactly one of product and product_id", "both" if new.product else "neither")
    idem = idempotency()
    product = known_product(new.product_id) if new.product_id is not None else read_product(new.product or {})
    channel = channel_of(new.disburse_to) if new.disburse_to is not None else None
    command = Borrow(
        sandbox_id(),
        idem,
        borrower_id=new.borrower_id,
        principal_minor=new.principal_minor,
        currency=new.currency,
        product=product,
        product_id=new.product_id,
        reference=new.reference,
        auto_debit=new.auto_debit,
        disburse_to=channel.id if channel else None,
        disburse_delay_s=channel.settle_delay_s if channel else 0,
    )
    return answered(run(command))


@loans.get("/v1/loans")
@loans.input(LoanQuery, location="query", arg_name="query")
@loans.output(LoanList)
@loans.doc(**described("listLoans"))
def list_loans(query: LoanQuery) -> Response:
    """Loans by id, each at the version that the list has: its page's, unless one of them lags alone."""
    after = place(query.cursor)
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(
            reads.loans(
                connection,
                sandbox,
                now_ms,
                borrower_id=query.borrower_id,
                status=query.status,
                after=after,
                limit=query.limit,
            )
        )


@loans.get("/v1/loans/<id:loan_id>")
@loans.output(LoanDoc)
@loans.doc(**described("getLoan", "loan_unknown"))
def get_loan(loan_id: str) -> Response:
    """The status page: what a client is shown. It may lag behind the books, and says which version it is."""
    with snapshot() as (connection, sandbox, now_ms):
        return as_stored(reads.page_text(connection, sandbox, now_ms, loan_id, lender().turns))


@loans.get("/v1/loans/<id:loan_id>/instalments")
@loans.output(InstalmentList)
@loans.doc(**described("listInstalments", "loan_unknown"))
def list_instalments(loan_id: str) -> Response:
    """Every instalment, from the version that the plan has: the page's, unless one of them lags alone."""
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(reads.instalments(connection, sandbox, now_ms, loan_id, terms_of))
