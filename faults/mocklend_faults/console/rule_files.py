"""Rules as JSON: the export of all rules, and the import, which arms all that is pasted or uploaded, or nothing."""

from __future__ import annotations

import json

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.json_body import parse
from mocklend.api.problems import field_problem
from mocklend.console.forms import Filled, curl, sandbox_path
from mocklend.console.visit import act, visit
from mocklend.domain.problems import FieldErrorDoc, Refused
from mocklend.received import BODY_MAX
from mocklend_faults.console.rules_shown import catalogue, rules_shown
from mocklend_faults.engine.commands import PutRules
from mocklend_faults.engine.rule_sets import BODY, read_rule_set, rule_set

EXAMPLE = '{"rules": [{"id": "lost", "fault": "callback.dropped", "select": {"probability": 0.1}}]}'
COUNTED = ("armed_at", "state", "evaluated", "matched", "selected", "injected", "lint")
"""What GET /-/rules says of a rule beside what arms it. Pasted with it, it is left out."""
FILE_NAME = "rules.json"


def register(pages: Blueprint) -> None:
    """Add the pages of this module."""
    pages.add_url_rule("/faults/import", "rule_import", show_import)
    pages.add_url_rule("/faults/import", "arm_all", arm_all, methods=["POST"])
    pages.add_url_rule("/faults/rules.json", "rule_export", export)


def export() -> Response:
    """All rules, as the import and POST /-/rules take them."""
    response = Response(_written(rule_set(rules_shown())), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response


def show_import() -> str:
    """The form, with the rules that are armed, or one of them: what is in it can be changed and armed again."""
    only = request.args.get("rule")
    rules = [rule for rule in rules_shown() if only in (None, rule["id"])]
    return _page(_written(rule_set(rules)) if rules else "", Filled())


def arm_all() -> AnyResponse | str | tuple[str, int]:
    """Arm all rules that were pasted or uploaded, or none of them, or show the command that arms them."""
    typed = _typed()
    try:
        document = _document(typed)
        rules = read_rule_set(BODY.read(document), catalogue())
        if "show" in request.form:
            return _page(typed, Filled(), curl("POST", "/-/rules", document))
        act(PutRules(visit().sandbox_id, rules))
    except Refused as refused:
        errors: dict[str, FieldErrorDoc] = {error["field"]: error for error in refused.ids.get("errors", ())}
        if not errors:
            errors = {"": {"field": "", "expected": _expected(refused), "received": refused.detail}}
        return _page(typed, Filled({}, errors, refused)), refused.problem.status
    return redirect(sandbox_path("faults.faults"), 303)


def _typed() -> str:
    """The text of the file that was chosen, else the one that was typed."""
    uploaded = request.files.get("file")
    if uploaded is not None and uploaded.filename:
        return str(uploaded.read(), "utf-8", "replace")
    return request.form.get("rules", "")


def _document(typed: str) -> dict[str, object]:
    """The body of POST /-/rules: of a list of rules, of an object with `rules`, or of one rule. Raises Refused."""
    if not typed.strip():
        raise field_problem("rules", EXAMPLE, "nothing")
    body = typed.encode("utf-8", "replace")
    if len(body) > BODY_MAX:
        raise Refused("body_too_large", f"more than {BODY_MAX} bytes", expected=BODY_MAX, received=len(body))
    read = parse(body)
    if isinstance(read, dict) and "rules" not in read and "fault" in read:
        read = [read]
    document = {"rules": read} if isinstance(read, list) else read
    if not isinstance(document, dict):
        raise field_problem("rules", EXAMPLE, typed[:80])
    listed = document.get("rules")
    if isinstance(listed, list):
        document = {**document, "rules": [_without_counters(rule) for rule in listed]}
    return document


def _without_counters(rule: object) -> object:
    return {name: part for name, part in rule.items() if name not in COUNTED} if isinstance(rule, dict) else rule


def _expected(refused: Refused) -> str:
    return EXAMPLE if refused.expected is None else str(refused.expected)


def _written(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


def _page(typed: str, filled: Filled, as_curl: str = "") -> str:
    return render_template("rule_import.html", as_curl=as_curl, example=EXAMPLE, filled=filled, typed=typed)
