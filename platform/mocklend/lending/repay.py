"""Ordering a repayment. It repays nothing yet: the money goes through a channel, which reports it by a callback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypedDict

from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.money import format_minor
from mocklend.domain.nouns import (
    ChannelId,
    ChannelTradeNo,
    CreatedAt,
    Currency,
    LoanId,
    OutTradeNo,
    PayerReference,
    RepaymentType,
    column,
    one_of,
    says,
)
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import QuoteType, RepaymentStatus, TradeState
from mocklend.lending.quotes import active_loan
from mocklend.sandboxes.ids import make_id, out_trade_no
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.about import about_loan
from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend.seams.signals import ordered_by
from mocklend.storage.entities import Loan, Quote, Repayment, Trade
from mocklend.storage.facts import BOOK_FACTS
from mocklend.storage.work import Answer, Idempotency, Key, ReplayStored, StoredAnswer, Work
from mocklend.webhooks.outbox import emit, repayment_data

AGAIN = "\nagain"
"""The suffix to the key of a request that is executed again. A client's key has no line end, so it stays unique."""


@dataclass(frozen=True, slots=True)
class Repay:
    """Order a repayment through a channel that settles after a delay."""

    forgettable: ClassVar[bool] = True
    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    amount_minor: int
    channel: str
    type: str
    quote_id: str | None
    payer_reference: str | None

    def needs(self) -> Iterable[Key]:
        """The loan, and the quote if one is named."""
        yield ("loan", self.loan_id)
        if self.quote_id is not None:
            yield ("quote", self.quote_id)

    def decide(self, work: Work) -> Answer:
        """202: the channel has the order.

        Raises Refused `loan_unknown`, `loan_not_active`, `quote_unknown`, `quote_stale`, `quote_mismatch`."""
        loan = active_loan(work, self.loan_id)
        if self.quote_id is not None:
            self._hold_to_quote(work, self.quote_id, loan.currency)
        assert self.idem is not None, "repaying moves money and needs an idempotency key"
        key = self.idem.key
        repayment = order_repayment(
            work,
            loan,
            key=key if work.remembered is None else self._key_of_second_order(work, loan, key, work.remembered),
            asked_key=key,
            amount_minor=self.amount_minor,
            channel=self.channel,
            scope=self.type,
            quote_id=self.quote_id,
            payer_reference=self.payer_reference,
        )
        if self.quote_id is not None:
            work.signal(ordered_by(self.quote_id))
        return Answer(202, repayment_doc(repayment))

    def _key_of_second_order(self, work: Work, loan: Loan, key: str, stored: StoredAnswer) -> str:
        """The key of a second order, if the platform has forgotten the client's key. Otherwise raises ReplayStored."""
        first, second = (make_id("rpy", work.sandbox.seed, loan.id, order_key) for order_key in (key, key + AGAIN))
        if stored.answer.body["id"] != first:
            raise ReplayStored
        if any(
            fact.reverses == first for fact in work.load(BOOK_FACTS, loan.id)
        ):  # An order that was reversed is not executed again.
            raise ReplayStored
        event = IdempotencyChecked(
            **about_loan(work.now_ms, loan, 1, first),
            order_id=first,
            duplicate_id=second,
            channel=self.channel,
            amount_minor=self.amount_minor,
            age_s=(work.now_ms - stored.since_ms) // 1000,
        )
        if not work.at(event).forgotten:
            raise ReplayStored
        return key + AGAIN

    def _hold_to_quote(self, work: Work, quote_id: str, currency: str) -> None:
        quote = work.find(Quote, quote_id)
        if quote is None or quote.loan_id != self.loan_id:
            raise Refused(
                "quote_unknown", f"no quote {quote_id} for this loan", quote_id=quote_id, loan_id=self.loan_id
            )
        if work.now_ms > quote.valid_until_ms:
            raise Refused(
                "quote_stale",
                "the quote's day is over",
                expected=f"until {rfc3339(quote.valid_until_ms)}",
                received=rfc3339(work.now_ms),
                quote_id=quote_id,
            )
        if (quote.type, quote.total_minor) != (self.type, self.amount_minor):
            raise Refused(
                "quote_mismatch",
                f"the quote is for {quote.type}, {format_minor(quote.total_minor, currency)}",
                expected={"type": quote.type, "amount_minor": quote.total_minor},
                received={"type": self.type, "amount_minor": self.amount_minor},
                quote_id=quote_id,
            )


