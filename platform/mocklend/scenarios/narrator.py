"""The narrator of scenarios: each request and answer as it went over the wire, cut to a line; each claim, checked.

What is printed and what `--json` gives are the same facts, gathered here once.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console

from mocklend.client import Client, Doc, Exchange
from mocklend.domain.money import format_minor

WIDTH = 100
BOLD, DIM, GREEN, RED, YELLOW = "bold", "dim", "green", "red", "yellow"


class NotAsTold(Exception):
    """The platform did something else than the story says."""


@dataclass(frozen=True, slots=True)
class Count:
    """What came of a telling: entries of the answer key, those of them that are open still, claims, and the audit."""

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

    def __str__(self) -> str:
        return (
            f"{self.entries} {'lie' if self.entries == 1 else 'lies'} told, all on record, "
            f"{f'{self.open_entries} not over yet' if self.open_entries else 'all over'}; {self.claims} claims held; "
            f"{'audit clean' if self.clean else 'audit not clean'}"
        )


class Narrator:
    """One telling of one scenario. `out` is None where only the facts are wanted."""

    client: Client

    def __init__(self, out: TextIO | None) -> None:
        # Colour is Rich's business: none in a file, none where NO_COLOR asks for none. The lines are ours.
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
        """Say which scenario this is."""
        self._facts = {"mocklend": version, "scenario": title, "seed": seed}
        self.heading(title, what)

    def heading(self, title: str, what: str) -> None:
        """A title, and what it stands for."""
        self._line(title, BOLD)
        self._prose(what)

    def scene(self, title: str, what: str) -> None:
        """Begin a scene."""
        self._scenes.append({"title": title, "story": what, "exchanges": [], "claims": [], "entries": [], "audits": []})
        self._line()
        self._line(f"{len(self._scenes)}. {title}", BOLD)
        self._prose(what)

    def say(self, text: str) -> None:
        """A sentence in between."""
        self._line()
        self._prose(text)

    def hear(self, exchange: Exchange) -> None:
        """Every exchange of the client passes here; `party` prints the last one."""
        self._exchanges.append(exchange)

    def party(self, who: str | None, answer: Doc, fields: str) -> None:
        """Print what a party did or sees: a request, and named fields of its answer by dotted path."""
        exchange = self._exchanges[-1]
        told = {path: at(answer, path) for path in fields.split()}
        self._scenes[-1]["exchanges"].append(
            {"who": who, "method": exchange.method, "path": exchange.path, "body": exchange.body, "answer": told}
        )
        if who:
            self._line(f"  {who}", YELLOW)
        self._pair(f"→ {exchange.method} {exchange.path}", exchange.body)
        if told:
            self._pair(f"← {exchange.status}", told)

    def note(self, name: str, what: Any) -> None:
        """Something for the facts that is not printed."""
        self._facts[name] = what

    def claim(self, text: str, got: Any, wanted: Any) -> None:
        """Say that something is so, having looked."""
        holds = got == wanted
        self._scenes[-1]["claims"].append({"claim": text, "holds": holds, "got": got})
        if not holds:
            raise NotAsTold(f"{text}: expected {wanted!r}, got {got!r}")
        self._line(f"  ✓ {text}", GREEN)

    # --- the answer key and the audit ---

    def entry(self, entry: Doc) -> None:
        """Print an entry of the answer key: in full while it is active, and later how it ended."""
        self._scenes[-1]["entries"].append(entry)
        expected = entry["expected"]
        stake = format_minor(expected["amount_minor"], "CNY")
        self._line(f"  answer key  {entry['injection']}  {entry['fault']}: {entry['status']}", YELLOW)
        if entry["ended_at"]:
            self._line(f"    ended    {entry['ended_at']}: {entry['status_reason']}")
            return
        self._pair("  truth   ", _without_nulls(entry["truth"]["after"]))
        self._pair("  served  ", _without_nulls(entry["served"]))
        self._line(f"    to find  {expected['class']} on {expected['entity']}, {stake}")

    def answer_key(self) -> list[Doc]:
        """Print each entry that is new, or that has ended since it was last printed. Returns those that are open."""
        entries: list[Doc] = self.client.answer_key()["entries"]
        for entry in entries:
            if self._status.get(entry["injection"]) != entry["status"]:
                self._status[entry["injection"]] = entry["status"]
                self.entry(entry)
        return [entry for entry in entries if entry["status"] == "active"]

    def audit(self, *explained_by: Doc, all_is_over: bool = True) -> None:
        """Audit, and claim that the discrepancies are exactly the open entries given.

        Where there are none and `all_is_over`, also that nothing is on its way any more.
        """
        audit = self.client.audit()
        found = audit["discrepancies"]
        self._scenes[-1]["audits"].append(
            {name: audit[name] for name in ("now", "clean", "discrepancies", "in_transit", "unobserved")}
        )
        self._line(f"  audit       {audit['loans']} loans, discrepancies: {len(found)}", YELLOW if found else "")
        for one in found:
            self._line(f"    {one['class']} on {one['entity']}, {format_minor(one['amount_minor'], 'CNY')}")
            self._line(f"    explained by {one['explained_by']}")
        self.claim(
            "audit and answer key agree, every invariant of the books holds",
            (
                sorted([one["class"], one["entity"], one["explained_by"]] for one in found),
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
        """Look once more, once everything was as told. NotAsTold where a lie is told on that should be over."""
        entries = self.client.answer_key()["entries"]
        audit = self.client.audit()
        self._facts |= {
            "answer_key": [{name: e[name] for name in ("injection", "fault", "status")} for e in entries],
            "audit": {name: audit[name] for name in ("now", "clean", "discrepancies", "in_transit", "unobserved")},
        }
        open_entries = sum(entry["status"] == "active" for entry in entries)
        if not open_end and (open_entries or not audit["clean"]):
            raise NotAsTold("at the end the audit is not clean")
        self.as_told = True
        claims = sum(len(scene["claims"]) for scene in self._scenes)
        self.count = Count(len(entries), open_entries, claims, audit["clean"])

    def end(self, count: Count, next_command: str) -> None:
        """The last word, on one telling or on several."""
        self._line()
        self._line(f"The end. {count}.", GREEN)
        self._line(f"  Next: {next_command}")

    def surprise(self, surprise: NotAsTold) -> None:
        """Something was not as told."""
        self._facts["surprise"] = str(surprise)
        self._line(f"  ✗ {surprise}", RED)

    def to_json(self) -> Doc:
        """The facts."""
        return {**self._facts, "as_told": self.as_told, "scenes": self._scenes}

    # --- lines ---

    def _prose(self, text: str) -> None:
        for line in textwrap.wrap(text, WIDTH - 2):
            self._line(f"  {line}")

    def _pair(self, head: str, document: Doc | None) -> None:
        """A request or an answer: on one line where it fits, else on two."""
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
    """The value at a dotted path of an answer; numbers count through lists. NotAsTold where there is none."""
    for part in path.split("."):
        try:
            answer = answer[int(part)] if isinstance(answer, list) else answer[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotAsTold(f"nothing is at {path!r} of the answer") from None
    return answer


def _without_nulls(document: Doc) -> Doc:
    return {name: value for name, value in document.items() if value is not None}
