"""The document of a loan's views: one row per view, in the order of the chain, and the breaks between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypedDict

from mocklend.domain.nouns import BorrowerId, Currency, FindingClass, LoanId, one_of, says
from mocklend.monitoring.alerts import AlertDoc
from mocklend.seams.edges import Edge


class View(StrEnum):
    """The views, in the order of the chain."""

    WORLD = "world"
    CHANNEL = "channel"
    PAYOUT = "payout"
    CONSOLE = "console"
    BOOKS = "books"
    PAGE = "page"
    LIST = "list"
    INSTALMENTS = "instalments"
    QUOTE = "quote"
    REPAYMENT = "repayment"
    REPORT = "report"
    SCORE = "score"
    LENDER = "lender"
    WEBHOOK = "webhook"
    STATEMENT = "statement"
    CLIENT = "client"


class Mark(StrEnum):
    """How a view compares with the world."""

    AGREES = "agrees"
    FIRST_WRONG = "first_wrong"
    PASSES_ON = "passes_on"
    IN_TRANSIT = "in_transit"
    UNEXPLAINED = "unexplained"


VIEWS = (
    "world what happened; channel a trade; payout a payout; console what operators see, such as a receipt, an edit or "
    "a dispute; books the journal; page, list, instalments, quote, repayment what a client reads; report, score, "
    "lender the bureau and other lenders; webhook the newest message; statement a channel's file; client an answer."
)
MARKS = (
    "agrees with the world; first_wrong: a fault comes between it and its source; passes_on: wrong as its source is; "
    "in_transit: on its way, and no fault; unexplained: wrong without a fault, which is a bug of the platform."
)
EDGES = "Between which views it is: the edge of the seam."
AMOUNT = "in minor units of `currency`; null where this view does not say."
Param = str | int | None


class DifferenceDoc(TypedDict):
    """A field of a view that is not as in the world."""

    field: Annotated[str, says("The field: `status`, `outstanding_minor` and so on.")]
    here: Annotated[int | str | None, says("What the view says.")]
    world: Annotated[int | str | None, says("What is true.")]


class AnswerDoc(TypedDict):
    """What a client that asks for a view now gets, where a rule is certain to change the answer."""

    status: Annotated[int, says("The HTTP status.")]
    code: Annotated[str | None, says("The code of the problem that is answered instead; null if it is the view.")]
    broken: Annotated[str, says("How the answer breaks on its way: `none`, `reset`, `truncated` and so on.")]
    delay_ms: Annotated[int, says("How late it comes, in milliseconds.")]
    percent: Annotated[int, says("How many of a hundred such requests are answered so.")]
    rules: Annotated[list[str], says("The rules that do it, by their ids.")]


class SaidDoc(TypedDict):
    """What one view says of the loan."""

    view: Annotated[str, one_of(View, VIEWS)]
    id: Annotated[str | None, says("The id of what is shown: a trade, a receipt, a lender; null where it is the loan.")]
    about: Annotated[
        str | None,
        says("The kind of it: a channel, a lender, or in the console `receipt`, `edit`, `reversal`, `dispute`."),
    ]
    source: Annotated[Annotated[str, one_of(View)] | None, says("The view that it is made from; null for the world.")]
    status: Annotated[str | None, says("The status, in the view's own code; null where it has none.")]
    status_before: Annotated[str | None, says("What it was before: the last score. Null for other views.")]
    outstanding_minor: Annotated[int | None, says(f"What is owed, {AMOUNT}")]
    overdue_minor: Annotated[int | None, says(f"What is overdue, {AMOUNT}")]
    paid_minor: Annotated[int | None, says(f"What was paid, {AMOUNT}")]
    version: Annotated[int | None, says("The version that it shows; null where it has none.")]
    as_of: Annotated[str | None, says("The moment whose state it shows. RFC 3339, on the sandbox's clock.")]
    request: Annotated[str | None, says("The request that shows it, such as `GET /v1/loans/loan_x`.")]


class RowDoc(SaidDoc):
    """One view of the loan, compared with the world."""

    mark: Annotated[str, one_of(Mark, MARKS)]
    differs: Annotated[list[DifferenceDoc], says("What is not as in the world; empty where it agrees.")]
    wrong_since: Annotated[str | None, says("Since when it is wrong or on its way; null where it is not. RFC 3339.")]
    wrong_days: Annotated[int | None, says("Full days since then; null where it is not wrong.")]
    injection: Annotated[str | None, says("The injection that makes it wrong, by its id; null where there is none.")]
    symptom: Annotated[str | None, says("What the kind of fault says of this view; null where it says nothing.")]
    classes: Annotated[list[FindingClass], says("The classes of the discrepancies that are in this view.")]
    details: Annotated[list[str], says("Those discrepancies, and what is on its way, a sentence each, in English.")]
    answer: Annotated[
        AnswerDoc | None, says("What a client gets that sends this request now; null where it gets the view.")
    ]


class ChangeDoc(TypedDict):
    """A field that an injection has changed."""

    field: Annotated[str, says("The field of the event.")]
    before: Annotated[str, says("Its honest value, as text.")]
    after: Annotated[str, says("What the fault made of it, as text; empty if it is empty.")]


class InjectionDoc(TypedDict):
    """An injection about this loan."""

    id: Annotated[str, says("The injection's id.")]
    fault: Annotated[str, says("The kind of fault.")]
    title: Annotated[str, says("The kind's title, in English.")]
    rule: Annotated[str, says("The rule that injected it, by its id.")]
    seam: Annotated[str, says("The seam where it acts.")]
    edge: Annotated[str, one_of(Edge, EDGES)]
    entity: Annotated[str, says("The event's entity: a loan, a repayment, a receipt, an edit, by its id.")]
    at: Annotated[str, says("When it was injected. RFC 3339, on the sandbox's clock.")]
    changes: Annotated[list[ChangeDoc], says("The fields of the event that it changed.")]
    status: Annotated[str, says("The status of its entry on the answer key: active, healed and so on.")]
    open: Annotated[bool, says("Whether the difference can be seen now.")]
    finding_class: FindingClass
    finding_entity: Annotated[str, says("The entity that a reconciler should name.")]
    amount_minor: Annotated[int, says("The amount at stake, in minor units of `currency`; 0 if there is none.")]
    ended_at: Annotated[str | None, says("When it ended; null until then. RFC 3339, on the sandbox's clock.")]


class BreakDoc(TypedDict):
    """An edge of the chain, and the injections on it."""

    edge: Annotated[str, one_of(Edge, EDGES)]
    after: Annotated[
        Annotated[str, one_of(View)] | None, says("The first wrong view after it; null while no view below is wrong.")
    ]
    seams: Annotated[list[str], says("The seams on this edge.")]
    injections: Annotated[
        list[InjectionDoc],
        says("The open injections on it; on the edge to the client also single answers that were wrong, the newest."),
    ]


class StepDoc(TypedDict):
    """One step of an explanation: a code with what fills its sentence, and the English sentence."""

    code: Annotated[str, says("The step's code.")]
    params: Annotated[Mapping[str, Param], says("What fills its sentence: ids, statuses, amounts in minor units.")]
    text: Annotated[str, says("The sentence in English, with amounts in major units.")]


class OperationDoc(TypedDict):
    """A request that puts it right."""

    operation: Annotated[str, says("The operation's id in the OpenAPI document.")]
    method: Annotated[str, says("The HTTP method.")]
    path: Annotated[str, says("The path.")]
    body: Annotated[Mapping[str, Param], says("The fields of the body that are known: `operator` and `memo` are not.")]


class RemedyDoc(TypedDict):
    """What puts an open injection right."""

    injection: Annotated[str, says("The injection's id.")]
    action: Annotated[str, says("What a correct reconciler does, a sentence in English.")]
    heals: Annotated[str, says("What ends the difference, a sentence in English.")]
    operations: Annotated[list[OperationDoc], says("The operations that do it; empty where only time does.")]
    ends_at: Annotated[
        str | None, says("When it ends by itself; null where only an action ends it. RFC 3339, on the sandbox's clock.")
    ]


class ViewsDoc(TypedDict):
    """A loan as each view shows it, in the order of the chain, and what has come between them."""

    loan_id: LoanId
    borrower_id: BorrowerId
    borrower_name: Annotated[str, says("The borrower's name.")]
    currency: Currency
    now: Annotated[str, says("The sandbox's time now. RFC 3339.")]
    verdict: Annotated[
        str, one_of(Mark, "The worst mark of any view but answers that are over: `agrees` where all views agree.")
    ]
    sentence: Annotated[StepDoc, says("What can be seen, in one sentence: the page against the world.")]
    cause: Annotated[
        StepDoc | None, says("What is behind it, in one sentence, by the class of the break; null where all agrees.")
    ]
    rows: Annotated[list[RowDoc], says("The views, in the order of the chain. A view that says nothing has no row.")]
    left_out: Annotated[int, says("At least so many older trades, edits and the like have no row; none is wrong.")]
    breaks: Annotated[list[BreakDoc], says("The edges of the chain, in order, each with the injections on it.")]
    because: Annotated[list[StepDoc], says("Why the page shows what it shows, from the page up to the cause.")]
    remedy: Annotated[
        list[RemedyDoc],
        says("What puts each open injection right, and what a client does about the newest wrong answer."),
    ]
    noticed: Annotated[list[AlertDoc], says("The alerts about this loan or its money.")]