def order_repayment(
    work: Work,
    loan: Loan,
    *,
    key: str,
    amount_minor: int,
    channel: str,
    scope: str,
    quote_id: str | None = None,
    payer_reference: str | None = None,
    debit_ms: int | None = None,
    asked_key: str | None = None,
) -> Repayment:
    """Send an order to a channel. `key` is unique on this loan, `asked_key` is the Idempotency-Key of the request."""
    repayment = Repayment(
        id=make_id("rpy", work.sandbox.seed, loan.id, key),
        loan_id=loan.id,
        status=RepaymentStatus.PROCESSING,
        amount_minor=amount_minor,
        currency=loan.currency,
        channel=channel,
        type=scope,
        quote_id=quote_id,
        payer_reference=payer_reference,
        channel_trade_no=None,
        applied_minor=0,
        overpaid_minor=0,
        created_ms=work.now_ms,
        paid_ms=None,
        applied_ms=None,
        debit_ms=debit_ms,
        asked_key=asked_key,
    )
    work.put(repayment)
    work.put(
        Trade(
            id=out_trade_no(repayment.id),
            loan_id=loan.id,
            repayment_id=repayment.id,
            channel=channel,
            channel_trade_no=None,
            state=TradeState.CREATED,
            amount_minor=amount_minor,
            currency=loan.currency,
            payer_name=None,
            payer_reference=payer_reference,
            scope=scope,
            created_ms=work.now_ms,
            paid_ms=None,
            due_ms=work.now_ms + channel_of(channel).settle_delay_s * 1000,
        )
    )
    emit(work, "repayment.ordered", loan.id, repayment.id, repayment_data(repayment))
    return repayment


class RepaymentDoc(TypedDict):
    """A repayment: PROCESSING until the platform learns of the money, then S, F, or REVERSED.

    `booked_type` is the type under which it is on the books (INSTALMENT, which cannot be ordered, where a payoff was
    booked under the planned instalment), and `booked_at` the moment from which it counts there; `reversal_id` is the
    reversal that took it off its loan, `idempotency_key` that of the request that ordered it.
    """

    id: Annotated[str, says("The repayment's id.")]
    loan_id: LoanId
    status: Annotated[
        str,
        one_of(
            RepaymentStatus,
            "I and PROCESSING until the platform learns of the money, then S (succeeded), F (failed), "
            "PARTIAL or REVERSED.",
        ),
    ]
    amount_minor: Annotated[int, says("The ordered amount, in minor units of `currency`.")]
    applied_minor: Annotated[int, says("The part that settled buckets, in minor units of `currency`.")]
    overpaid_minor: Annotated[int, says("The part that was overpaid, in minor units of `currency`.")]
    currency: Currency
    channel: ChannelId
    type: RepaymentType
    quote_id: Annotated[str | None, says("The quote that it pays; null where it pays none.")]
    payer_reference: PayerReference | None
    out_trade_no: Annotated[OutTradeNo, column("id", out_trade_no)]
    channel_trade_no: ChannelTradeNo | None
    created_at: CreatedAt
    paid_at: Annotated[
        str | None, says("When the channel had the money; null until then. RFC 3339, on the sandbox's clock.")
    ]
    applied_at: Annotated[
        str | None, says("When it went on the books; null until then. RFC 3339, on the sandbox's clock.")
    ]
    booked_type: Annotated[
        Annotated[str, one_of(QuoteType)] | None,
        says(
            "The type under which it is on the books. INSTALMENT, which cannot be ordered: a payoff that was booked "
            "under one instalment."
        ),
    ]
    booked_at: Annotated[
        str | None,
        says("The moment from which it counts on the books; null until then. RFC 3339, on the sandbox's clock."),
    ]
    reversal_id: Annotated[
        str | None, says("The id of the reversal that took it off its loan; null where there is none.")
    ]
    idempotency_key: Annotated[
        str | None,
        column("asked_key"),
        says("The Idempotency-Key of the request that ordered it; null where none did."),
    ]


repayment_doc = rendering(Repayment, RepaymentDoc)
