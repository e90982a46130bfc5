"""The fault layer's endpoints: the kinds, the rules and the answer key. Drawn as the platform draws its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from apiflask import APIBlueprint
from flask import Response
from pydantic import StrictBool, create_model
from sqlalchemy import Connection

from mocklend.api.answers import answered, in_full, rendered
from mocklend.api.asking import lender, run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Id, PageSize, Text
from mocklend.api.lists import Paged, cursor_of, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.domain.problems import Refused
from mocklend.sandboxes.moments import rfc3339
from mocklend.storage.work import Nudge
from mocklend_faults.engine import experiments
from mocklend_faults.engine.answer_key import STATUSES, find, pages, stream
from mocklend_faults.engine.commands import DeleteRule, HaltRules, PatchRule, PutRule
from mocklend_faults.engine.control_scores import add_scores
from mocklend_faults.engine.counting import Tally, tallies
from mocklend_faults.engine.experiments import DeleteExperiment, Experiment, PutExperiment
from mocklend_faults.engine.explain import explained
from mocklend_faults.engine.header import arm_from_header
from mocklend_faults.engine.hints import no_lies
from mocklend_faults.engine.layer import stored_of, usable
from mocklend_faults.engine.lint import EXACT, Linted, Warned, lint
from mocklend_faults.engine.profiles import GROUP as PROFILE
from mocklend_faults.engine.profiles import PutProfile, profile_named, profile_of, profiles
from mocklend_faults.engine.rules import Rule, unknown
from mocklend_faults.engine.trail import EVENTS_MOST

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


class NewProfile(Body):
    """Which profile."""

    name: Id


class ProfileDoc(Doc):
    """The profile that is on, and the ids of its rules."""

    name: str
    rules: list[str]


class ProfileList(Doc):
    """Every profile, with the rules that it arms here."""

    profiles: list[dict[str, Any]]


class NewExperiment(Body):
    """A plan: stages that follow each other, each with a name, a duration, and rules or a profile."""

    stages: list[dict[str, Any]]


class ExperimentDoc(Doc):
    """An experiment: which stage is running, and from when to when each does. `running` is null when all is over."""

    id: str
    running: str | None
    stages: list[dict[str, Any]]


class ExperimentList(Doc):
    """The sandbox's experiments."""

    experiments: list[ExperimentDoc]


class ExplainQuery(Body):
    """Whose story: an entity's (a loan, a repayment, a receipt, an edit, by its id), a loan's, a request's, or of each.

    `request_id` is what the answer had in the header `Mocklend-Request-Id`, and what `GET /-/requests` lists.
    """

    entity: Id | None = None
    loan_id: Id | None = None
    request_id: Id | None = None


class ExplanationDoc(Doc):
    """For each rule, each event of the story that is still known, how far it came with the rule, and why no further."""

    rules: list[dict[str, Any]]
    events_known: int
    events_kept_most: int


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
    """A rule and what it has done. `state`: armed, waiting, expired, disabled, or unavailable (kind not installed).

    `lint` says whether its injections can be repeated (exact, order_dependent, time_dependent) and warns of what it
    cannot do."""

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
    lint: dict[str, Any]


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
    """A page of the answer key, in canonical order. `hint` says why the whole key is empty, where it is."""

    entries: list[EntryDoc]
    next_cursor: str | None
    hint: str | None


RULE = {"fault": "cache.bounded_stale", "select": {"probability": 0.1}, "with": {"lag_s": 60}}
PLAN = {"stages": [{"name": "storm", "duration_s": 600, "rules": {"pages": RULE}}]}
A_RULE, A_PLAN = {"rule_id": "stale-pages"}, {"experiment_id": "storm"}
"""Examples of the documentation."""

LINES = "application/jsonl"


