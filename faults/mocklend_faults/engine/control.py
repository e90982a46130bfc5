"""The fault layer's endpoints: the kinds, the rules and the answer key. Drawn as the platform draws its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from apiflask import APIBlueprint
from flask import Response
from pydantic import StrictBool, create_model

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import lender, run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Id, PageSize, Text
from mocklend.api.lists import Paged, cursor_of, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.sandboxes.moments import rfc3339
from mocklend_faults.engine.answer_key import STATUSES, Entry, find, stream
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PatchRule, PutRule
from mocklend_faults.engine.control_scores import add_scores
from mocklend_faults.engine.layer import Tally, stored_of, tallies
from mocklend_faults.engine.rules import Rule, unknown

if TYPE_CHECKING:
    from mocklend_faults.engine.layer import FaultLayer

Section = dict[str, Any] | None

# `with` is a word of Python's own, so this model cannot be written as a class.
_RULE_FIELDS: dict[str, Any] = {
    "fault": (Annotated[str, Text(200)], ...),
    "id": (Id | None, None),
    "match": (Section, None),
    "activate": (Section, None),
    "select": (Section, None),
    "with": (Section, None),
    "expect": (Section, None),
    "enabled": (StrictBool | None, None),
}
_RULE_DOC = "A fault, and whom it hits, when, how often and how. Only `fault` is needed."
NewRule = create_model("NewRule", __base__=Body, __doc__=_RULE_DOC, **_RULE_FIELDS)


class RulePatch(Body):
    """Switch a rule on or off. To change anything else, put it again."""

    enabled: StrictBool


class KeyQuery(Paged):
    """Which entries. `entity` is the seam's or the finding's. As `jsonl` they come all, a line each."""

    limit: PageSize = 500
    format: Annotated[str, Choice(("json", "jsonl"))] = "json"
    status: Annotated[str, Choice(STATUSES)] | None = None
    entity: Id | None = None
    loan_id: Id | None = None


class FaultDoc(Doc):
    """A kind of fault: its story, where it acts, its settings, and the class of break that it makes."""

    id: str
    story: str
    seams: list[str]
    settings: list[dict[str, Any]]
    finding: str


class FaultList(Doc):
    """Every kind that is installed."""

    faults: list[FaultDoc]


class RuleDoc(Doc):
    """A rule and what it has done. `state`: armed, waiting, expired, disabled, or unavailable (kind not installed)."""

    id: str
    fault: str
    match: dict[str, Any]
    activate: dict[str, Any]
    select: dict[str, Any]
    expect: dict[str, Any]
    enabled: bool
    armed_at: str
    state: str
    evaluated: int
    matched: int
    selected: int
    injected: int


class RuleList(Doc):
    """The sandbox's rules, in the order in which they act."""

    rules: list[RuleDoc]


class Halted(Doc):
    """The rules that were on."""

    halted: list[str]


class EntryDoc(Doc):
    """One injection: what was true, what was served, and what a reconciler should find."""

    injection: str
    rule: str
    fault: str
    seam: str
    entity: str
    loan_id: str
    occurrence: int
    at: str
    effect: str
    truth: dict[str, Any]
    served: dict[str, Any]
    amount_minor: int
    currency: str
    visible_from: str
    visible_until: str | None
    expected: dict[str, Any]
    status: Annotated[str, Choice(STATUSES)]
    status_reason: str | None
    ended_at: str | None


class AnswerKey(Doc):
    """A page of the answer key, in canonical order."""

    entries: list[EntryDoc]
    next_cursor: str | None


LINES = "application/jsonl"


