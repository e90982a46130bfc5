"""The sentences about a chain: a code for each, and its English text, which is also the key of the translations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mocklend.audit.chain.docs import Param, StepDoc
from mocklend.domain.finding import TIMING
from mocklend.domain.money import format_major


class Sentence(StrEnum):
    """What can be seen: the page against the world."""

    ALL_AGREE = "all_agree"
    PAID_OFF_SHOWN_OTHERWISE = "paid_off_shown_otherwise"
    PAGE_DIFFERS = "page_differs"
    PAGE_IS_RIGHT = "page_is_right"
    ON_ITS_WAY = "on_its_way"
    UNEXPLAINED = "unexplained"
    ANSWER_WAS_WRONG = "answer_was_wrong"


class Because(StrEnum):
    """A step of the explanation why the page shows what it shows."""

    PAGE_SHOWS_BOOKS = "page_shows_books"
    PAGE_LAGS = "page_lags"
    BOOKS_AGREE = "books_agree"
    BOOKS_DIFFER = "books_differ"
    INJECTED_FIELD = "injected_field"
    INJECTED = "injected"
    NO_FAULT = "no_fault"
    IN_TRANSIT = "in_transit"


SENTENCES: Mapping[Sentence, str] = {
    Sentence.ALL_AGREE: "All views agree.",
    Sentence.PAID_OFF_SHOWN_OTHERWISE: "Paid off on {date}; {days} days later the page still says {status}.",
    Sentence.PAGE_DIFFERS: "The page says {status} and {outstanding_minor}; true is {true_status} and "
    "{true_outstanding_minor}.",
    Sentence.PAGE_IS_RIGHT: "The page is right, and another view is not: {view}.",
    Sentence.ON_ITS_WAY: "What differs is on its way.",
    Sentence.UNEXPLAINED: "A view is wrong, and no fault explains it: {view}.",
    Sentence.ANSWER_WAS_WRONG: "All views agree. A client got a wrong answer on {date}.",
}
BECAUSE: Mapping[Because, str] = {
    Because.PAGE_SHOWS_BOOKS: "The page shows version {version} of the books, and no fault delays it.",
    Because.PAGE_LAGS: "The page shows version {version}, and the books are at version {books_version}.",
    Because.BOOKS_AGREE: "The books say what is true: {status}, {outstanding_minor}.",
    Because.BOOKS_DIFFER: "The books say {status} and {outstanding_minor}; true is {true_status} and "
    "{true_outstanding_minor}.",
    Because.INJECTED_FIELD: "Rule {rule} changed {field} from {before} to {after}, at {seam}.",
    Because.INJECTED: "Rule {rule} acted at {seam}.",
    Because.NO_FAULT: "No fault explains it: {detail}.",
    Because.IN_TRANSIT: "It is on its way: {detail}.",
}
CAUSES: Mapping[str, str] = {
    "missing_in_books": "{amount_minor} was paid, and the books do not have it.",
    "missing_in_channel": "The books have {amount_minor} that the channel does not have.",
    "unsupported": "The books have {amount_minor} with nothing behind it.",
    "unidentified": "{amount_minor} arrived, but on no loan: its reference names none.",
    "amount_mismatch": "The books have another amount than was meant; they differ by {amount_minor}.",
    "status_mismatch": "A status that was set by hand is shown, and the books derive another one.",
    "duplicate_in_books": "{amount_minor} was paid once and is on the books twice.",
    "duplicate_in_channel": "{amount_minor} was ordered once and charged twice.",
    "left_behind": "The end of day has left the loan out.",
    "misapplied": "{amount_minor} is on the wrong loan, or booked as something else.",
    "stale_view": "A view is behind its source.",
    "wrong_view": "A view shows another amount than the books; they differ by {amount_minor}.",
    "wrong_bureau": "The bureau says something else than was reported, or too late.",
    "wrong_statement": "The channel's statement is late or damaged.",
    "deadline_missed": "A dispute is handled only after its answer was due.",
    TIMING: "One answer was late, broken or wrong.",
    "untrue_decision": "A dispute says that something was corrected, and it was not.",
    "unapproved": "An edit of {amount_minor} needed a second person, and none approved it.",
    "books_invariant": "The books contradict themselves.",
    "world_invariant": "The world contradicts itself.",
}
"""What is behind a break, by its finding class."""


def step(code: str, text: str, currency: str, **params: Param) -> StepDoc:
    """A sentence with its code and what fills it."""
    return StepDoc(code=code, params=params, text=fill(text, currency, params))


def fill(text: str, currency: str, params: Mapping[str, Param]) -> str:
    """A text with its placeholders filled in: amounts, whose names end with `_minor`, in major units."""
    return text.format(**{name: _shown(name, value, currency) for name, value in params.items()})


def _shown(name: str, value: Param, currency: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and name.endswith("_minor"):
        return format_major(value, currency)
    return str(value) or "(empty)"
