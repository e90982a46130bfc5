"""The page Faults: the armed rules with their counters, the catalogue, a form for a rule, and the profile."""

from __future__ import annotations

import json

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.forms import Filled, back, curl, sandbox_path
from mocklend.console.visit import act, open_snapshot, visit
from mocklend.console.words import ABOUT
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.seams.edges import Edge
from mocklend_faults.api.kinds import kind_doc
from mocklend_faults.console.rule_form import (
    NUMBERS,
    Form,
    errors_by_field,
    form_of_kind,
    form_of_rule,
    rule_of_form,
)
from mocklend_faults.console.rules_shown import (
    FIRST,
    catalogue,
    kind_shown,
    rules_shown,
    title_of,
    warnings_of,
    whom_and_how_often,
)
from mocklend_faults.console.snippets import pytest_test
from mocklend_faults.console.trying import is_for_one_loan, try_on_one_loan
from mocklend_faults.console.words import CATALOGUE, CHAINS, STATES, UNIT_NAMES, VERDICT_NAMES, VIEW_NAMES
from mocklend_faults.engine.commands import HaltRules, PutRule
from mocklend_faults.engine.described import KindDoc
from mocklend_faults.engine.loaded_rules import stored_of
from mocklend_faults.engine.profiles import PutProfile, profile_named, profile_of, profiles
from mocklend_faults.engine.rule_sets import armable
from mocklend_faults.engine.rules import CountedRule, Rule

LIMIT_FIELDS = {name for name in NUMBERS if name.startswith("select.") and name != "select.probability"}
SHOWN = ("curl", "pytest")
"""What the form can be shown as, instead of being sent."""


def register(pages: Blueprint) -> None:
    """Add the pages of this module."""
    pages.add_url_rule("/faults", view_func=faults)
    pages.add_url_rule("/faults", view_func=arm, methods=["POST"])
    pages.add_url_rule("/faults/profile", view_func=profile, methods=["POST"])
    pages.add_url_rule("/faults/halt", view_func=halt, methods=["POST"])


def faults() -> str | AnyResponse:
    """The armed rules, the catalogue, and the form of one kind, or of a rule that is to be changed."""
    rules = rules_shown()
    changed = {rule["id"]: rule for rule in rules}.get(request.args.get("rule", ""))
    if changed is not None and not _fits_the_form(changed):
        return redirect(sandbox_path("faults.rule_import", rule=changed["id"]))
    kind = kind_shown(changed["fault"] if changed is not None else request.args.get("kind", FIRST))
    form = form_of_kind(kind, [rule["id"] for rule in rules]) if changed is None else form_of_rule(changed)
    return _page(rules, kind, form, Filled())


def arm() -> AnyResponse | str | tuple[str, int]:
    """Arm the rule of the form, for all or for one loan, or show the command or the test that arms it."""
    kind = kind_shown(request.form.get("fault", ""))
    form = request.form.to_dict(flat=False)
    rule_id, body = request.form.get("id", "").strip(), rule_of_form(form, kind)
    try:
        rule = Rule.from_json(rule_id, body, catalogue())
        if "show" in request.form:
            return _page(rules_shown(), kind, form, Filled())
        if "try" in request.form:
            try_on_one_loan(kind, rule_id, body)
        else:
            act(PutRule(visit().sandbox_id, rule))
    except Refused as refused:
        names = {*NUMBERS, *form, *(f"match.{field['name']}" for field in kind["match"])}
        errors = errors_by_field(refused.ids.get("errors", ()), names - {"fault"})
        filled = Filled(request.form.to_dict(), errors, refused)
        return _page(rules_shown(), kind, form, filled), refused.problem.status
    return redirect(sandbox_path("faults.rule", rule_id=rule_id), 303)