def _or_lines(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation, whose 200 may also be lines of JSON."""
    lines = {"description": "A page; with `format=jsonl`, all.", "content": {LINES: {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: lines, **operation["responses"]}}


def blueprint(layer: FaultLayer) -> APIBlueprint:
    """The endpoints of one layer."""
    rules = APIBlueprint("faults", __name__)

    @rules.get("/-/faults")
    @rules.output(FaultList)
    @rules.doc(**described("listFaults"))
    def list_faults() -> Response:
        """The kinds of fault, with their settings."""
        return rendered({"faults": [kind.describe() for kind in layer.catalogue.values()]})

    @rules.get("/-/rules")
    @rules.output(RuleList)
    @rules.doc(**described("listRules"))
    def list_rules() -> Response:
        """Every rule with its counters."""
        return rendered({"rules": _told(layer)})

    @rules.get("/-/rules/<id:rule_id>")
    @rules.output(RuleDoc)
    @rules.doc(**described("getRule", "rule_unknown"))
    def get_rule(rule_id: str) -> Response:
        """A rule with its counters."""
        for told in _told(layer):
            if told["id"] == rule_id:
                return rendered(told)
        raise unknown(rule_id)

    @rules.put("/-/rules/<id:rule_id>")
    @rules.input(NewRule, arg_name="new")
    @rules.output(RuleDoc, status_code=201)
    @rules.doc(**described("putRule", "fault_unknown", may_be_200=True))
    def put_rule(rule_id: str, new: Body) -> Response:
        """Arm a rule. The same again changes nothing; another one in its place counts anew."""
        given = {name: value for name, value in new if value is not None}
        answer = run(PutRule(sandbox_id(), Rule.from_json(rule_id, given, layer.catalogue)))
        return rendered(_told_one(layer, answer.body), answer.status)

    @rules.patch("/-/rules/<id:rule_id>")
    @rules.input(RulePatch, arg_name="patch")
    @rules.output(RuleDoc)
    @rules.doc(**described("patchRule", "rule_unknown"))
    def patch_rule(rule_id: str, patch: RulePatch) -> Response:
        """Switch a rule on or off."""
        answer = run(PatchRule(sandbox_id(), rule_id, patch.enabled))
        return rendered(_told_one(layer, answer.body), answer.status)

    @rules.delete("/-/rules/<id:rule_id>")
    @rules.output({}, status_code=204)
    @rules.doc(**described("deleteRule", "rule_unknown"))
    def delete_rule(rule_id: str) -> Response:
        """Forget a rule. What it injected stays on the answer key."""
        return answered(run(DeleteRule(sandbox_id(), rule_id)))

    @rules.post("/-/rules/halt")
    @rules.output(Halted)
    @rules.doc(**described("haltRules"))
    def halt_rules() -> Response:
        """Switch every rule off, at once."""
        return answered(run(HaltRules(sandbox_id())))

    @rules.get("/-/answer-key")
    @rules.input(KeyQuery, location="query", arg_name="query")
    @rules.output(AnswerKey)
    @rules.doc(**_or_lines(described("getAnswerKey")))
    def get_answer_key(query: KeyQuery) -> Response:
        """Which answers were lies, and what the truth was."""
        entries = partial(stream, status=query.status, entity=query.entity, loan_id=query.loan_id)
        if query.format == "jsonl":
            return _exported(query.cursor, entries)
        with snapshot() as (connection, sandbox, now_ms):
            after = find(connection, sandbox, now_ms, place(query.cursor)) if query.cursor is not None else None
            if query.cursor is not None and after is None:
                raise field_problem("cursor", "a next_cursor of this list", query.cursor)
            page = list(islice(entries(connection, sandbox, now_ms, after=after), query.limit + 1))
        told = [entry.to_json() for entry in page[: query.limit]]
        next_cursor = cursor_of(page[query.limit - 1].injection) if len(page) > query.limit else None
        return rendered({"entries": told, "next_cursor": next_cursor})

    add_scores(rules, layer)
    return rules


def _exported(cursor: str | None, entries: Callable[..., Iterator[Entry]]) -> Response:
    """The whole key, a line of JSON each, while it is read: memory stays bounded."""
    if cursor is not None:
        raise field_problem("cursor", "no cursor with jsonl, which is not in pages", cursor)
    sandbox, platform = sandbox_id(), lender()

    def lines() -> Iterator[bytes]:
        with platform.read() as connection:
            now_ms = platform.sandbox(connection, sandbox).now_ms(platform.real_ms())
            for entry in entries(connection, sandbox, now_ms):
                yield orjson.dumps(entry.to_json(), option=orjson.OPT_APPEND_NEWLINE)

    return Response(lines(), content_type=LINES)


def _told(layer: FaultLayer) -> list[dict[str, Any]]:
    with snapshot() as (connection, sandbox, now_ms):
        stored, counted = stored_of(connection, sandbox), tallies(connection, sandbox)
    return [_doc(layer, one, counted, now_ms) for one in stored]


def _told_one(layer: FaultLayer, stored: dict[str, Any]) -> dict[str, Any]:
    with snapshot() as (connection, sandbox, now_ms):
        return _doc(layer, stored, tallies(connection, sandbox), now_ms)


def _doc(
    layer: FaultLayer, stored: dict[str, Any], counted: dict[tuple[str, int], Tally], now_ms: int
) -> dict[str, Any]:
    rule: dict[str, Any] = stored["rule"]
    known = rule["fault"] in layer.catalogue
    tally = counted.get((stored["id"], stored["revision"]), Tally())
    return rule | {
        "armed_at": rfc3339(stored["armed_ms"]),
        "state": Rule.from_stored(stored, layer.catalogue).state(now_ms) if known else "unavailable",
        "evaluated": tally.evaluated,
        "matched": tally.matched,
        "selected": tally.selected,
        "injected": tally.injected,
    }
