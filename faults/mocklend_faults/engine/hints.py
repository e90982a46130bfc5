"""What to do where the answer key is empty, or a score has nothing to demand: said in the words of somebody new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LET_SOMETHING_HAPPEN = "Let something happen (`mocklend live`, or borrow and repay over /v1), then ask again."
OVER_BY_ITSELF = (
    "All that was told so far was over by itself, was told in one answer only, or cannot be seen yet: nothing of it "
    "has to be found. Arm what stays, such as callback.dropped, or demand also what could be seen for so many seconds: "
    "`min_visible_s`, --min-visible-s on the command line."
)


def no_lies(rules: Iterable[Mapping[str, Any]]) -> str:
    """Why there is no lie yet, by the counters of the rules as `GET /-/rules` tells them, and what to do."""
    known = list(rules)
    if not known:
        return (
            "No rule is armed, so there is nothing that lies. Arm one: `mocklend faults on cache.bounded_stale "
            "--lag-s 60`, or PUT /-/rules/{id}."
        )
    armed = [rule for rule in known if rule["state"] == "armed"]
    if not armed:
        states = ", ".join(sorted({str(rule["state"]) for rule in known}))
        return f"None of the {_rules(len(known))} is armed now: {states}. `mocklend faults list` shows them."
    evaluated, matched, selected = (sum(rule[name] for rule in known) for name in ("evaluated", "matched", "selected"))
    if not evaluated:
        return f"No request has met a rule yet: {_rules(len(armed))} armed. {LET_SOMETHING_HAPPEN}"
    if not matched:
        return (
            f"No request has met a rule's conditions yet: events looked at {evaluated}, matched 0. "
            "`mocklend faults explain ID` (GET /-/explain) says of each why not."
        )
    if not selected:
        return (
            f"No request has been hit by a rule yet: events matched {matched}, selected 0, by their probability or "
            f"limits. {LET_SOMETHING_HAPPEN}"
        )
    return (
        f"No rule had anything to change yet: events selected {selected}, changed 0. "
        "`mocklend faults explain ID` (GET /-/explain) says of each why."
    )


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count} rules"
