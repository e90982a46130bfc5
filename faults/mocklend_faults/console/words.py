"""The words of the fault layer's pages: codes of the engine as readers of each language know them."""

from __future__ import annotations

from collections.abc import Mapping

from mocklend.language import message
from mocklend.seams.edges import Edge
from mocklend_faults.engine.explain import NOT_ARMED
from mocklend_faults.engine.lint import EXACT, ORDER, TIME
from mocklend_faults.engine.trail import CHANGED_NOTHING, INJECTED, LIMITED, NOT_DRAWN, NOT_MATCHED, WINDOW_CLOSED

WORLD, CHANNEL, BOOKS, PAGE = message("World"), message("Channel"), message("Books"), message("Status page")
REPORT, SCORE, LENDER = message("Credit report"), message("Score"), message("Lender")

CHAINS: Mapping[Edge, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Edge.CLIENT: ((WORLD, CHANNEL, BOOKS, PAGE), (message("Client"),)),
    Edge.WORLD_TO_CHANNEL: ((WORLD,), (CHANNEL, BOOKS, PAGE, REPORT, SCORE, LENDER)),
    Edge.CHANNEL_TO_BOOKS: ((WORLD, CHANNEL), (BOOKS, PAGE, REPORT, SCORE, LENDER)),
    Edge.CHANNEL_TO_STATEMENT: ((WORLD, CHANNEL), (message("Statement"),)),
    Edge.PEOPLE_TO_BOOKS: ((WORLD, CHANNEL), (BOOKS, PAGE, REPORT, SCORE, LENDER)),
    Edge.END_OF_DAY_TO_BOOKS: ((WORLD, CHANNEL), (BOOKS, PAGE, REPORT, SCORE, LENDER)),
    Edge.BOOKS_TO_PAGE: ((WORLD, CHANNEL, BOOKS), (PAGE,)),
    Edge.BOOKS_TO_REPORT: ((WORLD, CHANNEL, BOOKS), (REPORT, SCORE, LENDER)),
    Edge.REPORT_TO_SCORE: ((WORLD, CHANNEL, BOOKS, REPORT), (SCORE, LENDER)),
    Edge.TO_LENDER: ((WORLD, CHANNEL, BOOKS, REPORT), (LENDER,)),
}
"""By edge: the stations of the chain that are still right, and those behind the break."""

CATALOGUE: tuple[tuple[str, tuple[Edge, ...]], ...] = (
    (message("Client and platform"), (Edge.CLIENT,)),
    (message("Channel to books"), (Edge.WORLD_TO_CHANNEL, Edge.CHANNEL_TO_BOOKS, Edge.CHANNEL_TO_STATEMENT)),
    (message("People at the platform"), (Edge.PEOPLE_TO_BOOKS,)),
    (message("End of day"), (Edge.END_OF_DAY_TO_BOOKS,)),
    (message("Books to status page"), (Edge.BOOKS_TO_PAGE,)),
    (message("Bureau and lenders"), (Edge.BOOKS_TO_REPORT, Edge.REPORT_TO_SCORE, Edge.TO_LENDER)),
)
"""The groups of the catalogue, in the order of the chain, and the edges of each."""

VIEW_NAMES: Mapping[str, str] = {
    "answer": message("Answer"),
    "page": PAGE,
    "list": message("List"),
    "instalments": message("Repayment plan"),
    "quote": message("Quote"),
    "repayment": message("Repayment"),
    "books": BOOKS,
    "receipts": message("Receipts"),
    "channel": CHANNEL,
    "statement": message("Statement"),
    "webhook": message("Webhook"),
    "console": message("Operator console"),
    "alerts": message("Alerts"),
    "report": REPORT,
    "score": SCORE,
    "partner": LENDER,
    "dispute": message("Dispute"),
    "certificate": message("Settlement certificate"),
}
"""The views in which a fault may be seen."""

