"""What a form of the loan page can act on: edits, orders, receipts and disputes in the state that the act needs.

They are what operators see, never what really happened: a receipt that is on no loan is offered for every loan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mocklend.audit.chain.docs import View
from mocklend.bureau.partners import PARTNERS
from mocklend.console.form_words import OPTIONS
from mocklend.console.formats import Formats
from mocklend.console.visit import Visit
from mocklend.console.words import ABOUT, STATUS
from mocklend.domain.replay import LoanState
from mocklend.domain.statuses import DisputeState, EditState, PayoutState, ReceiptState, RepaymentStatus
from mocklend.lending.books import state_of
from mocklend.sandboxes.ids import order_no
from mocklend.storage.entities import Borrower, Dispute, Loan, OperatorEdit, Receipt, Repayment, StatementFile
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import Snapshot
from mocklend.views import reads
from mocklend.views.render import LoanDoc

EACH_MAX = 50
"""How many of each kind are offered, the newest; any other can be named in the address."""


@dataclass(frozen=True, slots=True)
class LoanHere:
    """The loan that a form is about, as the books have it and as its page shows it, and how to write about it."""

    snapshot: Snapshot
    loan: Loan
    borrower: Borrower
    page: LoanDoc
    visit: Visit
    write: Formats

    @property
    def state(self) -> LoanState:
        """The loan on the books."""
        return state_of(self.loan)

    def said(self, *parts: str) -> str:
        """Words one after the other, in the viewer's language."""
        return " · ".join(self.visit.text(part) for part in parts if part)

    def amount(self, minor: int | None) -> str:
        """An amount of the loan's currency."""
        return self.write.amount(minor, self.loan.currency)


@dataclass(frozen=True, slots=True)
class Target:
    """Something to act on, by its id, and what it is, in the viewer's language."""

    id: str
    words: str


Targets = Callable[[LoanHere], list[Target]]


def loan_here(snapshot: Snapshot, loan_id: str, here: Visit) -> LoanHere:
    """The loan of a form. Raises Refused `loan_unknown`."""
    loan = reads.entity(snapshot, Loan, loan_id)
    return LoanHere(
        snapshot,
        loan,
        snapshot.get(Borrower, loan.borrower_id),
        reads.page(snapshot, loan_id),
        here,
        Formats(here.language, snapshot.sandbox.zone),
    )


def edits(state: EditState) -> Targets:
    """The loan's edits in a state."""

    def offered(here: LoanHere) -> list[Target]:
        found = here.snapshot.where(
            OperatorEdit,
            "loan_id = :loan_id AND state = :state ORDER BY n DESC, id LIMIT :most",
            loan_id=here.loan.id, state=state.value, most=EACH_MAX,
        )  # fmt: skip
        kinds = OPTIONS["kind"]
        return [
            Target(edit.id, here.said(kinds.get(edit.edit_kind, edit.edit_kind), here.amount(edit.amount_minor)))
            for edit in found
        ]

    return offered


def orders(*statuses: RepaymentStatus) -> Targets:
    """The loan's repayments in one of these states."""

    def offered(here: LoanHere) -> list[Target]:
        found = here.snapshot.where(
            Repayment, "loan_id = :loan_id ORDER BY created_ms DESC, id LIMIT :most", loan_id=here.loan.id,
            most=EACH_MAX,
        )  # fmt: skip
        return [
            Target(order.id, here.said(_channel(order.channel), here.amount(order.amount_minor)))
            for order in found
            if order.status in statuses
        ]

    return offered


def unapplied_receipts(here: LoanHere) -> list[Target]:
    """Receipts on no loan, in the loan's currency: an operator has to say whose they are."""
    found = here.snapshot.where(
        Receipt, "state = :state ORDER BY id LIMIT :most", state=ReceiptState.UNAPPLIED.value, most=EACH_MAX
    )
    return _receipts(here, (receipt for receipt in found if receipt.currency == here.loan.currency))


def receipts_of_loan(here: LoanHere) -> list[Target]:
    """The receipts that count on this loan."""
    return _receipts(here, _applied(here))


def second_receipts(here: LoanHere) -> list[Target]:
    """The receipts on this loan whose order has a receipt of its own."""
    return _receipts(here, (receipt for receipt in _applied(here) if receipt.out_trade_no != order_no(receipt.id)))


_ON_LOAN = """SELECT id FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND kind = 'receipt'
    ORDER BY recorded_ms DESC, id LIMIT :most"""


def _applied(here: LoanHere) -> list[Receipt]:
    ids = here.snapshot.ids(_ON_LOAN, loan_id=here.loan.id, most=EACH_MAX)
    found = here.snapshot.find_all(Receipt, [id for id in ids if id.startswith(RECEIPT_PREFIX)])
    return [receipt for receipt in found if receipt.loan_id == here.loan.id and receipt.state == ReceiptState.APPLIED]


def _receipts(here: LoanHere, receipts: Iterable[Receipt]) -> list[Target]:
    return [Target(each.id, _receipt(here, each)) for each in receipts]


def _receipt(here: LoanHere, receipt: Receipt) -> str:
    amount = here.amount(receipt.amount_minor)
    return here.said(_channel(receipt.channel), amount, receipt.payer_name, receipt.payer_reference)


def disputes(*states: DisputeState) -> Targets:
    """The loan's disputes in one of these states."""

    def offered(here: LoanHere) -> list[Target]:
        found = here.snapshot.where(
            Dispute, "loan_id = :loan_id ORDER BY created_ms DESC, id LIMIT :most", loan_id=here.loan.id, most=EACH_MAX
        )
        words = STATUS[View.CONSOLE]
        return [
            Target(dispute.id, here.said(OPTIONS["claim"][dispute.claim], words.get(dispute.state, dispute.state)))
            for dispute in found
            if dispute.state in states
        ]

    return offered


def lenders(here: LoanHere) -> list[Target]:
    """The partner lenders."""
    return [Target(partner.id, here.said(partner.name)) for partner in PARTNERS.values()]


def payouts_on_their_way(here: LoanHere) -> list[Target]:
    """The loan's payouts that no channel has paid, each as the end of its address."""
    return [
        Target(
            f"{payout.channel}/payouts/{payout.id}",
            here.said(_channel(payout.channel), here.amount(payout.amount_minor)),
        )
        for payout in reads.payouts(here.snapshot, here.loan.id)
        if payout.state == PayoutState.ORDERED
    ]


def statement_files(here: LoanHere) -> list[Target]:
    """The channels' statements that somebody has asked for, each as the end of its address."""
    found: Sequence[StatementFile] = here.snapshot.where(
        StatementFile, "currency = :currency ORDER BY id DESC LIMIT :most", currency=here.loan.currency, most=EACH_MAX
    )
    return [
        Target(f"{file.channel}/statements/{file.day}", here.said(_channel(file.channel), file.day)) for file in found
    ]


def _channel(id: str) -> str:
    return ABOUT.get(id, id)
