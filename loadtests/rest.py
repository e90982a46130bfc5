"""Coming to rest: when a platform has been left alone for long enough to be judged, and what it then says of itself.

Lies go on beginning and healing on a clock that runs: a dropped callback is attempted for a day, and each attempt
changes what the audit says of it. So nobody waits until nothing changes. The audit is taken between two answer keys:

        key ──▶ audit, rules ──▶ key

What was open in both keys has to be seen, and what was open in either may be. Where that does not hold it is all done
again, since a lie may begin and heal between two keys; what does not hold to the end is no such thing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import judge
from tool import say

from mocklend.client import Client

AGAIN_AFTER_S = 0.5

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rest:
    """The last audit and what was there around it. `draining`: what is on its way was still getting less."""

    audit: Doc
    entries_before: list[Doc]
    entries: list[Doc]
    rules: list[Doc]
    reached: bool
    draining: bool


def come_to_rest(client: Client, *, layer: bool, within_s: float) -> Rest:
    """Look until nothing is on its way and audit and answer key agree, for at most so many real seconds."""
    until = time.monotonic() + within_s
    before, on_their_way = _key(client, layer=layer), []
    while True:
        audit = client.audit()
        rules = client.rules()["rules"] if layer else []
        after = _key(client, layer=layer)
        on_their_way.append(len(audit["in_transit"]))
        reached = not on_their_way[-1] and not any(judge.compare(audit["discrepancies"], after, before))
        if reached or time.monotonic() > until:
            draining = len(on_their_way) > 1 and on_their_way[-1] < on_their_way[-2]
            return Rest(audit, before, after, rules, reached, draining)
        say(f"not at rest yet: {on_their_way[-1]} things on their way, {len(audit['discrepancies'])} discrepancies")
        before = after
        time.sleep(AGAIN_AFTER_S)


def _key(client: Client, *, layer: bool) -> list[Doc]:
    entries: list[Doc] = client.answer_key()["entries"] if layer else []
    return entries
