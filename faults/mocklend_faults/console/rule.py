"""The page Rule: from evaluated to injected with the reasons between, what was drawn, and the events that it met."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.forms import back, curl, sandbox_path
from mocklend.console.visit import act, formats, open_snapshot, visit
from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.language import message
from mocklend.storage.entities import Loan
from mocklend.storage.snapshot import Snapshot
from mocklend_faults.console.rules_shown import (
    catalogue,
    conditions,
    kind_shown,
    layer,
    rules_shown,
    title_of,
    values,
    warnings_of,
    whom_and_how_often,
)
from mocklend_faults.console.snippets import pytest_test
from mocklend_faults.console.words import (
    LIMIT_NAMES,
    OUTCOME_NAMES,
    SEAM_EVENTS,
    STATES,
    VERDICT_NAMES,
    VERDICT_SENTENCES,
    VIEW_NAMES,
)
from mocklend_faults.engine.answer_key import effects_of
from mocklend_faults.engine.commands import DeleteRule, PatchRule
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.rule_history import RuleHistory, rule_history
from mocklend_faults.engine.rule_sets import armable
from mocklend_faults.engine.rules import Rule, unknown
from mocklend_faults.engine.trail import (
    EVENTS_MAX,
    INJECTED,
    LIMITED,
    NOT_DRAWN,
    NOT_MATCHED,
    WINDOW_CLOSED,
)

EVENTS_SHOWN = 50
DRAWS_SHOWN = 200
DRAWN_WIDTH = 600
"""The width of the drawing of the draws, in its own units."""
SWITCH_AS_CURL = {True: message("Switch it on, as curl"), False: message("Switch it off, as curl")}
LONGEST_NUMBER = 15
"""Digits of an event's number in an address."""
NEWEST_LOAN = {
    "reference": "SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND reference = :named ORDER BY id LIMIT 1",
    "borrower_id": """SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND borrower_id = :named
        ORDER BY created_ms DESC, id LIMIT 1""",
}
"""The loan that a rule's condition names, by the field of the condition."""


def register(pages: Blueprint) -> None:
    """Add the pages of this module."""
    pages.add_url_rule("/rules/<rule_id>", view_func=rule)
    pages.add_url_rule("/rules/<rule_id>", view_func=change, methods=["POST"])


def change(rule_id: str) -> AnyResponse:
    """Switch a rule on or off, or delete it."""
    match request.form.get("do"):
        case "delete":
            act(DeleteRule(visit().sandbox_id, rule_id))
            return redirect(sandbox_path("faults.faults"), 303)
        case "on" | "off" as switch:
            act(PatchRule(visit().sandbox_id, rule_id, switch == "on"))
            return back()
        case other:
            raise Refused(
                "validation_failed", "this is no change of a rule", expected="on, off, delete", received=other
            )


def rule(rule_id: str) -> str:
    """One rule: from evaluated to injected, what was drawn, and the events that it met."""
    rules = {rule["id"]: rule for rule in rules_shown()}
    if rule_id not in rules:
        raise unknown(rule_id, rules)
    shown, outcome = rules[rule_id], request.args.get("outcome", "")
    before = request.args.get("before", "")
    history = None
    with open_snapshot() as snapshot:
        usable_here = [rule for rule in usable(stored_of(snapshot), catalogue()) if rule.id == rule_id]
        if usable_here:
            history = rule_history(
                usable_here[0],
                layer().events_of(visit().sandbox_id),
                outcome=outcome if outcome in OUTCOME_NAMES else None,
                before=whole_number(before, LONGEST_NUMBER),
                limit=EVENTS_SHOWN,
                draws_max=DRAWS_SHOWN,
            )
        effects = effects_of(snapshot, _injections(history))
        tried = _tried(snapshot, usable_here)
    here = visit()
    document = armable(shown)
    switch = {"enabled": not shown["enabled"]}
    body = {name: part for name, part in document.items() if name != "id"}
    draws = history.draws if history else ()
    probability = shown["select"]["probability"]
    kind = kind_shown(shown["fault"]) if shown["fault"] in catalogue() else None
    return render_template(
        "rule.html",
        as_curl=[
            (message("Arm it, as curl"), curl("PUT", f"/-/rules/{rule_id}", body)),
            (SWITCH_AS_CURL[switch["enabled"]], curl("PATCH", f"/-/rules/{rule_id}", switch)),
            (message("Delete it, as curl"), curl("DELETE", f"/-/rules/{rule_id}")),
        ],
        as_pytest=pytest_test(rule_id, body),
        below=sum(u < threshold for u, threshold in draws),
        draws=draws,
        events=[
            {**event, "said": _why(event, kind), "changed": effects.get(str(event.get("injection")), "")}
            for event in (history.page if history else ())
        ],
        events_max=EVENTS_MAX,
        events_named=[here.text(SEAM_EVENTS.get(seam, seam)) for seam in (kind["seams"] if kind else ())],
        history=history,
        kind=kind,
        outcome=outcome,
        outcomes=OUTCOME_NAMES,
        probability=probability,
        reasons=_reasons(history, kind) if history else {},
        rule=shown,
        sent=json.dumps(document, indent=1, ensure_ascii=False),
        states=STATES,
        threshold_x=round(DRAWN_WIDTH * float(str(probability)), 1),
        title=title_of(shown),
        tried=tried,
        in_words=_in_words,
        verdicts=VERDICT_NAMES,
        verdict_sentences=VERDICT_SENTENCES,
        views=VIEW_NAMES,
        warnings=warnings_of(shown),
        whom=whom_and_how_often(shown),
    )