def _or_lines(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation, whose 200 may also be lines of JSON."""
    lines = {"description": "A page; with `format=jsonl`, all.", "content": {LINES: {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: lines, **operation["responses"]}}


UNAVAILABLE = Linted(EXACT, EXACT, (), (Warned("unavailable", "the kind is not installed here, so it cannot act"),))


def blueprint(layer: FaultLayer) -> APIBlueprint:
    """The endpoints of one layer."""
    rules = APIBlueprint("faults", __name__)
    rules.before_app_request(lambda: arm_from_header(layer.catalogue))

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
    @rules.doc(**described("getRule", "rule_unknown", parameters=A_RULE))
    def get_rule(rule_id: str) -> Response:
        """A rule with its counters."""
        return rendered(_told_one(layer, rule_id))

    @rules.put("/-/rules/<id:rule_id>")
    @rules.input(NewRule, arg_name="new")
    @rules.output(RuleDoc, status_code=201)
    @rules.doc(
        **described("putRule", "fault_unknown", "too_many_rules", may_be_200=True, example=RULE, parameters=A_RULE)
    )
    def put_rule(rule_id: str, new: Body) -> Response:
        """Arm a rule. The same again changes nothing; another one in its place counts anew."""
        given = {name: value for name, value in new if value is not None}
        answer = run(PutRule(sandbox_id(), Rule.from_json(rule_id, given, layer.catalogue)))
        return rendered(_told_one(layer, rule_id), answer.status)

    @rules.patch("/-/rules/<id:rule_id>")
    @rules.input(RulePatch, arg_name="patch")
    @rules.output(RuleDoc)
    @rules.doc(**described("patchRule", "rule_unknown", example={"enabled": False}, parameters=A_RULE))
    def patch_rule(rule_id: str, patch: RulePatch) -> Response:
        """Switch a rule on or off."""
        answer = run(PatchRule(sandbox_id(), rule_id, patch.enabled))
        return rendered(_told_one(layer, rule_id), answer.status)

    @rules.delete("/-/rules/<id:rule_id>")
    @rules.output({}, status_code=204)
    @rules.doc(**described("deleteRule", "rule_unknown", parameters=A_RULE))
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
    @rules.doc(**_or_lines(described("getAnswerKey", "conflict")))
    def get_answer_key(query: KeyQuery) -> Response:
        """Which answers were lies, and what the truth was."""
        if query.format == "jsonl":
            return _exported(query)
        entries = partial(stream, status=query.status, entity=query.entity, loan_id=query.loan_id)
        with snapshot() as (connection, sandbox, now_ms):
            after = find(connection, sandbox, now_ms, place(query.cursor)) if query.cursor is not None else None
            if query.cursor is not None and after is None:
                raise field_problem("cursor", "a next_cursor of this list", query.cursor)
            page = list(islice(entries(connection, sandbox, now_ms, after=after), query.limit + 1))
            empty = not page and next(stream(connection, sandbox, now_ms), None) is None
        told = [entry.to_json() for entry in page[: query.limit]]
        next_cursor = cursor_of(page[query.limit - 1].injection) if len(page) > query.limit else None
        hint = no_lies(_told(layer)) if empty else None
        return rendered({"entries": told, "next_cursor": next_cursor, "hint": hint})

    add_scores(rules, lambda: _told(layer))

    @rules.get("/-/profiles")
    @rules.output(ProfileList)
    @rules.doc(**described("listProfiles"))
    def list_profiles() -> Response:
        """The profiles, with their rules."""
        return rendered({"profiles": [one.to_json(layer.catalogue) for one in profiles().values()]})

    @rules.get("/-/profile")
    @rules.output(ProfileDoc)
    @rules.doc(**described("getProfile"))
    def get_profile() -> Response:
        """The profile that is on."""
        with snapshot() as (connection, sandbox, _):
            stored = stored_of(connection, sandbox)
        name = profile_of(stored)
        ids = [one["id"] for one in stored if one.get("group") == f"{PROFILE}{name}"]
        return rendered({"name": name, "rules": ids})

    @rules.put("/-/profile")
    @rules.input(NewProfile, arg_name="new")
    @rules.output(ProfileDoc)
    @rules.doc(**described("putProfile", "profile_unknown", "too_many_rules", example={"name": "realistic"}))
    def put_profile(new: NewProfile) -> Response:
        """Switch to a profile. Rules that were armed by hand stay."""
        armed = profile_named(new.name).armed(layer.catalogue, f"{new.name}.")
        return answered(run(PutProfile(sandbox_id(), new.name, tuple(armed))))

    @rules.get("/-/experiments")
    @rules.output(ExperimentList)
    @rules.doc(**described("listExperiments"))
    def list_experiments() -> Response:
        """Every experiment, and what it is at."""
        return rendered({"experiments": _experiments()})

    @rules.get("/-/experiments/<id:experiment_id>")
    @rules.output(ExperimentDoc)
    @rules.doc(**described("getExperiment", "experiment_unknown", parameters=A_PLAN))
    def get_experiment(experiment_id: str) -> Response:
        """An experiment, and what it is at."""
        return rendered(_experiment(experiment_id))

    @rules.put("/-/experiments/<id:experiment_id>")
    @rules.input(NewExperiment, arg_name="new")
    @rules.output(ExperimentDoc, status_code=201)
    @rules.doc(
        **described(
            "putExperiment", "fault_unknown", "profile_unknown", "too_many_rules", "too_many_experiments",
            may_be_200=True, example=PLAN, parameters=A_PLAN,
        )
    )  # fmt: skip
    def put_experiment(experiment_id: str, new: NewExperiment) -> Response:
        """Start an experiment, now. The same again changes nothing; another one in its place starts anew."""
        plan = Experiment.from_json(experiment_id, new.model_dump(), layer.catalogue)
        experiments.refuse_too_many(one["id"] for one in _experiments() if one["id"] != experiment_id)
        answer = run(PutExperiment(sandbox_id(), plan))
        return rendered(_experiment(experiment_id), answer.status)

    @rules.delete("/-/experiments/<id:experiment_id>")
    @rules.output({}, status_code=204)
    @rules.doc(**described("deleteExperiment", "experiment_unknown", parameters=A_PLAN))
    def delete_experiment(experiment_id: str) -> Response:
        """Forget an experiment and its rules."""
        _experiment(experiment_id)  # Refused with the names that there are.
        return answered(run(DeleteExperiment(sandbox_id(), experiment_id)))

    @rules.get("/-/explain")
    @rules.input(ExplainQuery, location="query", arg_name="query")
    @rules.output(ExplanationDoc)
    @rules.doc(**described("explain", parameters={"entity": "rpy_of_a_repayment"}))
    def explain(query: ExplainQuery) -> Response:
        """Why each rule fired on an entity, or on what a request led to, or did not."""
        if query.entity is None and query.loan_id is None and query.request_id is None:
            raise field_problem("entity", "an entity, a loan_id or a request_id", None)
        with snapshot() as (connection, sandbox, _):
            armed = usable(stored_of(connection, sandbox), layer.catalogue)
        whose = (query.entity, query.loan_id, query.request_id)
        events = [one for one in layer.events_of(sandbox) if one.is_about(*whose)]
        document = {"rules": explained(armed, events), "events_known": len(events), "events_kept_most": EVENTS_MOST}
        return rendered(document)

    return rules


def _exported(query: KeyQuery) -> Response:
    """The whole key, a line of JSON each, as it stood when this began: see `pages` for what is promised.

    It is read in short transactions and kept in a file, and sent once it is whole: a client that does not read holds
    up nobody.
    """
    if query.cursor is not None:
        raise field_problem("cursor", "no cursor with jsonl, which is not in pages", query.cursor)
    id, platform = sandbox_id(), lender()
    with platform.read() as connection:
        began = platform.sandbox(connection, id)

    @contextmanager
    def same_life() -> Iterator[Connection]:
        with platform.read() as connection:
            if platform.sandbox(connection, id).resets != began.resets:
                raise Refused("conflict", "the sandbox was emptied while its answer key was read", sandbox_id=id)
            yield connection

    wanted = {"status": query.status, "entity": query.entity, "loan_id": query.loan_id}
    found = pages(same_life, id, began.now_ms(platform.real_ms()), **wanted)
    lines = (orjson.dumps(one.to_json(), option=orjson.OPT_APPEND_NEWLINE) for page in found for one in page)
    return in_full(lines, LINES)


def _told(layer: FaultLayer) -> list[dict[str, Any]]:
    if layer.write_counts(sandbox_id()):
        with suppress(Refused):  # Where the platform is too busy, it tells what was written by now.
            run(Nudge(sandbox_id()))
    with snapshot() as (connection, sandbox, now_ms):
        stored = stored_of(connection, sandbox)
        rules = usable(stored, layer.catalogue)
        counted = tallies(connection, sandbox, stored, rules)
        mode = lender().sandbox(connection, sandbox).mode
    known, linted = {rule.id: rule for rule in rules}, lint(rules, mode=mode)
    return [_doc(one, known.get(one["id"]), counted[one["id"]], now_ms, linted) for one in stored]


def _experiments() -> list[dict[str, Any]]:
    with snapshot() as (connection, sandbox, now_ms):
        stored = stored_of(connection, sandbox)
        return [experiments.told(one, now_ms, stored) for one in experiments.started_of(connection, sandbox)]


def _experiment(id: str) -> dict[str, Any]:
    known = {one["id"]: one for one in _experiments()}
    if id not in known:
        raise experiments.unknown(id, known)
    return known[id]


def _told_one(layer: FaultLayer, rule_id: str) -> dict[str, Any]:
    known = {told["id"]: told for told in _told(layer)}
    if rule_id not in known:
        raise unknown(rule_id, known)
    return known[rule_id]


def _doc(
    stored: dict[str, Any],
    rule: Rule | None,
    tally: Tally,
    now_ms: int,
    linted: Mapping[str, Linted],
) -> dict[str, Any]:
    told: dict[str, Any] = stored["rule"] | {
        "armed_at": rfc3339(stored["armed_ms"]),
        "state": rule.state(now_ms) if rule is not None else "unavailable",
        "evaluated": tally.evaluated,
        "matched": tally.matched,
        "selected": tally.selected,
        "injected": tally.injected,
        "lint": (linted[rule.id] if rule is not None else UNAVAILABLE).to_json(),
    }
    return told