def profile() -> AnyResponse | tuple[str, int] | str:
    """Switch to the profile of the form, or show the command that does."""
    name = request.form.get("name", "")
    filled = Filled(request.form.to_dict())
    try:
        armed = profile_named(name).armed(catalogue(), f"{name}.")
        if "show" not in request.form:
            act(PutProfile(visit().sandbox_id, name, tuple(armed)))
            return redirect(sandbox_path("faults.faults"), 303)
    except Refused as refused:
        if refused.code == "profile_unknown":
            wrong: FieldErrorDoc = {"field": "name", "expected": ", ".join(profiles()), "received": name[:80]}
            filled = Filled(request.form.to_dict(), {"name": wrong}, refused)
        else:
            filled = Filled(request.form.to_dict(), {}, refused)
    rules = rules_shown()
    kind = kind_shown(FIRST)
    page = _page(rules, kind, form_of_kind(kind, [rule["id"] for rule in rules]), filled, profile_open=True)
    return (page, filled.refused.problem.status) if filled.refused else page


def halt() -> AnyResponse:
    """Switch every rule off."""
    act(HaltRules(visit().sandbox_id))
    return back()


def _fits_the_form(rule: CountedRule) -> bool:
    """Whether the form has a field for all that a rule says; else its JSON is changed, so that nothing gets lost."""
    if rule["fault"] not in catalogue():
        return False
    body = rule_of_form(form_of_rule(rule), kind_shown(rule["fault"]))
    return armable(Rule.from_json(rule["id"], body, catalogue()).to_json()) == armable(rule)


def _page(rules: list[CountedRule], kind: KindDoc, form: Form, filled: Filled, *, profile_open: bool = False) -> str:
    find = request.args.get("q", "").strip().lower()
    kinds = [kind_doc(each, visit().language) for each in catalogue().values()]
    wanted = [each for each in kinds if find in f"{each['id']} {each['title']}".lower()]
    body = rule_of_form(form, kind)
    rule_id = next(iter(form.get("id", [])), "")
    fields = {"id", "select.unit", *NUMBERS, *(f"with.{setting['name']}" for setting in kind["settings"])}
    fields |= {f"match.{field['name']}" for field in kind["match"]}
    with open_snapshot() as snapshot:
        profile_on = profile_of(stored_of(snapshot))
    chosen = filled.values.get("name", profile_on) if profile_open else profile_on
    return render_template(
        "faults.html",
        as_curl=curl("PUT", f"/-/rules/{rule_id}", body),
        as_pytest=pytest_test(rule_id, body),
        body=json.dumps(body, indent=1, ensure_ascii=False),
        chain=CHAINS[Edge(kind["edge"])],
        channel_names=ABOUT,
        count=len(kinds),
        elsewhere=[] if profile_open else [error for name, error in filled.errors.items() if name not in fields],
        filled=filled,
        find=find,
        form=form,
        groups_of_kinds=[(title, [each for each in wanted if each["edge"] in edges]) for title, edges in CATALOGUE],
        halt_as_curl=curl("POST", "/-/rules/halt"),
        is_for_one_loan=is_for_one_loan(kind),
        kind=kind,
        limited=any(any(form[name]) for name in form if name in LIMIT_FIELDS),
        more_conditions=any(
            name.startswith("match.") and any(form[name])
            for name in form
            if name not in ("match.channel", "match.loan_id")
        ),
        profile_as_curl=curl("PUT", "/-/profile", {"name": chosen}),
        profile_chosen=chosen,
        profile_on=profile_on,
        profile_open=profile_open,
        profiles=[
            (each.name, each.title, each.story, len(each.to_json(catalogue())["rules"])) for each in profiles().values()
        ],
        rules=[
            {**rule, "title": title_of(rule), "whom": whom_and_how_often(rule), "warnings": warnings_of(rule)}
            for rule in rules
        ],
        show=next((show for show in SHOWN if show == request.form.get("show")), ""),
        since=min((rule["armed_at"] for rule in rules), default=None),
        states=STATES,
        units=UNIT_NAMES,
        verdicts=VERDICT_NAMES,
        views=VIEW_NAMES,
    )
