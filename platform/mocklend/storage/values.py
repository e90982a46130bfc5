"""Values of JSON columns of entities.

A value that the API never shows is a struct. A value that it shows as stored is a document, with the meaning of each
field, and part of the entity's document. Values are never changed in place.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from msgspec import Struct

from mocklend.domain.nouns import (
    BorrowerId,
    ChannelId,
    ChannelTradeNo,
    CreatedAt,
    Currency,
    LoanId,
    Memo,
    Operator,
    OutTradeNo,
    PrincipalMinor,
    one_of,
    says,
)
from mocklend.domain.statuses import DisputeState
from mocklend.seams.seam import PageShown
from mocklend.seams.view_refresh import Showing


class StatusOverride(Struct, frozen=True):
    """A loan's status as set by an operator.

    `since_ms` and `since_version`: since when the books derive another status; None while they agree.
    """

    edit_id: str
    status: str  # of the bill: INIT, VALID, OVERDUE, CLEAR
    since_ms: int | None = None
    since_version: int | None = None


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One attempt to deliver a message: number from 1, time (RFC 3339), outcome.

    A callback's has the type of the message, a webhook's the HTTP status of the receiver, if it has answered.
    """

    n: int
    at: str
    outcome: str
    event: str | None = None
    status: int | None = None


class WorldAssignment(Struct, frozen=True):
    """The loan of a receipt in the world: the one to which an operator assigned it last.

    `left` has, by id of an earlier loan, the id of the fact that moved the money away from it.
    """

    loan_id: str
    left: dict[str, str]


class ViewVersion(Struct, frozen=True, array_like=True, gc=False):
    """A loan's status page at one version, and the times from which it is shown.

    `change_minor` is its change of the balance, `off_minor` the page's balance less that of the books. For a version
    that is shown later, `waits` has the time for each view, and `behind_minor` the difference meanwhile.
    """

    version: int
    made_ms: int
    status: str
    outstanding_minor: int
    change_minor: int
    off_minor: int
    waits: Showing | None = None
    behind_minor: int | None = None

    @property
    def showing(self) -> Showing:
        """The times from which each view shows it: `made_ms` for all unless it waits."""
        return self.waits or Showing.at(self.made_ms)

    @property
    def books_minor(self) -> int:
        """The outstanding minor units on the books at this version."""
        return self.outstanding_minor - self.off_minor

    @property
    def page(self) -> PageShown:
        """The part of the page that faults see."""
        return {"version": self.version, "status": self.status, "outstanding_minor": self.outstanding_minor}


class EndpointDoc(TypedDict):
    """An endpoint, with the secret that signs its deliveries."""

    id: Annotated[str, says("The endpoint's id.")]
    url: Annotated[str, says("Where messages are sent by POST.")]
    events: Annotated[list[str], says("The types of events that are sent; `*` is all.")]
    profile: Annotated[str, says("The retry schedule of its messages.")]
    secret: Annotated[str, says("The secret that signs its messages: `whsec_` and Base64.")]
    created_at: CreatedAt


class BillDoc(TypedDict):
    """A bill before or after an operator's action."""

    status: Annotated[str, says("The status that is shown.")]
    outstanding_minor: Annotated[int, says("The total owed, in minor units.")]
    overpaid_minor: NotRequired[Annotated[int, says("The overpaid amount, in minor units.")]]


EVIDENCE_KINDS = ("transfer_record", "repayment_confirmation", "bank_slip", "screenshot")
DECISIONS = (DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.UNVERIFIABLE)
CORRECTIONS = (
    "repayment_applied", "receipt_applied", "receipt_reversed", "repayment_rebooked", "override_reversed",
    "loan_caught_up", "rest_written_off", "page_rebuilt",
)  # fmt: skip
"""The kinds of automatic corrections."""
LEFT_TO_DO = (
    "payment_not_on_loan", "channel_not_asked", "booked_otherwise", "ordered_twice", "posted_twice", "unapproved",
    "unsupported", "amount_mismatch", "rest_of_a_quote", "reversed_something_else", "stuck_payout",
    "compensation_not_posted", "page_behind", "conflicting_override", "left_behind",
)  # fmt: skip
"""The kinds of corrections that are left to staff."""


class PieceDoc(TypedDict):
    """A piece of evidence."""

    kind: Annotated[str, one_of(EVIDENCE_KINDS, "The kind of document.")]
    channel: ChannelId
    channel_trade_no: ChannelTradeNo | None
    amount_minor: Annotated[int, says("The amount that the document shows, in minor units of the loan's currency.")]
    paid_at: Annotated[str, says("The time of payment that the document shows. RFC 3339.")]
    note: Annotated[str | None, says("The borrower's note on it; null where there is none.")]


class FindingDoc(TypedDict):
    """The result of verifying a piece of evidence: at the channel, and on the books."""

    n: Annotated[int, says("The number of the piece of evidence, from 1.")]
    matches_channel: Annotated[bool, says("Whether the channel has such a payment.")]
    on_books: Annotated[bool, says("Whether the platform's books have it.")]
    loan_id: Annotated[str | None, says("The loan on which the books have it; null where they have it on none.")]
    out_trade_no: OutTradeNo | None
    booked: Annotated[str, says("The status of the platform's repayment or receipt, or UNKNOWN where it has none.")]
    differs: Annotated[list[str], says("The fields in which the document differs from the channel's trade.")]
    detail: Annotated[str, says("The result, in a sentence.")]


