"""The pages Faults and Rule: the armed rules with their counters, the catalogue, a form for a rule, and its events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.forms import Filled, back, curl, sandbox_path
from mocklend.console.visit import open_snapshot, platform, require_teacher, visit
from mocklend.domain.problems import Refused
from mocklend.seams.edges import Edge
from mocklend.storage.work import NoOp
from mocklend_faults.api.kinds import kind_doc
from mocklend_faults.api.this_layer import layer_of
from mocklend_faults.console.rule_form import (
    NUMBERS,
    Form,
    errors_by_field,
    form_of_kind,
    form_of_rule,
    rule_of_form,
)
from mocklend_faults.console.words import (
    CATALOGUE,
    CHAINS,
    NEVER_EVALUATED,
    OTHER_WARNING,
    OUTCOME_NAMES,
    STATES,
    UNIT_NAMES,
    VERDICT_NAMES,
    VERDICT_SENTENCES,
    VIEW_NAMES,
    WARNINGS,
)
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PatchRule, PutRule
from mocklend_faults.engine.counted_rules import counted_rules
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.explain import explain_rules
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.loaded_rules import stored_of, usable
from mocklend_faults.engine.rules import CountedRule, Rule, unknown
from mocklend_faults.engine.selection import LIMITS
from mocklend_faults.engine.trail import EVENTS_MAX, INJECTED, LIMITED, NOT_DRAWN, NOT_MATCHED

fault_pages = Blueprint("faults", __name__, template_folder="templates")

FIRST = "callback.dropped"
"""The kind that is shown where none is chosen."""
SENT = ("fault", "match", "activate", "select", "with")
"""The parts of a rule's document that arm it."""
EVENTS_SHOWN = 50
DRAWS_SHOWN = 200


@fault_pages.before_request
def only_with_the_truth() -> AnyResponse | None:
    """Rules are the teacher's, and are not shown while the truth is hidden."""
    require_teacher()
    if not visit().truth:
        return redirect(sandbox_path("loans.loans"), 303)
    return None


@fault_pages.get("/faults")
def faults() -> str:
    """The armed rules, the catalogue, and the form of one kind."""
    rules = _rules()
    changed = {rule["id"]: rule for rule in rules}.get(request.args.get("rule", ""))
    kind = _kind(changed["fault"] if changed is not None else request.args.get("kind", FIRST))
    form = form_of_kind(kind, [rule["id"] for rule in rules]) if changed is None else form_of_rule(changed)
    return _page(rules, kind, form, Filled())


@fault_pages.post("/faults")
def arm() -> AnyResponse | str | tuple[str, int]:
    """Arm the rule of the form, or show what would be sent."""
    kind = _kind(request.form.get("fault", ""))
    form = request.form.to_dict(flat=False)
    rule_id, body = request.form.get("id", "").strip(), rule_of_form(form, kind)
    try:
        rule = Rule.from_json(rule_id, body, _layer().catalogue)
        if "show" in request.form:
            return _page(_rules(), kind, form, Filled())
        platform().run(PutRule(visit().sandbox_id, rule))
    except Refused as refused:
        names = {*NUMBERS, *form, *(f"match.{field['name']}" for field in kind["match"])}
        errors = errors_by_field(refused.ids.get("errors", ()), names)
        filled = Filled(request.form.to_dict(), errors, refused)
        return _page(_rules(), kind, form, filled), refused.problem.status
    return redirect(sandbox_path("faults.rule", rule_id=rule_id), 303)


@fault_pages.post("/faults/halt")
def halt() -> AnyResponse:
    """Switch every rule off."""
    platform().run(HaltRules(visit().sandbox_id))
    return back()


@fault_pages.post("/rules/<rule_id>")
def change(rule_id: str) -> AnyResponse:
    """Switch a rule on or off, or delete it."""
    match request.form.get("do"):
        case "delete":
            platform().run(DeleteRule(visit().sandbox_id, rule_id))
            return redirect(sandbox_path("faults.faults"), 303)
        case "on" | "off" as switch:
            platform().run(PatchRule(visit().sandbox_id, rule_id, switch == "on"))
            return back()
        case other:
            raise Refused(
                "validation_failed", "this is no change of a rule", expected="on, off, delete", received=other
            )


