"""The words of the console for codes of the platform: each code is shown beside its word."""

from __future__ import annotations

from collections.abc import Mapping

from mocklend.audit.chain.docs import Mark, View
from mocklend.audit.chain.rows import DAMAGED, LATE, READY
from mocklend.domain.channel import channels
from mocklend.domain.problems import PROBLEMS
from mocklend.domain.statuses import (
    ApplicationDecision,
    DeliveryState,
    DisputeState,
    EditState,
    LoanStatus,
    PayoutState,
    ReceiptState,
    RepaymentStatus,
    TradeState,
)
from mocklend.language import message
from mocklend.lending import operator_log

LOAN_STATUS: Mapping[str, str] = {
    LoanStatus.SUBMITTED: message("Submitted"),
    LoanStatus.LENDING: message("Being paid out"),
    LoanStatus.FAILED: message("Payout failed"),
    LoanStatus.USING: message("Unpaid"),
    LoanStatus.OVD: message("Overdue"),
    LoanStatus.CLEAR: message("Settled"),
    LoanStatus.OFF: message("Written off"),
}
"""What a borrower reads, by the status's code."""
_TRADE: Mapping[str, str] = {
    TradeState.CREATED: message("Not paid yet"),
    TradeState.SUCCESS: message("Paid"),
    TradeState.CLOSED: message("Closed"),
    TradeState.RETURNED: message("Returned"),
}
_PAYOUT: Mapping[str, str] = {
    PayoutState.ORDERED: message("Ordered"),
    PayoutState.PAID: message("Paid out"),
    PayoutState.FAILED: message("Failed"),
}
_CONSOLE: Mapping[str, str] = {
    ReceiptState.UNAPPLIED: message("Unapplied"),
    ReceiptState.APPLIED: message("Applied"),
    ReceiptState.REVERSED: message("Reversed"),
    ReceiptState.RETURNED: message("Returned"),
    EditState.DRAFT: message("Draft"),
    EditState.REJECTED: message("Rejected"),
    DisputeState.OPEN: message("Open"),
    DisputeState.MARKED: message("Marked"),
    DisputeState.VERIFYING: message("Being verified"),
    DisputeState.UPHELD: message("Upheld"),
    DisputeState.CORRECTED: message("Corrected"),
    DisputeState.COMPENSATED: message("Compensated"),
    DisputeState.STATEMENT: message("Borrower's statement"),
    DisputeState.UNVERIFIABLE: message("Unverifiable"),
}
_REPAYMENT: Mapping[str, str] = {
    RepaymentStatus.PROCESSING: message("Processing"),
    RepaymentStatus.SUCCEEDED: message("Succeeded"),
    RepaymentStatus.FAILED: message("Failed"),
    RepaymentStatus.REVERSED: message("Reversed"),
}
_DECISION: Mapping[str, str] = {
    ApplicationDecision.APPROVED: message("Approved"),
    ApplicationDecision.REFUSED: message("Refused"),
}
_STATEMENT: Mapping[str, str] = {READY: message("Ready"), LATE: message("Late"), DAMAGED: message("Damaged")}

VERDICTS: Mapping[str, str] = {
    "PASS": message("Passed"),
    "FAIL": message("Not passed"),
    "INCONCLUSIVE": message("Cannot be judged"),
}
"""What a verdict says, of a score as of a run."""
ANSWERS: Mapping[str, str] = {
    "late": message("Late"),
    "abort": message("No answer"),
    "reset": message("Connection reset"),
    "empty": message("Without content"),
    "truncated": message("Cut off"),
    "malformed": message("Malformed"),
}
"""How an answer to a client was wrong, if it was no refusal."""

STATUS: Mapping[str, Mapping[str, str]] = {
    View.CHANNEL: _TRADE,
    View.PAYOUT: _PAYOUT,
    View.CONSOLE: _CONSOLE,
    View.REPAYMENT: _REPAYMENT,
    View.REPORT: LOAN_STATUS,
    View.LENDER: {**_DECISION, **LOAN_STATUS},
    View.STATEMENT: _STATEMENT,
    View.CLIENT: {**{code: str(problem.status) for code, problem in PROBLEMS.items()}, **ANSWERS},
}
"""The words of each view's own codes; a view that is not named has those of a loan."""

