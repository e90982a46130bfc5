"""The commands that make a borrower and a loan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar, TypedDict

from msgspec.structs import replace

from mocklend.documents import rendering
from mocklend.domain.facts import ACCEPTANCE, DISBURSEMENT, Fact, Terms, business_date
from mocklend.domain.money import format_minor
from mocklend.domain.nouns import CreatedAt, says
from mocklend.domain.problems import Refused
from mocklend.domain.product import Product
from mocklend.domain.replay import dump, initial_state
from mocklend.domain.schedule import ScheduleError
from mocklend.ledger.journal import NO_HASH
from mocklend.lending.books import LoanAfterFact, post_fact, state_of
from mocklend.lending.opening_balance import opening_of
from mocklend.lending.payouts import create_payout
from mocklend.sandboxes.ids import make_id
from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Answer, Entity, Idempotency, Key, Loaded, Sandbox, Work
from mocklend.views.render import loan_doc
from mocklend.world.record import record_in_world

CREDIT_USE: Loaded[CreditUse] = Loaded("drawn")
"""By borrower: how much of the credit limit is used."""

DISBURSE_CHANNEL = "bank_transfer"


@dataclass(frozen=True, slots=True)
class AddBorrower:
    """Make a borrower, or find the one that the same request made before."""

    sandbox_id: str
    reference: str
    name: str
    credit_limit_minor: int
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing: the borrower's id depends on the seed."""
        return ()

    def needs_in(self, sandbox: Sandbox) -> Iterable[Key]:
        """The borrower."""
        return (("borrower", make_id("brw", sandbox.seed, self.reference)),)

    def decide(self, work: Work) -> Answer:
        """201, or 200 for a repeated request. Raises Refused `reference_taken`."""
        id = make_id("brw", work.sandbox.seed, self.reference)
        existing = work.find(Borrower, id)
        if existing is None:
            borrower = Borrower(id, self.reference, self.name, self.credit_limit_minor, work.now_ms)
            work.put(borrower)
            return Answer(201, borrower_doc(borrower))
        if (existing.name, existing.credit_limit_minor) != (self.name, self.credit_limit_minor):
            raise Refused(
                "reference_taken",
                f"borrower {id} has this reference, with another name or credit limit",
                borrower_id=id,
            )
        return Answer(200, borrower_doc(existing))


class BorrowerDoc(TypedDict):
    """A borrower."""

    id: Annotated[str, says("The borrower's id.")]
    reference: Annotated[str, says("The client's own name for the borrower, unique in the sandbox.")]
    name: Annotated[str, says("The borrower's full name.")]
    credit_limit_minor: Annotated[
        int, says("How much principal may be outstanding at one time, over all loans, in minor units.")
    ]
    created_at: CreatedAt


borrower_doc = rendering(Borrower, BorrowerDoc)


class CreditUse(Entity, frozen=True):
    """The used part of a credit limit: the outstanding principal of all their loans. Derived, never stored."""

    kind: ClassVar[str] = "drawn"
    minor: int


def load_credit_use(reader: SandboxReader, borrower_ids: Sequence[str]) -> Mapping[str, CreditUse]:
    """The credit use of each borrower."""
    sql = (
        "SELECT borrower_id, SUM(outstanding_principal_minor) FROM loans WHERE sandbox_id = :sandbox_id AND borrower_id"
    )
    used = {used.id: used for used in reader.rows_in(_credit_use, sql, borrower_ids, " GROUP BY borrower_id")}
    return {id: used.get(id) or CreditUse(id, 0) for id in borrower_ids}


def _credit_use(borrower_id: str, minor: int) -> CreditUse:
    return CreditUse(borrower_id, int(minor))  # PostgreSQL returns a sum as a Decimal.


@lru_cache(maxsize=1024)
def _loan_id(seed: int, reference: str) -> str:
    """Cached: a group asks for the id of each loan to load it, and again to decide."""
    return make_id("loan", seed, reference)


