"""What to do if the answer key is empty, or a score has nothing to demand: hints for a new user."""

from __future__ import annotations

from collections.abc import Iterable

from mocklend_faults.engine.rules import CountedRule

LET_SOMETHING_HAPPEN = "Let something happen (`mocklend live`, or borrow and repay over /v1), then ask again."
OVER_BY_ITSELF = (
    "Every injection so far ended by itself, was visible in a single answer only, or is not visible yet: none has to "
    "be found. Arm a fault that lasts, such as callback.dropped, or demand also what was visible for at least some "
    "seconds: `min_visible_s`, --min-visible-s on the command line."
)


def why_empty(documents: Iterable[CountedRule]) -> str:
    """Why there is no injection yet, from the rules as `GET /-/rules` returns them, and what to do."""
    rules = list(documents)
    if not rules:
        return (
            "No rule is armed, so nothing is injected. Arm one: `mocklend faults on cache.bounded_stale "
            "--lag-s 60`, or PUT /-/rules/{id}."
        )
    armed = [rule for rule in rules if rule["state"] == "armed"]
    if not armed:
        states = ", ".join(sorted({rule["state"] for rule in rules}))
        return f"None of the {_rules(len(rules))} is armed now: {states}. `mocklend faults list` shows them."
    evaluated = sum(rule["evaluated"] for rule in rules)
    matched = sum(rule["matched"] for rule in rules)
    selected = sum(rule["selected"] for rule in rules)
    if not evaluated:
        return f"No request has met a rule yet: {_rules(len(armed))} armed. {LET_SOMETHING_HAPPEN}"
    if not matched:
        return (
            f"No request has met a rule's conditions yet: events evaluated {evaluated}, matched 0. "
            "`mocklend faults explain ID` (GET /-/explain) says why, for each event."
        )
    if not selected:
        return (
            f"No request has been selected by a rule yet: events matched {matched}, selected 0, because of the "
            f"probability or the limits. {LET_SOMETHING_HAPPEN}"
        )
    return (
        f"No rule had anything to change yet: events selected {selected}, changed 0. "
        "`mocklend faults explain ID` (GET /-/explain) says why, for each event."
    )


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count} rules"
