"""Push payments: unsolicited payments at a channel, with a reference that the payer enters.

There is no order, so the channel's callback has only that reference. If it names a loan, the money is applied to it;
otherwise it is unapplied cash (挂账) on the channel's own chain until an operator matches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.channels.settlement import trade_doc
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import PAYMENT_RETURN, RECEIPT, Fact, booking, business_date
from mocklend.domain.instalment import Movement
from mocklend.domain.nouns import (
    AmountMinor,
    ChannelId,
    ChannelTradeNo,
    Currency,
    OutTradeNo,
    PayerName,
    PayerReference,
    RepaymentType,
    column,
    one_of,
    says,
)
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ReceiptState, TradeState
from mocklend.ledger.journal import NO_HASH, Head, post
from mocklend.lending.books import post_fact
from mocklend.sandboxes.ids import channel_chain, make_id, receipt_of, return_of, suffix
from mocklend.seams.payment_reference import PaymentReference
from mocklend.seams.signals import applied, landed, recorded
from mocklend.storage.entities import Chain, Loan, Receipt, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, receipt_data

NOBODYS = ""
"""The loan id of money whose payer named no loan."""


@dataclass(frozen=True, slots=True)
class PayAtChannel:
    """Pay at a channel without an order. `scope` is CLEAR if the payer intends to settle the whole loan."""

    sandbox_id: str
    idem: Idempotency | None
    channel: str
    amount_minor: int
    currency: str
    payer_name: str
    payer_reference: str
    scope: str

    def needs(self) -> Iterable[Key]:
        """The loan, if the reference is its id."""
        return (("loan", self.payer_reference),)

    def decide(self, work: Work) -> Answer:
        """202 and the trade. Raises Refused `channel_unknown`, `currency_mismatch`."""
        assert self.idem is not None, "paying moves money and needs an idempotency key"
        channel = channel_of(self.channel)
        loan = loan_by_reference(work, self.payer_reference)
        if loan is not None and loan.currency != self.currency:
            raise Refused(
                "currency_mismatch",
                f"loan {loan.id} is in {loan.currency}",
                expected=loan.currency,
                received=self.currency,
            )
        own = suffix(work.sandbox.seed, "payment", channel.id, self.idem.key)
        trade = Trade(
            id="PY" + own.upper(),
            loan_id=loan.id if loan else NOBODYS,
            repayment_id="rct_" + own,
            channel=channel.id,
            channel_trade_no=None,
            state=TradeState.CREATED,
            amount_minor=self.amount_minor,
            currency=self.currency,
            payer_name=self.payer_name,
            payer_reference=self.payer_reference,
            scope=self.scope,
            created_ms=work.now_ms,
            paid_ms=None,
            due_ms=work.now_ms + channel.settle_delay_s * 1000,
        )
        work.put(trade)
        return Answer(202, trade_doc(trade))


def loan_by_reference(work: Work, reference: str) -> Loan | None:
    """The loan that a reference names, by its id or by its client's reference; None if there is none."""
    for id in (reference, make_id("loan", work.sandbox.seed, reference)):
        loan = work.find(Loan, id) if id.startswith("loan_") else None
        if loan is not None:
            return loan
    return None


def take_payment(work: Work, trade: Trade) -> None:
    """Post a push payment that the channel has confirmed: to the loan that it names, or as unapplied cash."""
    assert trade.paid_ms is not None, "a push payment has been paid"
    assert trade.channel_trade_no is not None, "what was paid has a number"
    assert trade.payer_name is not None, "a push payment has a payer"
    assert trade.payer_reference is not None, "a push payment has a reference"
    id = receipt_of(trade.id)
    if work.find(Receipt, id) is not None:
        return  # A repeated delivery.
    typed = trade.payer_reference
    loan = loan_by_reference(work, typed)
    reference = typed
    # Closes injections on a lost callback, before new ones open.
    work.signal(landed(id))
    if loan is not None:
        event = PaymentReference(
            entity=id,
            occurrence=1,
            now_ms=work.now_ms,
            loan_id=loan.id,
            receipt_id=id,
            channel=trade.channel,
            amount_minor=trade.amount_minor,
            currency=trade.currency,
            payer_name=trade.payer_name,
            typed_reference=typed,
            reference=typed,
        )
        reference = work.at(event).reference
    loan = loan_by_reference(work, reference)
    receipt = Receipt(
        id=id,
        state=ReceiptState.UNAPPLIED,
        loan_id=None,
        channel=trade.channel,
        out_trade_no=trade.id,
        channel_trade_no=trade.channel_trade_no,
        amount_minor=trade.amount_minor,
        currency=trade.currency,
        scope=trade.scope,
        payer_name=trade.payer_name,
        payer_reference=reference,
        landed=0,
        paid_ms=trade.paid_ms,
        received_ms=work.now_ms,
        applied_ms=None,
    )
    if loan is None or loan.currency != receipt.currency:
        _post_unapplied(work, receipt)
    else:
        work.signal(applied(receipt.id))
        apply_payment(work, receipt, loan)