@dataclass(frozen=True, slots=True)
class Borrow:
    """Lend a principal on a product and pay it out."""

    sandbox_id: str
    idem: Idempotency | None
    borrower_id: str
    principal_minor: int
    currency: str
    product: Product
    product_id: str | None
    reference: str | None
    auto_debit: bool = False
    disburse_to: str | None = None  # a channel that pays out after a delay; None pays out at once
    disburse_delay_s: int = 0

    def needs(self) -> Iterable[Key]:
        """The borrower and their credit use."""
        return (("borrower", self.borrower_id), ("drawn", self.borrower_id))

    def needs_in(self, sandbox: Sandbox) -> Iterable[Key]:
        """The loan of the same id, of which there should be none."""
        return (("loan", self._loan_id(sandbox)),)

    def decide(self, work: Work) -> Answer:
        """201 and the loan's first status page.

        Raises Refused `borrower_unknown`, `amount_out_of_range`, `credit_limit_exceeded`, `reference_taken`,
        `product_invalid`."""
        borrower = work.find(Borrower, self.borrower_id)
        if borrower is None:
            raise Refused("borrower_unknown", f"no borrower {self.borrower_id}", borrower_id=self.borrower_id)
        limits = self.product.limits
        if not limits.min_minor <= self.principal_minor <= limits.max_minor:
            raise Refused(
                "amount_out_of_range",
                "the product does not lend this principal",
                expected=f"{limits.min_minor} to {limits.max_minor}",
                received=self.principal_minor,
            )
        credit_use = work.load(CREDIT_USE, borrower.id)
        free = borrower.credit_limit_minor - credit_use.minor
        if self.principal_minor > free:
            raise Refused(
                "credit_limit_exceeded",
                f"of a limit of {format_minor(borrower.credit_limit_minor, self.currency)}, "
                f"{format_minor(max(free, 0), self.currency)} are free",
                expected=max(free, 0),
                received=self.principal_minor,
                borrower_id=borrower.id,
            )
        loan = self._new_loan(work)
        if work.find(Loan, loan.id) is not None:
            raise Refused(
                "reference_taken", f"loan {loan.id} has this reference", loan_id=loan.id, reference=loan.reference
            )
        start = business_date(work.now_ms, work.sandbox.zone)
        kind = DISBURSEMENT if self.disburse_to is None else ACCEPTANCE
        opening = Fact(loan.id, kind, work.now_ms, start, self.principal_minor, loan.disburse_channel)
        record_in_world(work, loan.id, opening)
        posted = post_fact(work, loan, opening, cause="disbursement")
        if work.armed and posted.state.disbursed and work.announce(opening_of(work, posted.loan)):
            with_residue = work.get(Loan, loan.id)
            state = state_of(with_residue)
            posted = LoanAfterFact(with_residue, state, loan_doc(with_residue, state, work.now_ms))
        work.put(replace(credit_use, minor=credit_use.minor + posted.loan.outstanding_principal_minor))
        if self.disburse_to is not None:
            create_payout(
                work,
                loan,
                purpose="disbursement",
                channel_id=self.disburse_to,
                delay_s=self.disburse_delay_s,
                amount_minor=self.principal_minor,
                about=loan.id,
            )
        return Answer(201, posted.page)

    @property
    def _reference(self) -> str:
        assert self.idem is not None, "borrowing moves money and needs an idempotency key"
        return self.reference or self.idem.key

    def _loan_id(self, sandbox: Sandbox) -> str:
        return _loan_id(sandbox.seed, self._reference)

    def _new_loan(self, work: Work) -> Loan:
        start = business_date(work.now_ms, work.sandbox.zone)
        id = self._loan_id(work.sandbox)
        try:
            state = initial_state(Terms(id, self.currency, self.principal_minor, start, self.product))
        except ScheduleError as error:
            raise Refused("product_invalid", str(error), expected=error.expected, received=error.got) from None
        return Loan(
            id=id,
            borrower_id=self.borrower_id,
            reference=self._reference,
            currency=self.currency,
            product_id=self.product_id,
            product=self.product.as_text(),
            principal_minor=self.principal_minor,
            start_date=start.isoformat(),
            disburse_channel=self.disburse_to or DISBURSE_CHANNEL,
            auto_debit=int(self.auto_debit),
            created_ms=work.now_ms,
            version=0,
            status=state.status,
            outstanding_principal_minor=0,
            state=dump(state),
            next_seq=1,
            head_hash=NO_HASH,
            edits=0,
            status_override=None,
            view_versions=(),
            disbursed_ms=None,
            due_ms=None,
            debit_ms=None,
        )
