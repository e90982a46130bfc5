"""Loans: borrowing, the status page and the list of loans. Views may be wrong; `/operator/loans` shows the books."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StrictBool

from mocklend.api.cached_pages import status_page
from mocklend.api.documents import document
from mocklend.api.fields import Currency, Id, MinorAmount
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import (
    BorrowerId,
    ClientReference,
    LoanStatus,
    Search,
)
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.products import ProductFields, read_product, require_product
from mocklend.api.request_context import current_platform, open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.channel import channel_of
from mocklend.lending import Borrow, found
from mocklend.lending.books import terms_of
from mocklend.validation import Body, OneOf
from mocklend.views import reads
from mocklend.views.reads import InstalmentList, Lists, LoanList
from mocklend.views.render import LoanDoc

loans = APIBlueprint("loans", __name__)


class NewLoan(Body):
    """A loan to be borrowed, on the terms of exactly one of `product` and `product_id`."""

    borrower_id: BorrowerId
    principal_minor: MinorAmount = Field(description="The principal, in minor units of `currency`.")
    currency: Currency = "CNY"
    product: ProductFields | None = Field(default=None, description="The terms. Either this or `product_id`.")
    product_id: Id | None = Field(
        default=None, description="A predefined product, one of GET /v1/products. Either this or `product`."
    )
    reference: ClientReference | None = None
    auto_debit: StrictBool = Field(
        default=False, description="True: the platform debits each instalment on its due date, without an order."
    )
    disburse_to: Id | None = Field(
        default=None,
        description="The channel of the disbursement. Without it the loan is paid out at once, through no channel.",
    )


class LoanQuery(Paged):
    """Filters of the list of loans."""

    borrower_id: BorrowerId | None = None
    status: LoanStatus | None = None
    reference: ClientReference | None = Field(default=None, description="Only the loan with this reference.")
    q: Search | None = Field(
        default=None,
        description="Only loans whose id, reference or borrower's name begins with this text, as it is written; found "
        "by id first, then by reference, then by name.",
    )
    order: Annotated[str, OneOf(found.ORDERS)] | None = Field(
        default=None, description="`id`, which is the default, or `newest`: the newest first. Not with `q`."
    )


@loans.post("/v1/loans")
@loans.input(NewLoan, arg_name="new")
@loans.output(document(LoanDoc), status_code=201)
@loans.doc(
    **operation(
        "borrow", "borrower_unknown", "product_unknown", "product_invalid", "amount_out_of_range",
        "credit_limit_exceeded", "reference_taken", "channel_unknown", moves_money=True,
    )
)  # fmt: skip
def borrow(new: NewLoan) -> Response:
    """Borrow. The principal is paid out at once, or through the channel `disburse_to` after its settlement delay."""
    if (new.product is None) == (new.product_id is None):
        raise field_problem("product", "exactly one of product and product_id", "both" if new.product else "neither")
    idem = idempotency()
    product = require_product(new.product_id) if new.product_id is not None else read_product(new.product or {})
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
@loans.output(document(LoanList))
@loans.doc(**operation("listLoans"))
def list_loans(query: LoanQuery) -> Response:
    """Loans by id. Each has the version of its status page, unless a fault makes the list or the page lag alone.

    With `reference`, `q` or `order` a page may be short although there are more: `next_cursor` says so.
    """
    if query.q is not None and query.order is not None:
        raise field_problem("order", "no value beside q", query.order)
    if query.q is not None and query.reference is not None:
        raise field_problem("q", "no value beside reference", query.q)
    after = decode_cursor(found.list_of(Lists.LOANS, query.q, query.order or found.BY_ID), query.cursor)
    if (query.q, query.reference, query.order or found.BY_ID) != (None, None, found.BY_ID):
        with open_snapshot() as snapshot:
            return rendered(
                found.found_loans(
                    snapshot,
                    q=query.q,
                    reference=query.reference,
                    borrower_id=query.borrower_id,
                    status=query.status,
                    order=query.order or found.BY_ID,
                    after=after,
                    limit=query.limit,
                )
            )
    with open_snapshot() as snapshot:
        return rendered(
            reads.loans(
                snapshot,
                borrower_id=query.borrower_id,
                status=query.status,
                after=after,
                limit=query.limit,
            )
        )


@loans.get("/v1/loans/<id:loan_id>")
@loans.output(document(LoanDoc))
@loans.doc(**operation("getLoan", "loan_unknown"))
def get_loan(loan_id: str) -> Response:
    """The status page of a loan. It may lag behind the books; `version` says which version of the loan it shows."""
    return status_page(current_platform(), sandbox_id(), loan_id)


@loans.get("/v1/loans/<id:loan_id>/instalments")
@loans.output(document(InstalmentList))
@loans.doc(**operation("listInstalments", "loan_unknown"))
def list_instalments(loan_id: str) -> Response:
    """Every instalment of a loan, at the version of its status page, unless a fault makes either lag alone."""
    with open_snapshot() as snapshot:
        return rendered(reads.instalments(snapshot, loan_id, terms_of))