VIEWS: Mapping[str, str] = {
    View.WORLD: message("World"),
    View.CHANNEL: message("Channel"),
    View.PAYOUT: message("Payout"),
    View.CONSOLE: message("Operator console"),
    View.BOOKS: message("Books"),
    View.PAGE: message("Status page"),
    View.LIST: message("List of loans"),
    View.INSTALMENTS: message("Instalments"),
    View.QUOTE: message("Quote"),
    View.REPAYMENT: message("Repayment"),
    View.REPORT: message("Credit report"),
    View.SCORE: message("Credit score"),
    View.LENDER: message("Lender's copy"),
    View.WEBHOOK: message("Webhook"),
    View.STATEMENT: message("Statement"),
    View.CLIENT: message("Answer to the client"),
}
"""The names of the views."""
BELIEVED = (
    View.WORLD, View.CHANNEL, View.CONSOLE, View.BOOKS, View.PAGE, View.REPORT, View.SCORE, View.LENDER,
)  # fmt: skip
"""The views of which somebody believes something, in the order of the chain: the others say what their source says."""
MARKS: Mapping[str, str] = {
    Mark.AGREES: message("agrees with the world"),
    Mark.FIRST_WRONG: message("the lie shows first here"),
    Mark.PASSES_ON: message("passes it on"),
    Mark.IN_TRANSIT: message("on its way"),
    Mark.UNEXPLAINED: message("unexplained: a bug"),
}
"""What each mark says."""
SIGNS: Mapping[str, str] = {
    Mark.AGREES: "check",
    Mark.FIRST_WRONG: "cross",
    Mark.PASSES_ON: "turn",
    Mark.IN_TRANSIT: "clock",
    Mark.UNEXPLAINED: "attend",
}
"""The icon of each mark; a word is always beside it."""
ABOUT: Mapping[str, str] = {
    "receipt": message("receipt"),
    "edit": message("edit"),
    "reversal": message("reversal"),
    "dispute": message("dispute"),
    "NORMAL": message("normal"),
    "ATTENTION": message("attention"),
    "SUBPRIME": message("subprime"),
    "DOUBTFUL": message("doubtful"),
    "LOSSES": message("loss"),
    **{channel.id: channel.name for channel in channels().values()},
}
"""What a row of a view is about."""
OF_A_VIEW: Mapping[str, str] = {
    View.WORLD: message("what really happened"),
    View.BOOKS: message("the journal"),
    View.PAGE: message("what the borrower sees"),
}
"""A note beside a view's name."""
REPEATS: Mapping[str, str] = {
    View.BOOKS: message("repeats the books"),
    View.REPORT: message("from the report"),
    View.CHANNEL: message("repeats the channel"),
    View.CONSOLE: message("as in the operator console"),
    View.WORLD: message("repeats its source"),
}
"""How a row passes on what its source says."""


def status_word(view: str, code: str | None) -> str | None:
    """The word of a status in a view, in English; None where the code has no word, as a credit score."""
    return None if code is None else STATUS.get(view, LOAN_STATUS).get(code)


DUE: Mapping[str, str] = {
    "settlement": message("settlement"),
    "callback": message("callback"),
    "payout": message("money to be paid out"),
    "payment_return": message("payment return"),
    "auto_debit": message("auto-debit"),
    "due_date": message("due date"),
    "bureau": message("bureau file"),
    "publication": message("publication of reports"),
    "view": message("the page catches up"),
    "dispute": message("deadline of a dispute"),
    "webhook": message("webhook"),
}
"""What falls due, by its kind; a kind without a word is shown by its code."""
PAYOUTS: Mapping[str, str] = {
    "disbursement": message("payout of the loan"),
    "refund": message("payout of a refund"),
    "compensation": message("payout of a compensation"),
}
"""What is paid out next, by the purpose of the payout."""

KINDS: Mapping[str, str] = {
    "disbursement_accepted": message("disbursement accepted"),
    "disbursement_confirmed": message("disbursement confirmed"),
    "disbursement_failed": message("disbursement failed"),
    "receipt": message("receipt"),
    "repayment": message("repayment"),
    "accrual": message("accrual"),
    "interest_in_advance": message("interest in advance"),
    "edit": message("edit"),
    "payment_return": message("payment return"),
    "write_off": message("write-off"),
    "refund_agreed": message("refund agreed"),
    "refund_paid": message("refund paid"),
    "compensation_agreed": message("compensation agreed"),
    "compensation_paid": message("compensation paid"),
    "repayment_reversal": message("reversal of a repayment"),
    "receipt_reversal": message("reversal of a receipt"),
    "accrual_reversal": message("reversal of an accrual"),
    "edit_reversal": message("reversal of an edit"),
}
"""The kinds of transactions of the journal; one without a word is shown by its code."""

