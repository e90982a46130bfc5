"""Prints the run of a scenario: each request and answer, shortened; each claim, checked.

It also collects the run as JSON, for `--json`.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console

from mocklend.client import Client, Doc, Exchange
from mocklend.domain.money import format_minor
from mocklend.language import Language, translate

WIDTH = 100
BOLD, DIM, GREEN, RED, YELLOW = "bold", "dim", "green", "red", "yellow"


class NotAsTold(Exception):
    """A claim of the scenario failed, or a step could not be carried out."""


@dataclass(frozen=True, slots=True)
class Count:
    """Totals of a run: entries of the answer key, those still open, claims, and whether the audit is clean."""

    entries: int = 0
    open_entries: int = 0
    claims: int = 0
    clean: bool = True

    def __add__(self, other: Count) -> Count:
        return Count(
            self.entries + other.entries,
            self.open_entries + other.open_entries,
            self.claims + other.claims,
            self.clean and other.clean,
        )

    def text(self, language: Language = Language.EN) -> str:
        """The totals in a sentence."""
        told = "{entries} lie told, all on record" if self.entries == 1 else "{entries} lies told, all on record"
        over = "{count} not over yet" if self.open_entries else "all over"
        audit = "audit clean" if self.clean else "audit not clean"
        return translate(
            language,
            "{told}, {over}; {claims} claims held; {audit}",
            told=translate(language, told, entries=self.entries),
            over=translate(language, over, count=self.open_entries),
            claims=self.claims,
            audit=translate(language, audit),
        )


class Narrator:
    """Prints and collects one run of a scenario, in a language. With `out` None it prints nothing."""

    client: Client

    def __init__(self, out: TextIO | None, language: Language = Language.EN) -> None:
        self.language = language
        # Rich leaves colours out in a file, and if NO_COLOR is set.
        self._out = None if out is None else Console(file=out, highlight=False, markup=False, emoji=False)
        self._exchanges: list[Exchange] = []
        self._facts: Doc = {}
        self._scenes: list[Doc] = []
        self._status: dict[str, str] = {}
        """The status of each entry of the answer key when it was last printed."""
        self.count = Count()
        self.as_told = False

    # --- telling ---

    def begin(self, title: str, what: str, *, version: str, seed: int) -> None:
        """Print the title and the story of the scenario, and note version and seed."""
        self._facts = {"mocklend": version, "scenario": title, "seed": seed}
        self.heading(title, what)

    def heading(self, title: str, what: str) -> None:
        """Print a title and a description."""
        self._line(self.translated(title), BOLD)
        self._prose(self.translated(what))

    def scene(self, title: str, what: str) -> None:
        """Begin a chapter: print its number, title and story."""
        self._scenes.append({"title": title, "story": what, "exchanges": [], "claims": [], "entries": [], "audits": []})
        self._line()
        self._line(f"{len(self._scenes)}. {self.translated(title)}", BOLD)
        self._prose(self.translated(what))

    def say(self, text: str, **values: object) -> None:
        """Print a sentence."""
        self._line()
        self._prose(self.translated(text, **values))

    def translated(self, text: str, **values: object) -> str:
        """A text in the narrator's language, with its placeholders filled in."""
        return translate(self.language, text, **values)

    def hear(self, exchange: Exchange) -> None:
        """Note an exchange of the client. `party` prints the last one."""
        self._exchanges.append(exchange)

    def party(self, who: str | None, answer: Doc, fields: str) -> None:
        """Print a party's last request, and fields of its answer by dotted path."""
        exchange = self._exchanges[-1]
        values = {path: at(answer, path) for path in fields.split()}
        self._scenes[-1]["exchanges"].append(
            {"who": who, "method": exchange.method, "path": exchange.path, "body": exchange.body, "answer": values}
        )
        if who:
            self._line(f"  {self.translated(who)}", YELLOW)
        self._pair(f"→ {exchange.method} {exchange.path}", exchange.body)
        if values:
            self._pair(f"← {exchange.status}", values)

    def note(self, name: str, what: Any) -> None:
        """Add a value to the JSON without printing it."""
        self._facts[name] = what

    def claim(self, text: str, got: Any, expected: Any, **values: object) -> None:
        """Check a claim and print it. Raises NotAsTold if it fails."""
        holds, said = got == expected, self.translated(text, **values)
        self._scenes[-1]["claims"].append({"claim": said, "holds": holds, "got": got})
        if not holds:
            wrong = "{claim}: expected {expected}, got {got}"
            raise NotAsTold(self.translated(wrong, claim=said, expected=repr(expected), got=repr(got)))
        self._line(f"  ✓ {said}", GREEN)

    # --- the answer key and the audit ---

    def entry(self, entry: Doc) -> None:
        """Print an entry of the answer key: in full while it is active, afterwards how it ended."""
        self._scenes[-1]["entries"].append(entry)
        expected = entry["expected"]
        amount = format_minor(expected["amount_minor"], entry["currency"])
        head = self.translated("answer key  {injection}  {fault}: {status}", **_of(entry, "injection fault status"))
        self._line(f"  {head}", YELLOW)
        if entry["ended_at"]:
            reason, colon, which = entry["status_reason"].partition(": ")
            why = f"{self.translated(reason)}{colon}{which}"
            self._line("    " + self.translated("ended    {at}: {why}", at=entry["ended_at"], why=why))
            return
        self._pair("  " + self.translated("truth   "), _without_nulls(entry["truth"]["after"]))
        self._pair("  " + self.translated("served  "), _without_nulls(entry["served"]))
        where = {"finding_class": expected["class"], "entity": expected["entity"], "amount": amount}
        self._line("    " + self.translated("to find  {finding_class} on {entity}, {amount}", **where))

    def answer_key(self) -> list[Doc]:
        """Print each entry that is new or has ended since it was last printed. Returns the open entries."""
        entries: list[Doc] = self.client.answer_key()["entries"]
        for entry in entries:
            if self._status.get(entry["injection"]) != entry["status"]:
                self._status[entry["injection"]] = entry["status"]
                self.entry(entry)
        return [entry for entry in entries if entry["status"] == "active"]

    def audit(self, *explained_by: Doc, all_is_over: bool = True) -> None:
        """Audit, and claim that the discrepancies are exactly those that the given open entries explain.

        Without open entries and with `all_is_over`, also claim that no money or message is in transit.
        """
        audit = self.client.audit()
        discrepancies = audit["discrepancies"]
        self._scenes[-1]["audits"].append(
            {name: audit[name] for name in ("now", "clean", "discrepancies", "in_transit", "unobserved")}
        )
        counts = {"loans": audit["loans"], "count": len(discrepancies)}
        head = self.translated("audit       {loans} loans, discrepancies: {count}", **counts)
        self._line(f"  {head}", YELLOW if discrepancies else "")
        for entry in discrepancies:
            where, currency = {"finding_class": entry["class"], "entity": entry["entity"]}, entry["currency"]
            if currency is None:
                self._line("    " + self.translated("{finding_class} on {entity}", **where))
            else:
                where["amount"] = format_minor(entry["amount_minor"], currency)
                self._line("    " + self.translated("{finding_class} on {entity}, {amount}", **where))
            self._line("    " + self.translated("explained by {entries}", entries=entry["explained_by"]))
        self.claim(
            "audit and answer key agree, every invariant of the books holds",
            (
                sorted([entry["class"], entry["entity"], entry["explained_by"]] for entry in discrepancies),
                [entry["injection"] for entry in audit["unobserved"]],
                [invariant["name"] for invariant in audit["invariants"] if not invariant["holds"]],
            ),
            (
                sorted([e["expected"]["class"], e["expected"]["entity"], e["injection"]] for e in explained_by),
                [],
                [],
            ),
        )
        if not explained_by and all_is_over:
            self.claim(
                "world, books and views agree; nothing is on its way", (audit["clean"], audit["in_transit"]), (True, [])
            )

    # --- the end ---

    def close(self, *, open_end: bool = False) -> None:
        """Check the end of a run. Raises NotAsTold if an entry is still open or the audit is not clean."""
        entries = self.client.answer_key()["entries"]
        audit = self.client.audit()
        self._facts |= {
            "answer_key": [{name: e[name] for name in ("injection", "fault", "status")} for e in entries],
            "audit": {name: audit[name] for name in ("now", "clean", "discrepancies", "in_transit", "unobserved")},
        }
        open_entries = sum(entry["status"] == "active" for entry in entries)
        if not open_end and (open_entries or not audit["clean"]):
            raise NotAsTold(self.translated("at the end the audit is not clean"))
        self.as_told = True
        self.count = Count(len(entries), open_entries, self.claims, audit["clean"])

    def end(self, count: Count, next_command: str) -> None:
        """Print the totals of one run or of several."""
        self._line()
        self._line(self.translated("The end. {count}.", count=count.text(self.language)), GREEN)
        self._line("  " + self.translated("Next: {command}", command=next_command))

    def surprise(self, surprise: NotAsTold) -> None:
        """Print and note the claim that failed."""
        self._facts["surprise"] = str(surprise)
        self._line(f"  ✗ {surprise}", RED)

    def to_json(self) -> Doc:
        """The run as JSON."""
        return {**self._facts, "as_told": self.as_told, "scenes": self._scenes}

    # --- a run that goes on later ---

    @property
    def scenes(self) -> list[Doc]:
        """The chapters so far, each with its exchanges, claims, entries of the answer key, and audits."""
        return self._scenes

    @property
    def claims(self) -> int:
        """How many claims were checked so far."""
        return sum(len(scene["claims"]) for scene in self._scenes)

    def state(self) -> Doc:
        """What this narrator has collected, as JSON."""
        return {"facts": self._facts, "scenes": self._scenes, "status": self._status}

    def restore(self, state: Doc) -> None:
        """Go on from the state of another narrator."""
        self._facts, self._scenes, self._status = state["facts"], state["scenes"], state["status"]

    # --- lines ---

    def _prose(self, text: str) -> None:
        if self.language is not Language.EN:  # Chinese has no spaces, and each character takes two columns.
            text = " ".join(text[n : n + WIDTH // 2 - 2] for n in range(0, len(text), WIDTH // 2 - 2))
        for line in textwrap.wrap(text, WIDTH - 2):
            self._line(f"  {line}")

    def _pair(self, head: str, document: Doc | None) -> None:
        """Print a request or an answer, on one line if it fits."""
        body = "" if document is None else json.dumps(document, ensure_ascii=False, separators=(", ", ": "))
        if len(head) + len(body) + 4 <= WIDTH:
            self._line(f"  {head} {body}".rstrip(), DIM if head.startswith("→") else "")
        else:
            self._line(f"  {head}", DIM if head.startswith("→") else "")
            for line in textwrap.wrap(body, WIDTH - 6, break_on_hyphens=False):
                self._line(f"      {line}", DIM if head.startswith("→") else "")

    def _line(self, text: str = "", colour: str = "") -> None:
        if self._out is not None:
            self._out.print(text, style=colour, soft_wrap=True)


def at(answer: Any, path: str) -> Any:
    """The value at a dotted path of an answer; a number is an index of a list. Raises NotAsTold if there is none."""
    for part in path.split("."):
        try:
            answer = answer[int(part)] if isinstance(answer, list) else answer[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotAsTold(f"the answer has no {path!r}") from None
    return answer


def _of(document: Doc, names: str) -> Doc:
    return {name: document[name] for name in names.split()}


def _without_nulls(document: Doc) -> Doc:
    return {name: value for name, value in document.items() if value is not None}
