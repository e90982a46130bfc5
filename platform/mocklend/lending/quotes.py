"""Quotes: the amount that a repayment has to have, before it is ordered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, TypedDict, cast

from msgspec.structs import asdict, replace

from mocklend.domain.facts import business_date, midnight_ms
from mocklend.domain.nouns import AsOf, Currency, LoanId, PageVersion, RepaymentType, says
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState
from mocklend.domain.statuses import LoanStatus
from mocklend.lending.books import state_of
from mocklend.lending.required import require_loan
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.about import about_loan
from mocklend.seams.quote_issued import QuoteIssued
from mocklend.storage.entities import Loan, Quote
from mocklend.storage.statements import ENTITIES, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work

FURTHEST_DAYS = 366

KEEP_QUOTE = statement(
    "quotes.keep",
    """INSERT INTO quotes (sandbox_id, id, loan_id, type, date, total_minor, valid_until_ms, version)
       VALUES (:sandbox_id, :id, :loan_id, :type, :date, :total_minor, :valid_until_ms, :version)
       ON CONFLICT (sandbox_id, id) DO NOTHING""",
    rank=ENTITIES,
)


@dataclass(frozen=True, slots=True)
class MakeQuote:
    """Quote what settles a loan (`CLEAR`), or what is overdue and current (`OVD_AND_CURRENT`), on a date."""

    sandbox_id: str
    loan_id: str
    type: str
    date: date | None
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201; the same request about the same version of the loan returns the same quote."""
        loan = active_loan(work, self.loan_id)
        today = business_date(work.now_ms, work.sandbox.zone)
        on = self.date or today
        if not today <= on <= today + timedelta(days=FURTHEST_DAYS):
            raise Refused(
                "amount_out_of_range",
                "a quote is for today or a day within the year",
                expected=f"{today} to {today + timedelta(days=FURTHEST_DAYS)}",
                received=on.isoformat(),
                loan_id=loan.id,
            )
        buckets = buckets_of(state_of(loan), self.type, on)
        quote = Quote(
            id=make_id("qte", work.sandbox.seed, loan.id, self.type, on.isoformat(), loan.version),
            loan_id=loan.id,
            type=self.type,
            date=on.isoformat(),
            total_minor=sum(buckets.values()),
            valid_until_ms=midnight_ms(on + timedelta(days=1), work.sandbox.zone) - 1,
            version=loan.version,
        )
        if work.armed:
            honest_minor = quote.total_minor
            quote = _issued(work, loan, quote, buckets["normal_interest_minor"])
            buckets["normal_interest_minor"] += quote.total_minor - honest_minor
        else:
            work.write(KEEP_QUOTE, **asdict(quote))
        return Answer(
            201,
            QuoteDoc(
                id=quote.id,
                loan_id=loan.id,
                type=quote.type,
                date=quote.date,
                total_minor=quote.total_minor,
                currency=loan.currency,
                buckets=cast(Buckets, buckets),
                valid_until=rfc3339(quote.valid_until_ms),
                version=loan.version,
                as_of=rfc3339(work.now_ms),
            ),
        )


class Buckets(TypedDict):
    """The buckets that the total would settle, in minor units."""

    normal_principal_minor: Annotated[int, says("Principal that is not overdue, in minor units.")]
    overdue_principal_minor: Annotated[int, says("Overdue principal, in minor units.")]
    normal_interest_minor: Annotated[int, says("Interest that is not overdue, in minor units.")]
    overdue_interest_minor: Annotated[int, says("Overdue interest, in minor units.")]
    penalty_principal_minor: Annotated[int, says("Penalty on overdue principal, in minor units.")]
    penalty_interest_minor: Annotated[int, says("Penalty on overdue interest, in minor units.")]
    fee_minor: Annotated[int, says("Fees, in minor units.")]
    written_off_minor: Annotated[int, says("What was written off and is still owed, in minor units.")]


class QuoteDoc(TypedDict):
    """A quote: the amount that a repayment needs on a day, and its buckets."""

    id: Annotated[str, says("The quote's id.")]
    loan_id: LoanId
    type: RepaymentType
    date: Annotated[str, says("The day for which it is quoted, like 2026-01-05, in the sandbox's zone.")]
    total_minor: Annotated[int, says("The amount to pay, in minor units of `currency`.")]
    currency: Currency
    buckets: Annotated[Buckets, says("The buckets that the total would settle.")]
    valid_until: Annotated[str, says("The last moment at which it can be paid. RFC 3339, on the sandbox's clock.")]
    version: PageVersion
    as_of: AsOf


def buckets_of(state: LoanState, type: str, on: date) -> dict[str, int]:
    """The minor units of a quote of this type on a date, by bucket. Written-off money that was not recovered counts."""
    return state.quote(type, on) | {"written_off_minor": state.written_off_minor - state.recovered_minor}


def _issued(work: Work, loan: Loan, quote: Quote, interest_minor: int) -> Quote:
    """The quote as issued. A quote that was issued before is returned unchanged, right or wrong."""
    issued = work.find(Quote, quote.id)
    if issued is not None:
        return issued
    event = QuoteIssued(
        **about_loan(work.now_ms, loan, 1, quote.id),
        quote_id=quote.id,
        type=quote.type,
        date=quote.date,
        interest_minor=interest_minor,
        lapses_ms=quote.valid_until_ms + 1,
        total_minor=quote.total_minor,
    )
    quote = replace(quote, total_minor=work.at(event).total_minor)
    work.put(quote)
    return quote


def active_loan(work: Work, loan_id: str) -> Loan:
    """A loan that can be repaid, even a written-off one. Raises Refused `loan_unknown`, `loan_not_active`."""
    loan = require_loan(work, loan_id)
    if loan.status not in (LoanStatus.USING, LoanStatus.OVD, LoanStatus.OFF):
        raise Refused(
            "loan_not_active",
            f"the loan is {loan.status}",
            expected="USING or OVD or OFF",
            received=loan.status,
            loan_id=loan_id,
        )
    return loan