PRODUCT: Mapping[str, str] = {
    "jiebei-like": message("Like Jiebei: 12 equal monthly instalments"),
    "weilidai-like": message("Like Weilidai: 10 equal parts of principal"),
    "bullet-30d": message("One repayment after 30 days"),
    "interest-free-3": message("3 instalments without interest"),
}
"""What the products that ship are called, by id; another one is shown by its id."""
DELIVERY: Mapping[str, str] = {
    DeliveryState.QUEUED: message("Not sent yet"),
    DeliveryState.RETRY: message("Will be retried"),
    DeliveryState.ACKED: message("Accepted"),
    DeliveryState.EXHAUSTED: message("Given up"),
}
"""What has become of a callback or a webhook."""
OUTCOMES: Mapping[str, str] = {
    "acked": message("accepted"),
    "lost": message("lost on the way"),
    "timeout": message("no answer in time"),
    "unreachable": message("the receiver was not reached"),
    "address_refused": message("not called: its address is not allowed"),
    "gone": message("the receiver wants no more"),
}
"""What came of an attempt; another outcome is shown by its code."""
CALLBACK_EVENTS: Mapping[str, str] = {
    "payment.succeeded": message("a repayment was paid"),
    "payment.received": message("a push payment came in"),
    "payment.returned": message("money was returned"),
}
"""What a callback reports."""
ACTIONS: Mapping[str, str] = {
    operator_log.EDIT_DRAFTED: message("edit drafted"),
    operator_log.EDIT_APPLIED: message("edit posted"),
    operator_log.EDIT_APPROVED: message("edit approved"),
    operator_log.EDIT_REJECTED: message("edit rejected"),
    operator_log.EDIT_REVERSED: message("edit reversed"),
    operator_log.REPAYMENT_REVERSED: message("repayment reversed"),
    operator_log.CHANNEL_QUERIED: message("channel queried"),
    operator_log.REPAYMENT_REBOOKED: message("repayment booked again"),
    operator_log.REPAYMENT_REINSTATED: message("repayment reinstated"),
    operator_log.REPAYMENT_RESTORED: message("repayment restored"),
    operator_log.RECEIPT_MATCHED: message("receipt matched"),
    operator_log.RECEIPT_MOVED: message("receipt moved"),
    operator_log.RECEIPT_POSTED: message("receipt posted"),
    operator_log.RECEIPT_REVERSED: message("receipt reversed"),
    operator_log.DISPUTE_DECIDED: message("dispute decided"),
    operator_log.CORRECTION_ORDERED: message("correction ordered"),
    operator_log.COMPENSATION_AGREED: message("compensation agreed upon"),
    operator_log.PAGE_REBUILT: message("page rebuilt"),
    operator_log.LOAN_CAUGHT_UP: message("loan caught up"),
}
"""What an operator did, by the operator log's code."""
CORRECTIONS: Mapping[str, str] = {
    "repayment_applied": message("a repayment applied"),
    "receipt_applied": message("a receipt applied"),
    "receipt_reversed": message("a receipt reversed"),
    "repayment_rebooked": message("a repayment booked again"),
    "override_reversed": message("a status set by hand taken back"),
    "loan_caught_up": message("the loan caught up"),
    "rest_written_off": message("the rest written off"),
    "page_rebuilt": message("the page rebuilt"),
    "payment_not_on_loan": message("a payment that is not on the loan"),
    "channel_not_asked": message("a channel to be asked"),
    "booked_otherwise": message("a payment booked otherwise"),
    "ordered_twice": message("a payment ordered twice"),
    "posted_twice": message("a receipt posted twice"),
    "unapproved": message("an entry that nobody approved"),
    "unsupported": message("an entry with nothing behind it"),
    "amount_mismatch": message("another amount than was paid"),
    "rest_of_a_quote": message("the rest of a quote"),
    "reversed_something_else": message("a reversal of something else"),
    "stuck_payout": message("a payout in transit"),
    "compensation_not_posted": message("a compensation not posted"),
    "page_behind": message("a page that is behind"),
    "conflicting_override": message("a status that the books do not derive"),
    "left_behind": message("a loan that the end of day left out"),
}
"""What a dispute has corrected, or leaves to staff, by its code."""