def _injections(history: RuleHistory | None) -> list[str]:
    return [str(event["injection"]) for event in (history.page if history else ()) if "injection" in event]


def _tried(snapshot: Snapshot, rules: list[Rule]) -> Loan | None:
    """The one loan for which a rule acts, if its conditions name one."""
    for condition in rules[0].match.conditions if rules else ():
        if condition.operator == "equal_to" and condition.field == "loan_id":
            return snapshot.find(Loan, str(condition.operand))
        if condition.operator == "equal_to" and condition.field in NEWEST_LOAN:
            ids = snapshot.ids(NEWEST_LOAN[condition.field], named=str(condition.operand))
            return snapshot.get(Loan, ids[0]) if ids else None
    return None


def _reasons(history: RuleHistory, kind: KindDoc | None) -> Mapping[str, list[str]]:
    """Why events fell out of the funnel, by the step that they did not reach, those that came most first."""
    return {"matched": list(_unmatched(history, kind)), "selected": list(_unselected(history))}


def _unmatched(history: RuleHistory, kind: KindDoc | None) -> Iterator[str]:
    here, write = visit(), formats()
    titles = {field["name"]: field["title"] for field in kind["match"]} if kind else {}
    for had in history.unmatched:
        value = here.text("nothing") if had.value is None else values(had.field, had.value)
        field = titles.get(had.field, had.field)
        yield here.text("{field} {value}: {count}", field=field, value=value, count=write.number(had.count))
    if closed := history.outcomes[WINDOW_CLOSED]:
        yield here.text("outside of its window: {count}", count=write.number(closed))


def _unselected(history: RuleHistory) -> Iterator[str]:
    here, write = visit(), formats()
    if undrawn := history.outcomes[NOT_DRAWN]:
        yield here.text("not drawn: {count}", count=write.number(undrawn))
    for limit, count in history.limits.most_common():
        yield here.text("{name}: {value}", name=here.text(LIMIT_NAMES.get(limit, limit)), value=write.number(count))


def _in_words(said: Mapping[str, object]) -> dict[str, object]:
    """The values of a reason of lint, with words for the codes that the page has words for."""
    names = {**VERDICT_NAMES, **LIMIT_NAMES}
    return {name: visit().text(names[str(value)]) if str(value) in names else value for name, value in said.items()}


def _why(event: Mapping[str, object], kind: KindDoc | None) -> str:
    """Why a rule had its outcome on an event."""
    here, outcome = visit(), event["outcome"]
    u, threshold = (f"{event.get(name, 0):.6f}" for name in ("u", "threshold"))
    if outcome == NOT_DRAWN:
        return here.text("u = {u} is not below {threshold}", u=u, threshold=threshold)
    if outcome == INJECTED:
        return here.text("u = {u} is below {threshold}", u=u, threshold=threshold)
    if outcome == NOT_MATCHED:
        field, had, wanted = str(event["field"]), event["had"], event["wanted"]
        assert isinstance(wanted, Mapping)
        shown = here.text("nothing") if had is None else values(field, had)
        title = next((each["title"] for each in (kind["match"] if kind else ()) if each["name"] == field), field)
        return here.text("{field} is {had}, wanted {wanted}", field=title, had=shown, wanted=conditions(field, wanted))
    if outcome == LIMITED:
        limit = str(event["limit"])
        return here.text("not allowed by a limit: {limit}", limit=here.text(LIMIT_NAMES.get(limit, limit)))
    return ""
