"""Waits until a platform is at rest after a load, and takes the audit and the answer keys around it.

Injections start and end while the clock runs: a dropped callback is attempted for a day, and each attempt changes its
discrepancy. So there is no state in which nothing changes. The audit is taken between two answer keys:

        key ──▶ audit, rules ──▶ key

An entry that is open in both keys must have a discrepancy; one that is open in either may have one. If that does not
hold, it is repeated, because an entry may start and end between two keys; a difference that stays is a real one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import judge
from tool import say

from mocklend.client import Client, Doc

AGAIN_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class Rest:
    """The last audit, with the answer keys before and after it. `draining`: the number in transit was still falling."""

    audit: Doc
    entries_before: list[Doc]
    entries: list[Doc]
    rules: list[Doc]
    reached: bool
    draining: bool


def come_to_rest(client: Client, *, layer: bool, within_s: float) -> Rest:
    """Repeat until nothing is in transit and audit and answer key agree, for at most `within_s` real seconds."""
    until = time.monotonic() + within_s
    before, in_transit = _key(client, layer=layer), []
    while True:
        audit = client.audit()
        rules = client.rules()["rules"] if layer else []
        after = _key(client, layer=layer)
        in_transit.append(len(audit["in_transit"]))
        reached = not in_transit[-1] and not any(judge.compare(audit["discrepancies"], after, before))
        if reached or time.monotonic() > until:
            draining = len(in_transit) > 1 and in_transit[-1] < in_transit[-2]
            return Rest(audit, before, after, rules, reached, draining)
        say(f"not at rest yet: {in_transit[-1]} in transit, {len(audit['discrepancies'])} discrepancies")
        before = after
        time.sleep(AGAIN_AFTER_S)


def _key(client: Client, *, layer: bool) -> list[Doc]:
    entries: list[Doc] = client.answer_key()["entries"] if layer else []
    return entries
