"""The list of checks: what an audit compares, each with its code and its sentence, in the order in which they run.

For each group of loans the checks of single loans run first, then those of the group; at the end those of the whole
sandbox. The table in `docs/architecture.md` is made from this list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mocklend.audit import money, operations, pages, totals
from mocklend.audit.subjects import AuditedLoan, AuditedLoans
from mocklend.bureau.checks import check_partner_copies, check_scores
from mocklend.channels.statements.files import check_statement_files
from mocklend.domain.finding import Discrepancy, InTransit
from mocklend.ledger import invariants
from mocklend.ledger.invariants import LoanBooks, LoanWorld, Totals
from mocklend.lending.checks import check_quotes
from mocklend.servicing.truth import check_decisions
from mocklend.storage.snapshot import Chosen, Snapshot

Findings = Iterator[Discrepancy | InTransit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of the audit: its code, its sentence, and a function per scope that it has.

    `loans` are checked in groups, `chosen` by queries for any loans; a finding of both names the loan that has it.
    `sandbox` and `totals` are about the whole sandbox; their findings name no loan.

    `always`: an invariant. No fault may break it, and the audit's answer says for each whether it holds.
    """

    code: str
    states: str
    always: bool = False
    world: Callable[[LoanWorld], Iterator[str]] | None = None
    books: Callable[[LoanBooks], Iterator[str]] | None = None
    loan: Callable[[AuditedLoan], Findings] | None = None
    loans: Callable[[AuditedLoans], Findings] | None = None
    chosen: Callable[[Snapshot, Chosen], Findings] | None = None
    sandbox: Callable[[Snapshot], Findings] | None = None
    totals: Callable[[Totals], Iterator[str]] | None = None

    @property
    def of_loans(self) -> bool:
        """Whether it checks loans one by one."""
        return any((self.world, self.books, self.loan, self.loans, self.chosen))


CHECKS: tuple[Check, ...] = (
    Check(
        code="W1",
        always=True,
        states="Channel money is conserved: what the channels took is what borrowers paid.",
        totals=invariants.channel_money,
    ),
    Check(
        code="W2",
        always=True,
        states="Each order succeeds at its channel at most once.",
        world=invariants.single_success,
    ),
    Check(
        code="W3",
        always=True,
        states="The true outstanding is never negative, and is what was lent and earned minus what was settled.",
        world=invariants.true_outstanding,
    ),
    Check(
        code="B1",
        always=True,
        states="Every transaction moves something between accounts of the chart.",
        books=invariants.accounts,
        totals=invariants.stray_postings,
    ),
    Check(code="B2", always=True, states="The trial balance is zero.", totals=invariants.trial_balance),
    Check(
        code="B3",
        always=True,
        states="The hash chain verifies and its numbers have no gap.",
        books=invariants.loan_chain,
        sandbox=totals.check_channel_chains,
    ),
    Check(
        code="B4",
        always=True,
        states="Amounts are above zero, in the loan's currency.",
        books=invariants.amounts,
    ),
    Check(
        code="B6",
        always=True,
        states="Each receipt is on the books at most once; applied and overpaid and unapplied make up "
        "what was received.",
        books=invariants.receipts,
    ),
    Check(
        code="B8",
        always=True,
        states="The instalments' principal adds up to the loan's, and no bucket is negative or overpaid.",
        books=invariants.buckets,
    ),
    Check(
        code="B10",
        always=True,
        states="Accrual periods tile time without gap or overlap.",
        books=invariants.accrual_periods,
    ),
    Check(
        code="B11",
        always=True,
        states="A reversal reverses exactly one transaction, and none is reversed twice.",
        books=invariants.reversals,
    ),
    Check(
        code="B12",
        always=True,
        states="The status is a function of balances and dates: CLEAR if and only if nothing is receivable.",
        books=invariants.status,
    ),
    Check(
        code="B13",
        always=True,
        states="Replaying the facts gives the journal, the balances and the stored projection.",
        books=invariants.replayed,
    ),
    Check(
        code="B15",
        always=True,
        states="A repayment's row says how much of it was applied and how much was overpaid, as its loan's facts do.",
        books=invariants.repayment_rows,
    ),
    Check(code="V1", states="Each view of a loan shows its newest version.", loan=pages.check_views),
    Check(code="V4", always=True, states="The page shows what its version has.", loan=pages.check_page),
    Check(
        code="V5",
        states="What the bureau publishes about a loan is what the books said at its cut-off, in time.",
        loan=pages.check_report,
    ),
    Check(
        code="V6",
        states="A score that was answered follows from what was published when it was made.",
        sandbox=check_scores,
    ),
    Check(
        code="V7",
        states="A channel's statement of a day is ready in time, and has what moved by the channel's own cut-off.",
        sandbox=check_statement_files,
    ),
    Check(
        code="V8",
        always=True,
        states="A settlement certificate names a point of the journal at which the books said CLEAR.",
        loan=pages.check_certificates,
    ),
    Check(code="V9", states="The end-of-day batch has left no loan out.", loan=pages.check_end_of_day),
    Check(
        code="V10",
        states="A status that was set by hand is the one that the books derive.",
        loan=pages.check_status_overrides,
    ),
    Check(
        code="V11",
        states="A payoff quote has the amount that the books had when it was issued.",
        chosen=check_quotes,
    ),
    Check(
        code="V12",
        states="A partner's newest decision rests on a credit report that was not due for renewal.",
        sandbox=check_partner_copies,
    ),
    Check(
        code="C1",
        always=True,
        states="A channel's clearing account is what the channel holds by the books.",
        totals=invariants.clearing,
    ),
    Check(
        code="C2",
        states="What happened and what is on the books are the same movements: each once, with one amount, "
        "on the same day, through the same channel.",
        loans=money.check_movements,
        sandbox=money.check_unclaimed_money,
    ),
    Check(code="C5", states="A reversal reverses the entry that was meant.", loan=money.check_reversals),
    Check(
        code="C6",
        states="A debit or a request is ordered from its channel once.",
        loans=operations.check_orders,
    ),
    Check(
        code="C7",
        states="A payout that was ordered is paid or refused by its channel.",
        chosen=operations.check_payouts,
    ),
    Check(
        code="D1",
        states="A dispute is handled before its answer is due.",
        chosen=operations.check_deadlines,
    ),
    Check(
        code="D2",
        states="An edit above the limit was approved by a second person.",
        chosen=operations.check_approvals,
    ),
    Check(code="D3", states="A dispute that says CORRECTED has corrected what it names.", chosen=check_decisions),
)
"""W: the world. B: the books. V: views against the books. C: channels and world against the books. D: decisions."""

INVARIANTS: dict[str, str] = {check.code: check.states for check in CHECKS if check.always}
"""The sentence of each check that no fault may break, by code."""

# A loan's checks by scope: the audit runs them for each loan.
WORLD_CHECKS = tuple((check.code, check.world) for check in CHECKS if check.world is not None)
BOOKS_CHECKS = tuple((check.code, check.books) for check in CHECKS if check.books is not None)
LOAN_CHECKS = tuple(check.loan for check in CHECKS if check.loan is not None)
