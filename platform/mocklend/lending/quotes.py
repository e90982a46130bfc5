"""A quote: what a repayment would have to be, before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from mocklend.domain.facts import business_date, midnight_ms
from mocklend.domain.problems import Refused
from mocklend.lending.books import state_of
from mocklend.lending.known import known_loan
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.moments import rfc3339
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
    """Ask what would settle a loan (`CLEAR`), or what is overdue and current (`OVD_AND_CURRENT`), on a date."""

    sandbox_id: str
    loan_id: str
    type: str
    date: date | None
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201; the same question about the same version has the same quote."""
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
        state = state_of(loan)
        buckets = state.quote(self.type, on) | {"written_off_minor": state.written_off_minor - state.recovered_minor}
        quote = Quote(
            id=make_id("qte", work.sandbox.seed, loan.id, self.type, on.isoformat(), loan.version),
            loan_id=loan.id,
            type=self.type,
            date=on.isoformat(),
            total_minor=sum(buckets.values()),
            valid_until_ms=midnight_ms(on + timedelta(days=1), work.sandbox.zone) - 1,
            version=loan.version,
        )
        work.write(KEEP_QUOTE, **asdict(quote))
        return Answer(
            201,
            {
                "id": quote.id,
                "loan_id": loan.id,
                "type": quote.type,
                "date": quote.date,
                "total_minor": quote.total_minor,
                "currency": loan.currency,
                "buckets": buckets,
                "valid_until": rfc3339(quote.valid_until_ms),
                "version": loan.version,
                "as_of": rfc3339(work.now_ms),
            },
        )


def active_loan(work: Work, loan_id: str) -> Loan:
    """A loan that can be repaid, or a refusal. One that is written off can: that is a recovery."""
    loan = known_loan(work, loan_id)
    if loan.status not in ("USING", "OVD", "OFF"):
        raise Refused(
            "loan_not_active",
            f"the loan is {loan.status}",
            expected="USING or OVD or OFF",
            received=loan.status,
            loan_id=loan_id,
        )
    return loan
