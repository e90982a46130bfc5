"""Values that a column of an entity holds as JSON.

What the API never shows is a struct. What it shows as it is stored is a document: its class says what each field means,
and the entity's own document has it as a part. A value is never changed; another one is put in its place.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

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
from mocklend.seams.view_refresh import Showing


class StatusOverride(Struct, frozen=True):
    """A loan's status that an operator has set by hand.

    `since_ms` and `since_version` say from when on the books have derived another one; None while they agree.
    """

    edit_id: str
    status: str  # of the bill: INIT, VALID, OVERDUE, CLEAR
    since_ms: int | None = None
    since_version: int | None = None


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One attempt at a message: its number from 1, its moment (RFC 3339), what came of it; of a callback, its type."""

    n: int
    at: str
    outcome: str
    event: str | None = None


class WorldAssignment(Struct, frozen=True):
    """Whose a receipt really is: the loan that an operator last found out, and what took it away from earlier ones.

    `left` has, by loan id, the id of the fact that took the money away from it.
    """

    loan_id: str
    left: dict[str, str]


class ViewVersion(Struct, frozen=True, array_like=True):
    """What a loan's page says at one version, and from when that is seen.

    `change_minor` is what it moved the balance by, `off_minor` what the balance on the page is too much. A version that
    had to wait says in `waits` from when each view shows it, and in `behind_minor` what the page was behind by.
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
        """From when on each view shows it: at once and for good, where it did not have to wait."""
        return self.waits or Showing.at(self.made_ms)

    @property
    def books_minor(self) -> int:
        """What the books had outstanding at this version."""
        return self.outstanding_minor - self.off_minor

    @property
    def said(self) -> dict[str, Any]:
        """The part that a fault may look at."""
        return {"version": self.version, "status": self.status, "outstanding_minor": self.outstanding_minor}


class EndpointDoc(TypedDict):
    """An endpoint, with the secret that its deliveries are signed with."""

    id: Annotated[str, says("The endpoint's id.")]
    url: Annotated[str, says("Where messages are sent by POST.")]
    events: Annotated[list[str], says("Which events are sent; `*` is all.")]
    profile: Annotated[str, says("The retry schedule of its messages.")]
    secret: Annotated[str, says("The secret that its messages are signed with: `whsec_` and Base64.")]
    created_at: CreatedAt


class BillDoc(TypedDict):
    """A bill before or after what the desk did."""

    status: Annotated[str, says("The status that is shown.")]
    outstanding_minor: Annotated[int, says("All that is owed, in minor units.")]
    overpaid_minor: NotRequired[Annotated[int, says("What was paid too much, in minor units.")]]


EVIDENCE_KINDS = ("transfer_record", "repayment_confirmation", "bank_slip", "screenshot")
DECISIONS = (DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.UNVERIFIABLE)
CORRECTIONS = (
    "repayment_applied", "receipt_applied", "receipt_reversed", "repayment_rebooked", "override_reversed",
    "loan_caught_up", "rest_written_off", "page_rebuilt",
)  # fmt: skip
"""What the desk corrects by itself."""
LEFT_TO_DO = (
    "payment_not_on_loan", "channel_not_asked", "booked_otherwise", "ordered_twice", "posted_twice", "unapproved",
    "unsupported", "amount_mismatch", "rest_of_a_quote", "reversed_something_else", "stuck_payout",
    "compensation_not_posted", "page_behind", "conflicting_override", "left_behind",
)  # fmt: skip
"""What it leaves to staff, and names."""


class PieceDoc(TypedDict):
    """A piece of evidence."""

    kind: Annotated[str, one_of(EVIDENCE_KINDS, "What kind of document it is.")]
    channel: ChannelId
    channel_trade_no: ChannelTradeNo | None
    amount_minor: Annotated[int, says("The amount that the document shows, in minor units of the loan's currency.")]
    paid_at: Annotated[str, says("The time of payment that the document shows. RFC 3339.")]
    note: Annotated[str | None, says("What the borrower says about it; null where nothing.")]


class FindingDoc(TypedDict):
    """What verifying a piece found: at the channel, and on the books."""

    n: Annotated[int, says("The number of the piece of evidence, from 1.")]
    matches_channel: Annotated[bool, says("Whether the channel has such a payment.")]
    on_books: Annotated[bool, says("Whether the platform's books have it.")]
    loan_id: Annotated[str | None, says("The loan on which the books have it; null where they have it on none.")]
    out_trade_no: OutTradeNo | None
    booked: Annotated[
        str, says("The status of the platform's repayment or receipt, or UNKNOWN where it never heard of it.")
    ]
    differs: Annotated[list[str], says("The fields in which the document differs from the channel's record.")]
    detail: Annotated[str, says("What was found, in a sentence.")]


class DecisionDoc(TypedDict):
    """Who answered what, and why."""

    decision: Annotated[
        str,
        one_of(
            DECISIONS, "UPHELD where the borrower is right, REJECTED where not, UNVERIFIABLE where nobody can tell."
        ),
    ]
    memo: Memo
    operator: Operator
    at: Annotated[str, says("When it was decided. RFC 3339, on the sandbox's clock.")]


class CorrectionDoc(TypedDict):
    """One thing that was put right."""

    what: Annotated[str, one_of(CORRECTIONS, "What was done.")]
    id: Annotated[str, says("What it was done to: a repayment, a receipt, an edit or a loan, by its id.")]
    amount_minor: NotRequired[Annotated[int, says("The money that it was about, in minor units.")]]
    status: NotRequired[Annotated[str | None, says("The status set by hand that was taken off.")]]
    version: NotRequired[Annotated[int, says("The loan's version whose page was made anew.")]]


class LeftDoc(TypedDict):
    """One thing that staff have to put right before the dispute is CORRECTED, and how."""

    what: Annotated[str, one_of(LEFT_TO_DO, "What kind of thing is left to do.")]
    id: Annotated[str, says("What is wrong: a repayment, a receipt, an edit or a loan, by its id.")]
    detail: Annotated[str, says("What staff have to do, in a sentence.")]


class StepDoc(TypedDict):
    """A line of a dispute's progress."""

    state: Annotated[str, one_of(DisputeState, "The dispute's state after this step.")]
    at: Annotated[str, says("When it happened. RFC 3339, on the sandbox's clock.")]
    note: Annotated[str, says("What happened, in a sentence.")]


FiveClassField = TypedDict(
    "FiveClassField", {"class": Annotated[str, says("The class of risk on that day, of the five that banks report.")]}
)
"""What is called by a word of Python's."""


class ReportedAccount(FiveClassField):
    """A loan as its lender reported it. `months_24` and `months_60` end with `last_month`, a code a month.

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
    version: Annotated[int, says("How many records the report stands on, old ones included; it only grows.")]
    accounts: Annotated[list[ReportedAccount], says("The borrower's loans, as last published.")]


class ScoreDoc(TypedDict):
    """A score from 350 to 950, or N/A where nothing was reported when scores were last made."""

    borrower_id: BorrowerId
    score: Annotated[int | str, says("350 to 950, or the text N/A.")]
    transaction_id: Annotated[str | None, says("The id under which it was asked; null where none was given.")]
    answered_at: Annotated[str, says("When the question was first answered. RFC 3339, on the sandbox's clock.")]
    refreshed_at: Annotated[str, says("When the score was made. RFC 3339, on the sandbox's clock.")]
    next_refresh: Annotated[str, says("When scores are made next. RFC 3339, on the sandbox's clock.")]
