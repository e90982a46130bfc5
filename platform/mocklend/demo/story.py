"""How the demo tells: each request and answer as it went over the wire, cut to a line; each claim, checked.

What is printed and what `--json` gives are the same facts, gathered here once.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console

from mocklend.client import Client, Doc, Exchange
from mocklend.domain.money import format_minor

WIDTH = 100
BOLD, DIM, GREEN, RED, YELLOW = "bold", "dim", "green", "red", "yellow"


class NotAsTold(Exception):
    """The platform did something else than the story says."""


class Story:
    """One telling. `out` is None where only the facts are wanted."""

    client: Client

    def __init__(self, out: TextIO | None) -> None:
        # Colour is Rich's business: none in a file, none where NO_COLOR asks for none. The lines are ours.
        self._out = None if out is None else Console(file=out, highlight=False, markup=False, emoji=False)
        self._exchanges: list[Exchange] = []
        self._facts: Doc = {}
        self._scenes: list[Doc] = []
        self.as_told = False

    # --- telling ---

    def open(self, *, version: str, url: str, seed: int) -> None:
        """Say what this is and where it runs."""
        self._facts = {"mocklend": version, "seed": seed}
        self._line(f"Mocklend {version}", BOLD)
        self._prose(
            f"A lending platform that misbehaves on purpose, and knows exactly how. It runs at {url}, with "
            f"its books on SQLite in a temporary folder. Every request below is real; the seed is {seed}."
        )

    def begin(self, title: str, what: str, *, version: str, seed: int) -> None:
        """Say which scenario this is."""
        self._facts = {"mocklend": version, "scenario": title, "seed": seed}
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
        """Every exchange of the client passes here; `shows` prints the last one."""
        self._exchanges.append(exchange)

    def shows(self, answer: Doc, fields: str = "") -> Doc:
        """Print the request that got this answer, and named fields of the answer. Gives the answer back."""
        exchange = self._exchanges[-1]
        told = {name: answer[name] for name in fields.split()}
        self._scenes[-1]["exchanges"].append(
            {
                "method": exchange.method,
                "path": exchange.path,
                "body": exchange.body,
                "status": exchange.status,
                "answer": told,
            }
        )
        self._pair(f"→ {exchange.method} {exchange.path}", exchange.body)
        self._pair(f"← {exchange.status}", told)
        return answer

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

    def active_entry(self, fault: str) -> Doc:
        """The one lie that is being told now, from the answer key."""
        entries = self.client.answer_key(status="active")["entries"]
        self.claim(f"the answer key has one active entry, of {fault}", [entry["fault"] for entry in entries], [fault])
        self.entry(entries[0])
        found: Doc = entries[0]
        return found

    def ended_entry(self, injection: str, status: str) -> None:
        """The same lie, later: it is over, and the answer key says how."""
        entries = self.client.answer_key()["entries"]
        entry = next(entry for entry in entries if entry["injection"] == injection)
        self.entry(entry)
        self.claim(f"the answer key says that this lie is {status}", entry["status"], status)

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

    def close(self, next_command: str, *, open_end: bool = False) -> None:
        """The last word, once everything was as told."""
        entries = self.client.answer_key()["entries"]
        audit = self.client.audit()
        self._facts |= {
            "answer_key": [{name: e[name] for name in ("injection", "fault", "status")} for e in entries],
            "audit": {name: audit[name] for name in ("now", "clean", "discrepancies", "in_transit", "unobserved")},
        }
        self._line()
        told = sum(entry["status"] == "active" for entry in entries)
        if not open_end and (told or not audit["clean"]):
            raise NotAsTold("at the end the audit is not clean")
        self.as_told = True
        claims = sum(len(scene["claims"]) for scene in self._scenes)
        self._line(
            f"The end. {len(entries)} {'lie' if len(entries) == 1 else 'lies'} told, all on record, "
            f"{f'{told} not over yet' if told else 'all over'}; {claims} claims held; "
            f"{'audit clean' if audit['clean'] else 'audit not clean'}.",
            GREEN,
        )
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


def only(things: Iterable[Doc]) -> Doc:
    """The one thing that there should be."""
    found = list(things)
    if len(found) != 1:
        raise NotAsTold(f"expected one, got {len(found)}: {found}")
    return found[0]