CLASS_NAMES: Mapping[str, str] = {
    "missing_in_books": message("Missing in the books"),
    "missing_in_channel": message("Missing at the channel"),
    "unsupported": message("Nothing behind it"),
    "unidentified": message("Nobody's money"),
    "amount_mismatch": message("Two amounts for one event"),
    "status_mismatch": message("Another status than the books"),
    "duplicate_in_books": message("Booked twice"),
    "duplicate_in_channel": message("Charged twice"),
    "left_behind": message("Left out at the end of day"),
    "misapplied": message("On the wrong loan or part"),
    "stale_view": message("Page behind the books"),
    "wrong_view": message("Page with another amount"),
    "wrong_bureau": message("Wrong credit report"),
    "wrong_statement": message("Wrong statement"),
    "deadline_missed": message("Deadline missed"),
    "timing": message("One answer late or broken"),
    "untrue_decision": message("A decision that is not true"),
    "unapproved": message("Without a second person"),
    "books_invariant": message("Books that contradict themselves"),
}
"""The finding classes, each in a few words."""

UNIT_NAMES: Mapping[str, str] = {
    "s": message("seconds"),
    "ms": message("milliseconds"),
    "hours": message("hours"),
    "days": message("days"),
    "minor": message("minor units"),
    "%": "%",
}

LIMIT_NAMES: Mapping[str, str] = {
    "skip_first": message("Skip the first"),
    "every": message("Only every n-th"),
    "times": message("At most so many times"),
    "times_per": message("At most so many times for each entity"),
    "max_active": message("At most so many open at a time"),
}
"""The limits of a rule, by their names in `select`."""

SEAM_EVENTS: Mapping[str, str] = {
    "api.answer": message("requests"),
    "balance.kept": message("changes of a kept balance"),
    "batch.item": message("loans of a batch"),
    "bureau.report": message("records for the bureau"),
    "callback.attempt": message("callback attempts"),
    "callback.taken": message("callbacks received"),
    "compensation.agreed": message("compensations"),
    "dispute.opened": message("disputes"),
    "edit.approval": message("edits above the limit"),
    "idempotency.checked": message("repeated orders"),
    "loan.opened": message("loans opened"),
    "operator.edit": message("operator edits"),
    "order.paid": message("orders paid"),
    "override.outdated": message("status overrides that are outdated"),
    "partner.application": message("applications to lenders"),
    "payment.reference": message("references typed by payers"),
    "payout.settled": message("payouts"),
    "quote.issued": message("quotes"),
    "receipt.booked": message("receipts posted"),
    "receipt.match": message("receipts matched"),
    "repayment.filed": message("receipts filed"),
    "repayment.reversal": message("reversals"),
    "score.asked": message("scores asked for"),
    "statement.made": message("statements made"),
    "trade.settled": message("trades settled"),
    "view.refresh": message("refreshes of a loan's views"),
}
"""What happens at each seam, as something that is counted."""

VERDICT_NAMES: Mapping[str, str] = {
    EXACT: message("exact"),
    ORDER: message("order-dependent"),
    TIME: message("time-dependent"),
}
VERDICT_SENTENCES: Mapping[str, str] = {
    EXACT: message("The same seed and the same story meet the same faults, in any order of the clients."),
    ORDER: message("A count over several entities decides, so the order of the events matters."),
    TIME: message("The time of an event decides, so a story on a running clock does not repeat exactly."),
}
"""Whether a rule's injections can be repeated."""

WARNINGS: Mapping[str, str] = {
    "never_matches": message("Its conditions can match nothing."),
    "never_matches_here": message("At one of its seams its conditions can match nothing."),
    "never_drawn": message("Its probability is 0 at all times."),
    "never_open": message("Its window never opens."),
    "shadowed": message("Another rule does the same to all of its events before."),
    "unavailable": message("Its kind is not installed here, so it cannot act."),
}
"""The warnings of lint, by code."""
NEVER_EVALUATED = message(
    "It was never evaluated: no such event has happened yet. A fault that never fired is not a pass."
)
OTHER_WARNING = message("It may not do what its author intends.")

OUTCOME_NAMES: Mapping[str, str] = {
    INJECTED: message("injected"),
    NOT_DRAWN: message("not drawn"),
    NOT_MATCHED: message("not matched"),
    CHANGED_NOTHING: message("changed nothing"),
    LIMITED: message("limited"),
    WINDOW_CLOSED: message("outside of its window"),
    NOT_ARMED: message("not armed then"),
}
"""The outcomes of a rule on an event, those that are asked for most first."""

STATES: Mapping[str, str] = {
    "armed": message("armed"),
    "waiting": message("waiting"),
    "expired": message("expired"),
    "disabled": message("switched off"),
    "unavailable": message("not installed"),
}