class DecisionDoc(TypedDict):
    """A decision, with operator and reason."""

    decision: Annotated[
        str,
        one_of(
            DECISIONS,
            "UPHELD where the borrower is right, REJECTED where not, UNVERIFIABLE where neither can be shown.",
        ),
    ]
    memo: Memo
    operator: Operator
    at: Annotated[str, says("When it was decided. RFC 3339, on the sandbox's clock.")]


class CorrectionDoc(TypedDict):
    """A correction that was made."""

    what: Annotated[str, one_of(CORRECTIONS, "The kind of correction.")]
    id: Annotated[str, says("The id of what was corrected: a repayment, a receipt, an edit or a loan.")]
    amount_minor: NotRequired[Annotated[int, says("The amount concerned, in minor units.")]]
    status: NotRequired[Annotated[str | None, says("The status override that was reversed.")]]
    version: NotRequired[Annotated[int, says("The loan's version whose status page was rebuilt.")]]


class LeftDoc(TypedDict):
    """A correction that staff have to make before the dispute is CORRECTED."""

    what: Annotated[str, one_of(LEFT_TO_DO, "The kind of correction that is left to do.")]
    id: Annotated[str, says("The id of what is wrong: a repayment, a receipt, an edit or a loan.")]
    detail: Annotated[str, says("What staff have to do, in a sentence.")]


class StepDoc(TypedDict):
    """A step of a dispute's progress."""

    state: Annotated[str, one_of(DisputeState, "The dispute's state after this step.")]
    at: Annotated[str, says("When it happened. RFC 3339, on the sandbox's clock.")]
    note: Annotated[str, says("What happened, in a sentence.")]


FiveClassField = TypedDict(
    "FiveClassField", {"class": Annotated[str, says("The class of risk on that day, of the five that banks report.")]}
)
"""A field whose name is a keyword of Python."""


class ReportedAccount(FiveClassField):
    """A loan as its lender reported it. `months_24` and `months_60` end with `last_month`, one code per month.

    `/` not opened, `*` nothing was due, `N` paid as agreed, `1` to `7` overdue (up to 30, 60, 90, 120, 150, 180
    days, and more), `C` settled, `B` bad debt, `G` ended otherwise, `#` not reported.
    """

    loan_id: LoanId
    opened: Annotated[str, says("The day on which the loan was paid out, like 2026-01-05.")]
    principal_minor: PrincipalMinor
    currency: Currency
    as_of: Annotated[str, says("The day that the record describes, like 2026-01-05.")]
    balance_minor: Annotated[int, says("What was owed on that day, in minor units of `currency`.")]
    overdue_minor: Annotated[int, says("What was overdue on that day, in minor units of `currency`.")]
    days_overdue: Annotated[int, says("Days past due on that day; 0 where nothing was overdue.")]
    status: Annotated[str, says("The account's status in the report's own words.")]
    last_month: Annotated[str, says("The last month of `months_24` and `months_60`, like 2026-01.")]
    months_24: Annotated[str, says("A code for each of the last 24 months, the oldest first.")]
    months_60: Annotated[str, says("A code for each of the last 60 months, the oldest first.")]
    disputed: Annotated[bool, says("Whether the borrower disputes the record.")]
    record_state: Annotated[
        str,
        one_of(
            ("PUBLISHED", "DISPUTED", "CORRECTED"),
            "PUBLISHED as reported, DISPUTED by the borrower, or CORRECTED since.",
        ),
    ]
    published_at: Annotated[str, says("When the bureau published the record. RFC 3339, on the sandbox's clock.")]
    version: Annotated[int, says("The number of the loan's record, from 1.")]
    months: NotRequired[Annotated[str, says("In a lender's copy: a code for every month, the oldest first.")]]


class ReportDoc(TypedDict):
    """A borrower's report: what is published of each of their loans. It is at least a day behind the books."""

    borrower_id: BorrowerId
    as_of: Annotated[str, says("When the report was made. RFC 3339, on the sandbox's clock.")]
    version: Annotated[int, says("The number of records behind the report, old ones included; it only grows.")]
    accounts: Annotated[list[ReportedAccount], says("The borrower's loans, as last published.")]


class ScoreDoc(TypedDict):
    """A score from 350 to 950, or N/A where nothing was reported when scores were last computed."""

    borrower_id: BorrowerId
    score: Annotated[int | str, says("350 to 950, or the text N/A.")]
    transaction_id: Annotated[str | None, says("The transaction id of the query; null where it had none.")]
    answered_at: Annotated[str, says("When the query was first answered. RFC 3339, on the sandbox's clock.")]
    refreshed_at: Annotated[str, says("When the score was computed. RFC 3339, on the sandbox's clock.")]
    next_refresh: Annotated[str, says("When scores are computed next. RFC 3339, on the sandbox's clock.")]
