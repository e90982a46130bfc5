"""The document of a loan's timeline, its codes, and the English sentence of each code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypedDict

from mocklend.audit.chain.docs import Param
from mocklend.domain.nouns import Currency, LoanId, NextCursor, one_of, says


class Party(StrEnum):
    """Who did it: the lanes of the timeline."""

    CLIENT = "client"
    CHANNEL = "channel"
    BOOKS = "books"
    PAGE = "page"
    BUREAU = "bureau"
    LENDER = "lender"
    MONITORING = "monitoring"
    PEOPLE = "people"
    LIE = "lie"


class Kind(StrEnum):
    """What kind of event it is: the filters of the timeline."""

    REQUESTS = "requests"
    MESSAGES = "messages"
    POSTINGS = "postings"
    VIEWS = "views"
    ALERTS = "alerts"
    PEOPLE = "people"
    LIES = "lies"


class Tone(StrEnum):
    """Whether an event is true, a lie, or wrong because of one."""

    TRUE = "true"
    LIE = "lie"
    WRONG = "wrong"


class Code(StrEnum):
    """What happened."""

    BORROWED = "borrowed"
    QUOTED = "quoted"
    REPAYMENT_ORDERED = "repayment_ordered"
    DEBIT_ORDERED = "debit_ordered"
    PAID_AT_CHANNEL = "paid_at_channel"
    DISPUTED = "disputed"
    APPLIED = "applied"
    REQUESTED = "requested"
    TRADE_PAID = "trade_paid"
    TRADE_CLOSED = "trade_closed"
    TRADE_RETURNED = "trade_returned"
    TRADE_DUE = "trade_due"
    CALLBACK_TRIED = "callback_tried"
    CALLBACK_DUE = "callback_due"
    PAYOUT_ORDERED = "payout_ordered"
    PAYOUT_PAID = "payout_paid"
    STATEMENT_READY = "statement_ready"
    END_OF_DAY = "end_of_day"
    LANDED = "landed"
    POSTED = "posted"
    PAGE_SHOWN = "page_shown"
    WEBHOOK_TRIED = "webhook_tried"
    WEBHOOK_DUE = "webhook_due"
    REPORT_PUBLISHED = "report_published"
    SCORE_COMPUTED = "score_computed"
    DECIDED = "decided"
    ALERT_RAISED = "alert_raised"
    OPERATOR_ACTED = "operator_acted"
    DISPUTE_MOVED = "dispute_moved"
    INJECTED = "injected"
    INJECTION_ENDED = "injection_ended"


SENTENCES: Mapping[Code, str] = {
    Code.BORROWED: "{borrower} borrows {amount_minor}, {instalments} instalments",
    Code.QUOTED: "Asks what is to be paid: {amount_minor}",
    Code.REPAYMENT_ORDERED: "Orders a repayment of {amount_minor} through {channel}",
    Code.DEBIT_ORDERED: "Auto-debit orders {amount_minor} through {channel}",
    Code.PAID_AT_CHANNEL: "Pays {amount_minor} through {channel} and types {reference}",
    Code.DISPUTED: "Disputes the loan: {claim}",
    Code.APPLIED: "Applies at {lender}: {product}, {amount_minor}",
    Code.REQUESTED: "{method} {path} is answered {status}",
    Code.TRADE_PAID: "{channel} is paid {amount_minor}",
    Code.TRADE_CLOSED: "{channel} closes the order of {amount_minor} unpaid",
    Code.TRADE_RETURNED: "{channel} returns {amount_minor}",
    Code.TRADE_DUE: "{channel} will settle {amount_minor}",
    Code.CALLBACK_TRIED: "{channel} calls back, attempt {attempt}: {outcome}",
    Code.CALLBACK_DUE: "{channel} will call back, attempt {attempt}",
    Code.PAYOUT_ORDERED: "A payout of {amount_minor} is ordered through {channel}: {purpose}",
    Code.PAYOUT_PAID: "{channel} pays out {amount_minor}: {purpose}",
    Code.STATEMENT_READY: "{channel}'s statement of {day} is ready",
    Code.END_OF_DAY: "A due date has passed: {status}, {overdue_minor} overdue; {accrued_minor} accrued",
    Code.LANDED: "The receipt is posted to unapplied cash",
    Code.POSTED: "Posted: {posting}",
    Code.PAGE_SHOWN: "The page shows version {version}: {status}, {outstanding_minor}",
    Code.WEBHOOK_TRIED: "{event} is sent, attempt {attempt}: {outcome}",
    Code.WEBHOOK_DUE: "{event} will be sent, attempt {attempt}",
    Code.REPORT_PUBLISHED: "Report published: {status}, {days} days overdue, {five_class}",
    Code.SCORE_COMPUTED: "Score computed: {before} becomes {score}",
    Code.DECIDED: "{lender} decides on the {product}: {decision}",
    Code.ALERT_RAISED: "Alert: {check}",
    Code.OPERATOR_ACTED: "{operator}: {action} on {about}",
    Code.DISPUTE_MOVED: "The dispute is {state}: {note}",
    Code.INJECTED: "{title}",
    Code.INJECTION_ENDED: "Over: {title}",
}
"""The sentence of each code; its placeholders are the event's `params`. It is the key of the translations."""


class PostingLine(TypedDict):
    """An amount that moves from one account to another, with their names."""

    debit: Annotated[str, says("The account that is debited, by its number.")]
    debit_name: Annotated[str, says("Its name in the chart of accounts.")]
    credit: Annotated[str, says("The account that is credited, by its number.")]
    credit_name: Annotated[str, says("Its name in the chart of accounts.")]
    amount_minor: Annotated[int, says("The amount, in minor units of `currency`.")]


class TimelineEvent(TypedDict):
    """Something that happened to the loan, or will."""

    id: Annotated[str, says("The event's id: the same event has the same id in every answer.")]
    at: Annotated[str, says("When it happened; later than now for what is due. RFC 3339, on the sandbox's clock.")]
    party: Annotated[str, one_of(Party, "Who did it; `lie` for what a fault did.")]
    kind: Annotated[str, one_of(Kind, "The kind of event, by which the timeline is filtered.")]
    code: Annotated[str, one_of(Code, "What happened.")]
    params: Annotated[Mapping[str, Param], says("What fills the sentence: names, ids, amounts in minor units.")]
    text: Annotated[str, says("The sentence in English, with amounts in major units.")]
    tone: Annotated[str, one_of(Tone, "Whether it is true, a lie, or wrong because of one.")]
    ref: Annotated[str | None, says("The id or number of what it is about; null where it is the loan.")]
    amount_minor: Annotated[int | None, says("The amount, in minor units of `currency`; null where there is none.")]
    injection: Annotated[str | None, says("The injection that it is about; null where it is about none.")]
    request_id: Annotated[
        str | None, says("The request that caused it, if this server still has it; null where the clock did.")
    ]
    due: Annotated[bool, says("Whether it is still to come.")]
    postings: Annotated[list[PostingLine], says("What it posted; empty where it posted nothing.")]


class TimelineDoc(TypedDict):
    """A page of a loan's timeline."""

    loan_id: LoanId
    currency: Currency
    now: Annotated[str, says("The sandbox's time now. RFC 3339.")]
    events: Annotated[list[TimelineEvent], says("The events of this page.")]
    total: Annotated[int, says("How many events of this kind there are.")]
    next_cursor: NextCursor | None