@fault_pages.get("/rules/<rule_id>")
def rule(rule_id: str) -> str:
    """One rule: from evaluated to injected, what was drawn, and the events that it met."""
    rules = {rule["id"]: rule for rule in _rules()}
    if rule_id not in rules:
        raise unknown(rule_id, rules)
    outcome = request.args.get("outcome", "")
    with open_snapshot() as snapshot:
        armed = [rule for rule in usable(stored_of(snapshot), _layer().catalogue) if rule.id == rule_id]
    events = _layer().events_of(visit().sandbox_id)
    met = explain_rules(armed, events, limit=EVENTS_SHOWN, outcome=outcome if outcome in OUTCOME_NAMES else None)
    drawn = explain_rules(armed, events, limit=DRAWS_SHOWN)
    shown = met[0]["events"][::-1] if met else []
    return render_template(
        "rule.html",
        draws=[event for event in (drawn[0]["events"] if drawn else []) if "u" in event],
        events=[{**event, "said": _why(event)} for event in shown],
        events_max=EVENTS_MAX,
        kind=_kind(rules[rule_id]["fault"]) if rules[rule_id]["fault"] in _layer().catalogue else None,
        outcome=outcome,
        outcomes=OUTCOME_NAMES,
        probability=rules[rule_id]["select"]["probability"],
        rule=rules[rule_id],
        sent=json.dumps(
            {name: rules[rule_id][name] for name in ("fault", "match", "activate", "select", "with")}, indent=1
        ),
        states=STATES,
        verdicts=VERDICT_NAMES,
        verdict_sentences=VERDICT_SENTENCES,
        warnings=_warnings(rules[rule_id]),
        whom=_whom(rules[rule_id]),
    )


def _layer() -> FaultLayer:
    return layer_of(platform())


def _rules() -> list[CountedRule]:
    """The rules with their counters, after those that are in memory are written."""
    layer, sandbox_id = _layer(), visit().sandbox_id
    if layer.write_counts(sandbox_id):
        with suppress(Refused):  # If the platform is too busy, the counters are those that are written already.
            platform().run(NoOp(sandbox_id))
    with open_snapshot() as snapshot:
        return counted_rules(snapshot, layer.catalogue)


def _kind(name: str) -> KindDoc:
    catalogue = _layer().catalogue
    kind = catalogue.get(name) or catalogue.get(FIRST) or next(iter(catalogue.values()))
    return kind_doc(kind, visit().language)


def _page(rules: list[CountedRule], kind: KindDoc, form: Form, filled: Filled) -> str:
    find = request.args.get("q", "").strip().lower()
    kinds = [kind_doc(each, visit().language) for each in _layer().catalogue.values()]
    wanted = [each for each in kinds if find in f"{each['id']} {each['title']}".lower()]
    body = rule_of_form(form, kind)
    rule_id = next(iter(form.get("id", [])), "")
    return render_template(
        "faults.html",
        body=json.dumps(body, indent=1, ensure_ascii=False),
        chain=CHAINS[Edge(kind["edge"])],
        command=curl("PUT", f"/-/rules/{rule_id}", body),
        filled=filled,
        find=find,
        form=form,
        groups_of_kinds=[(title, [each for each in wanted if each["edge"] in edges]) for title, edges in CATALOGUE],
        kind=kind,
        count=len(kinds),
        more_conditions=any(
            name.startswith("match.") and any(form[name])
            for name in form
            if name not in ("match.channel", "match.loan_id")
        ),
        rules=[{**rule, "title": _title(rule), "whom": _whom(rule), "warnings": _warnings(rule)} for rule in rules],
        states=STATES,
        units=UNIT_NAMES,
        verdicts=VERDICT_NAMES,
        views=VIEW_NAMES,
    )


def _title(rule: CountedRule) -> str:
    kind = _layer().catalogue.get(rule["fault"])
    return rule["fault"] if kind is None else visit().text(kind.title)


def _whom(rule: CountedRule) -> str:
    """Whom a rule hits and how often, in a few words; conditions and settings by their names."""
    here = visit()
    parts = [f"{name}: {_listed(value)}" for name, operators in rule["match"].items() for value in operators.values()]
    parts.append(here.text("p = {p}", p=rule["select"]["probability"]))
    parts += [f"{name} {value}" for name, value in rule["with"].items() if value is not None]
    parts += [f"{name} {value}" for name, value in rule["select"].items() if name in LIMITS]
    return here.text(", ").join(parts)


def _warnings(rule: CountedRule) -> list[str]:
    """What may not be intended with a rule, in sentences."""
    here = visit()
    said = [here.text(WARNINGS.get(warning["code"], OTHER_WARNING)) for warning in rule["lint"]["warnings"]]
    if not rule["evaluated"]:
        said.append(here.text(NEVER_EVALUATED))
    return said


def _why(event: Mapping[str, object]) -> str:
    """Why a rule had its outcome on an event."""
    here, outcome = visit(), event["outcome"]
    u, threshold = (f"{event.get(name, 0):.6f}" for name in ("u", "threshold"))
    if outcome == NOT_DRAWN:
        return here.text("u = {u} is not below {threshold}", u=u, threshold=threshold)
    if outcome == INJECTED:
        return here.text("u = {u} is below {threshold}", u=u, threshold=threshold)
    if outcome == NOT_MATCHED:
        field, had, wanted = event["field"], event["had"], event["wanted"]
        assert isinstance(wanted, Mapping)
        operands = ", ".join(f"{name} {_listed(value)}" for name, value in wanted.items())
        return here.text("{field} is {had}, wanted {wanted}", field=field, had=had, wanted=operands)
    if outcome == LIMITED:
        return here.text("the limit {limit} does not allow it", limit=event["limit"])
    return ""


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