def _post_unapplied(work: Work, receipt: Receipt) -> None:
    chain_id = channel_chain(receipt.channel)
    chain = work.find(Chain, chain_id) or Chain(chain_id, 1, NO_HASH)
    on = business_date(receipt.paid_ms, work.sandbox.zone)
    movement = Movement("receipt", receipt.id, on, ((f"1002:{receipt.channel}", "2102", receipt.amount_minor),))
    head = post(work, chain_id, receipt.currency, Head(chain.next_seq, chain.head_hash), [movement])
    work.put(replace(chain, next_seq=head.next_seq, head_hash=head.hash))
    work.put(replace(receipt, landed=1))


def apply_payment(work: Work, receipt: Receipt, loan: Loan) -> Receipt:
    """Apply a receipt to its loan, effective at the channel's time."""
    fact = Fact(
        id=booking(receipt.id, max(1, receipt.matches)),
        kind=RECEIPT,
        at_ms=receipt.paid_ms,
        on=business_date(receipt.paid_ms, work.sandbox.zone),
        amount_minor=receipt.amount_minor,
        channel=receipt.channel,
        scope=receipt.scope,
        landed=bool(receipt.landed),
    )
    work.signal(recorded(loan.id))
    post_fact(work, loan, fact, cause="receipt", channel=receipt.channel)
    receipt = replace(receipt, state=ReceiptState.APPLIED, loan_id=loan.id, applied_ms=work.now_ms)
    work.put(receipt)
    emit(work, "receipt.applied", loan.id, fact.id, receipt_data(receipt))
    return receipt


def payment_return(work: Work, trade: Trade) -> Fact:
    """The payment return of a trade, as a fact."""
    assert trade.returned_ms is not None, "the trade was returned"
    return Fact(
        id=return_of(trade.repayment_id),
        kind=PAYMENT_RETURN,
        at_ms=trade.returned_ms,
        on=business_date(trade.returned_ms, work.sandbox.zone),
        amount_minor=trade.amount_minor,
        channel=trade.channel,
        reverses=trade.repayment_id,
    )


class ReceiptDoc(TypedDict):
    """Money without an order, UNAPPLIED until its loan is known; or an order's second receipt."""

    id: Annotated[str, says("The receipt's id.")]
    state: Annotated[
        str,
        one_of(
            ReceiptState,
            "UNAPPLIED on no loan, APPLIED to one, REVERSED off it again, RETURNED when the channel took the money "
            "back.",
        ),
    ]
    loan_id: Annotated[str | None, says("The loan that it is applied to; null where there is none.")]
    channel: ChannelId
    out_trade_no: OutTradeNo
    channel_trade_no: ChannelTradeNo
    amount_minor: AmountMinor
    currency: Currency
    type: Annotated[RepaymentType, column("scope")]
    payer_name: PayerName
    payer_reference: PayerReference
    paid_at: Annotated[str, says("When it was paid at the channel. RFC 3339, on the sandbox's clock.")]
    received_at: Annotated[str, says("When the platform learned of it. RFC 3339, on the sandbox's clock.")]
    applied_at: Annotated[
        str | None, says("When it was applied to a loan; null until then. RFC 3339, on the sandbox's clock.")
    ]


receipt_doc = rendering(Receipt, ReceiptDoc)
