"""The chain of one loan as it is drawn: a line per view, and one across it where a lie begins.

ViewsDoc ─▶ lines: view, view, ✕ break, view (first wrong), view (passes it on) … ─▶ chain.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mocklend.audit.chain.docs import (
    AnswerDoc,
    BreakDoc,
    InjectionDoc,
    Mark,
    Param,
    RowDoc,
    SaidDoc,
    StepDoc,
    View,
    ViewsDoc,
)
from mocklend.audit.chain.sentences import BECAUSE, CAUSES, SENTENCES, Sentence
from mocklend.audit.timeline.docs import SENTENCES as EVENTS
from mocklend.audit.timeline.docs import Code, TimelineEvent
from mocklend.console.form_words import OPTIONS
from mocklend.console.formats import Formats
from mocklend.console.notes import NOTES
from mocklend.console.recognised import recognised
from mocklend.console.visit import Visit
from mocklend.console.words import (
    ABOUT,
    ACTIONS,
    ANSWERS,
    CORRECTIONS,
    LOAN_STATUS,
    MARKS,
    OF_A_VIEW,
    OUTCOMES,
    REPEATS,
    STATUS,
    VIEWS,
    status_word,
)
from mocklend.language import message
from mocklend.monitoring.alerts import CHECKS
from mocklend.servicing.disputes import CORRECTED_NOTE

FOLDED = (View.LIST, View.INSTALMENTS, View.QUOTE, View.REPAYMENT, View.WEBHOOK, View.STATEMENT, View.PAYOUT)
"""Views that are left out while they say what their source says."""
ON_THE_LINE = (View.WORLD, View.CHANNEL, View.PAYOUT, View.CONSOLE, View.BOOKS)
"""Views that are stations of the line; the others branch off it."""
TEXTS: Mapping[str, str] = {
    **{code.value: text for code, text in SENTENCES.items()},
    **{code.value: text for code, text in BECAUSE.items()},
    **CAUSES,
}
"""The sentences of a chain by their codes, in English."""
CORRECTION = re.compile(r"\b[a-z_]+\b(?= \w+_)")
"""A code of a correction: the id of what it corrects stands after it."""
NOTHING = message("(empty)")
NO_SCORE = message("no score")
"""What a borrower has without a report, or with too short a one."""
NAMES = ("field", "before", "after", "rule", "seam", "reference")
"""What fills a sentence as it is: names and values of the API, which are no words."""
PAID_OFF_TODAY = message("Paid off on {date}; the page still says {status}.")
"""The sentence about a loan that was paid off less than a day ago."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a view (`row`), or a break (`injection`) before the view that first shows it."""

    row: RowDoc | None
    injection: InjectionDoc | None
    state: str
    """Where it stands: `true`, `break`, `first`, `false` or `bug`."""
    branches: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chain, and the views that are folded away, by their names in English."""

    lines: Sequence[Line]
    folded: Sequence[str]
    is_broken: bool


def draw(views: ViewsDoc, *, every: bool = False) -> Drawn:
    """The lines of a chain, from the world down. With `every` no view is folded away."""
    shown = [row for row in views["rows"] if every or not _folds(row, views)]
    folded = list(dict.fromkeys(VIEWS[row["view"]] for row in views["rows"] if row not in shown))
    lines = list(_lines(shown, views["breaks"]))
    return Drawn(lines, folded, any(line.state == "break" for line in lines))


def _folds(row: RowDoc, views: ViewsDoc) -> bool:
    if row["view"] == View.CLIENT and row["wrong_days"] is None:  # An answer that is over: the newest is shown.
        return row is not views["rows"][-1]
    if row["view"] not in FOLDED or row["mark"] in (Mark.FIRST_WRONG, Mark.UNEXPLAINED):
        return False
    first_break = next((found["after"] for found in views["breaks"] if found["injections"]), None)
    return first_break != row["view"]


def _lines(rows: Sequence[RowDoc], breaks: Sequence[BreakDoc]) -> Iterator[Line]:
    waiting = {found["after"]: found for found in breaks if found["injections"] and found["after"] is not None}
    for row in rows:
        here = waiting.get(row["view"])
        if here is not None and row["mark"] == Mark.FIRST_WRONG:
            of_row = [injection for injection in here["injections"] if injection["id"] == row["injection"]]
            if row["view"] != View.CLIENT:
                del waiting[row["view"]]
            for injection in of_row if row["view"] == View.CLIENT else here["injections"]:
                yield Line(None, injection, "break", row["view"] not in ON_THE_LINE)
        yield Line(row, None, _state(row), row["view"] not in ON_THE_LINE)


def _state(row: RowDoc) -> str:
    return {
        Mark.FIRST_WRONG: "first",
        Mark.PASSES_ON: "false",
        Mark.UNEXPLAINED: "bug",
    }.get(Mark(row["mark"]), "true")


def _is_of_today(step: StepDoc) -> bool:
    return step["code"] == Sentence.PAID_OFF_SHOWN_OTHERWISE and not step["params"]["days"]


class Wording:
    """The sentences of a chain in the viewer's language."""

    def __init__(self, here: Visit, write: Formats, currency: str) -> None:
        self._here, self._write, self._currency = here, write, currency

    def view(self, row: SaidDoc) -> str:
        """The name of a row's view."""
        return self._here.text(VIEWS[row["view"]])

    def note(self, row: SaidDoc) -> str:
        """What stands beside the name: what it is about."""
        if row["about"]:
            return self._here.text(ABOUT.get(row["about"], row["about"]))
        return self._here.text(OF_A_VIEW[row["view"]]) if row["view"] in OF_A_VIEW else ""

    def status(self, row: SaidDoc) -> str:
        """The word of a row's status; the code where it has no word."""
        word = status_word(row["view"], row["status"])
        return self._here.text(word) if word else row["status"] or ""

    def code(self, row: SaidDoc) -> str:
        """The code of a row's status, where the status is a word."""
        return row["status"] or "" if status_word(row["view"], row["status"]) else ""

    def against(self, row: RowDoc) -> str:
        """How a row compares with the world, in a few words."""
        say = self._here.text
        mark = Mark(row["mark"])
        if row["view"] == View.WORLD:
            return say("this is the world")
        if mark == Mark.AGREES:
            return say("agrees")
        if row["view"] == View.CLIENT and row["wrong_days"] is None:
            return say("one answer, and over")
        if mark in (Mark.IN_TRANSIT, Mark.UNEXPLAINED):
            return say(MARKS[mark])
        money = next((item for item in row["differs"] if item["field"] == "outstanding_minor"), None)
        if mark == Mark.FIRST_WRONG and row["wrong_days"]:
            return say("wrong for {days} d", days=self._write.number(row["wrong_days"]))
        if (mark == Mark.FIRST_WRONG or row["view"] == View.BOOKS) and money is not None:
            here, world = money["here"], money["world"]
            if isinstance(here, int) and isinstance(world, int):
                amount = self._write.amount(abs(here - world), self._currency)
                much = here > world
                return say("{amount} too much", amount=amount) if much else say("{amount} too little", amount=amount)
        if mark == Mark.FIRST_WRONG:
            return say(MARKS[mark])
        return say(REPEATS.get(row["source"] or "", REPEATS[View.WORLD]))

    def answer(self, answer: AnswerDoc) -> str:
        """What a client gets that asks now: a status, or how the answer breaks or how late it comes."""
        say = self._here.text
        if answer["code"] is not None:
            gets = f"{answer['status']} {answer['code']}"
        elif answer["broken"] in ANSWERS:
            gets = say(ANSWERS[answer["broken"]])
        else:
            gets = say("an answer {ms} ms late", ms=self._write.number(answer["delay_ms"]))
        if answer["percent"] < 100:
            return say("{percent} % of requests get {answer}", percent=answer["percent"], answer=gets)
        return say("a client gets {answer}", answer=gets)

    def views(self, names: Sequence[str]) -> str:
        """The names of views, one after the other."""
        return self._here.text(", ").join(self._here.text(name) for name in names)

    def step(self, step: StepDoc) -> str:
        """A sentence of an explanation."""
        text = PAID_OFF_TODAY if _is_of_today(step) else TEXTS.get(step["code"])
        if text is None:
            return step["text"]
        return self._filled(text, step["params"])

    def event(self, event: TimelineEvent) -> str:
        """The sentence of an event."""
        return self._filled(EVENTS[Code(event["code"])], event["params"])

    def _filled(self, text: str, params: Mapping[str, Param]) -> str:
        return self._here.text(text, **{name: self._shown(name, value) for name, value in params.items()})

    def _note(self, note: str) -> str:
        text = recognised(self._here.language, note, NOTES, {**ABOUT, **LOAN_STATUS, **OPTIONS["claim"]})
        if note.startswith(CORRECTED_NOTE):
            return CORRECTION.sub(lambda found: self._here.text(CORRECTIONS.get(found[0], found[0])), text)
        return self._here.text(note) if text == note else text

    def _shown(self, name: str, value: Param) -> str:
        if name.endswith("_minor") and isinstance(value, int):
            return self._write.amount(value, self._currency)
        if name in ("status", "true_status") and isinstance(value, str):
            return self._here.text(LOAN_STATUS.get(value, value))
        if name == "action" and isinstance(value, str):
            return self._here.text(ACTIONS.get(value, value))
        if name == "check" and isinstance(value, str):
            return self._here.text(CHECKS.get(value, value))
        if name == "decision" and isinstance(value, str):
            return self._here.text(status_word(View.LENDER, value) or value)
        if name == "five_class" and isinstance(value, str):
            return self._here.text(ABOUT.get(value, value))
        if name == "view" and isinstance(value, str):
            return self._here.text(VIEWS.get(value, value))
        if name in ("date", "day") and isinstance(value, str):
            return self._write.day_of(value)
        if name in ("detail", "note") and isinstance(value, str) and value:
            return self._note(value)
        if name == "claim" and isinstance(value, str):
            return self._here.text(OPTIONS["claim"].get(value, value))
        if name == "state" and isinstance(value, str):
            return self._here.text(STATUS[View.CONSOLE].get(value, value))
        if name == "outcome" and isinstance(value, str):
            return self._here.text(OUTCOMES.get(value, value))
        if name in ("before", "score") and value == "N/A":
            return self._here.text(NO_SCORE)
        if value in (None, ""):
            return self._here.text(NOTHING)
        if name == "channel" and isinstance(value, str):
            return self._here.text(ABOUT.get(value, value))
        if isinstance(value, int):
            return self._write.number(value)
        return str(value) if name in NAMES else self._here.text(str(value))
