"""A rule: a fault that is armed, with the events that it matches, when it acts, how often, and its settings.

        {"fault": "cache.bounded_stale", "match": {"channel": "wallet"}, "activate": {"duration_s": 3600},
         "select": {"probability": 0.1}, "with": {"lag_s": 60}, "expect": {"severity": "minor"}}

Only `fault` is required. By default a rule acts on every event at its fault's seams, from its arming on, with the
default settings of the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, NotRequired, TypedDict

from pydantic import Field, StrictBool, WithJsonSchema

from mocklend.domain.finding import CLASSES
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import FieldError, Invalid, Refused
from mocklend.domain.sentences import SentenceDoc
from mocklend.validation import Body, Expecting, OneOf, Reader, attempt, bounded_str, invalid_fields, schema_of
from mocklend_faults.engine.activation import Activate
from mocklend_faults.engine.catalogue import Catalogue, find
from mocklend_faults.engine.fault import Fault, reader_of
from mocklend_faults.engine.matching import MATCH_SCHEMA, Match
from mocklend_faults.engine.selection import Select

RULE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
A_RULE_ID = "1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or a digit"
"""What an id of a rule is, in words: it stands in the address of the rule."""
RuleId = Annotated[str, bounded_str(64, pattern=RULE_ID.pattern), Expecting(A_RULE_ID)]
WITH_SCHEMA: JsonObject = {
    "type": "object",
    "description": "The settings of the kind: GET /-/faults lists each with its bounds.",
    "additionalProperties": {"type": ["integer", "string", "null"]},
}


RuleDoc = TypedDict(
    "RuleDoc",
    {
        "id": str,
        "fault": str,
        "match": dict[str, dict[str, object]],
        "activate": dict[str, object],
        "select": dict[str, object],
        "with": dict[str, int | str | None],
        "expect": dict[str, str],
        "enabled": bool,
    },
)
"""A rule as a client may send it again: `match` in the long form, `with` with the defaults."""


class StoredRule(TypedDict):
    """A rule as the database has it: its document, and when and in which version of the sandbox's rules it was armed.

    `armed_ms` is on the sandbox's clock, `zone` is the sandbox's. `group` names the profile, experiment or header that
    armed it; a rule that was armed by hand has none. `on` lists the versions in which it was on, as
    `[first, last or null]`; the last item of the list may be open.
    """

    id: str
    rule: RuleDoc
    armed_ms: int
    revision: int
    zone: NotRequired[str]
    group: NotRequired[str]
    on: NotRequired[list[list[int | None]]]


class WarningDoc(TypedDict):
    """A warning of `lint`."""

    code: str
    detail: str


class LintDoc(TypedDict):
    """What `lint` says about a rule: its verdict beside the other rules and alone, why, and its warnings."""

    verdict: str
    alone: str
    reasons: list[str]
    sentences: list[SentenceDoc]
    warnings: list[WarningDoc]


class CountedRule(RuleDoc):
    """A rule as the control API returns it: with its state, its counters and its lint."""

    armed_at: str
    state: str
    evaluated: int
    matched: int
    selected: int
    injected: int
    lint: LintDoc


class ExpectBody(Body):
    """What a reconciler should report, where it differs from what the seam says."""

    finding_class: Annotated[str, OneOf(tuple(sorted(CLASSES)))] | None = Field(
        default=None, alias="class", description="The finding class."
    )
    severity: Annotated[str, bounded_str(40, shortest=0)] | None = Field(
        default=None, description="The severity, in a word of your choice."
    )


class RuleBody(Body):
    """A fault, the events that it changes, when, how often, and its settings. Only `fault` is required."""

    fault: Annotated[str, bounded_str(200)] = Field(description="The kind of fault, by its name in GET /-/faults.")
    id: RuleId | None = Field(default=None, description="The rule's id, as in the path; optional.")
    match: Annotated[JsonObject, WithJsonSchema(MATCH_SCHEMA)] | None = Field(
        default=None, description="Which events the rule matches; all if not given."
    )
    activate: Activate | None = Field(default=None, description="When the rule acts; always if not given.")
    select: Select | None = Field(default=None, description="How often the rule acts; every time if not given.")
    settings: Annotated[JsonObject, WithJsonSchema(WITH_SCHEMA)] | None = Field(
        default=None, alias="with", description="The settings of the kind, as GET /-/faults lists them."
    )
    expect: ExpectBody | None = Field(
        default=None, description="What a reconciler should report, where it differs from what the seam says."
    )
    enabled: StrictBool | None = Field(default=None, description="False: the rule is stored switched off.")


BODY = Reader(RuleBody)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a sandbox. `revision` is the version of the sandbox's rules that armed it; counters belong to it."""

    id: str
    fault: Fault
    match: Match = field(default_factory=Match)
    activate: Activate = field(default_factory=Activate)
    select: Select = field(default_factory=Select)
    expect: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    armed_ms: int = 0
    revision: int = 0
    zone: str = "UTC"  # the sandbox's, for a schedule

    @classmethod
    def from_json(cls, id: str, raw: object, catalogue: Catalogue) -> Rule:
        """Read a rule as a client sends it. Raises Refused `validation_failed` (every wrong field), `fault_unknown`."""
        return cls.from_body(id, BODY.read(raw), catalogue)

    @classmethod
    def from_body(cls, id: str, body: RuleBody, catalogue: Catalogue) -> Rule:
        """The rule of a validated body. Raises Refused `validation_failed` for its kind of fault, `fault_unknown`."""
        try:
            return cls.parse(id, body, catalogue)
        except Invalid as wrong:
            raise invalid_fields(wrong) from None

    @classmethod
    def parse(cls, id: str, body: RuleBody, catalogue: Catalogue) -> Rule:
        """The same, for a part of a larger body. Raises Invalid with every wrong field; Refused `fault_unknown`."""
        if not RULE_ID.fullmatch(id):
            raise Invalid(FieldError("id", A_RULE_ID, id))
        if body.id not in (None, id):
            raise Invalid(FieldError("id", f"the id in the address, {id}", body.id))
        kind = find(catalogue, body.fault)
        errors: list[FieldError] = []
        fault = attempt("with", partial(reader_of(kind).parse, body.settings or {}), errors)
        match = attempt("match", partial(Match.parse, body.match or {}, kind.seams()), errors)
        if fault is None or match is None:
            raise Invalid(*errors)
        return cls(
            id=id,
            fault=fault,
            match=match,
            activate=body.activate or Activate(),
            select=body.select or Select(),
            expect={} if body.expect is None else body.expect.model_dump(by_alias=True, exclude_none=True),
            enabled=body.enabled is not False,
        )

    def to_json(self) -> RuleDoc:
        """The rule as a client may send it again."""
        return {
            "id": self.id,
            "fault": self.fault.name,
            "match": self.match.to_json(),
            "activate": self.activate.to_json(),
            "select": self.select.to_json(),
            "with": self.fault.to_json(),
            "expect": dict(self.expect),
            "enabled": self.enabled,
        }

    @classmethod
    def from_stored(cls, stored: StoredRule, catalogue: Catalogue) -> Rule:
        """Read a rule as the database has it. Raises as `from_json` does."""
        rule = cls.from_json(stored["id"], stored["rule"], catalogue)
        return replace(
            rule, armed_ms=stored["armed_ms"], revision=stored["revision"], zone=stored.get("zone", rule.zone)
        )

    def to_stored(self) -> StoredRule:
        """The rule as the database has it."""
        return {
            "id": self.id,
            "rule": self.to_json(),
            "armed_ms": self.armed_ms,
            "revision": self.revision,
            "zone": self.zone,
        }

    def state(self, now_ms: int) -> str:
        """`disabled`, `waiting` for its start or its schedule, `armed`, or `expired`."""
        start, end = self.activate.window(self.armed_ms)
        if not self.enabled:
            return "disabled"
        if end is not None and now_ms >= end:
            return "expired"
        return "armed" if now_ms >= start and self.activate.open(now_ms, self.zone) else "waiting"


def unknown(rule_id: str, ids: Iterable[str] = ()) -> Refused:
    """The refusal `rule_unknown`, with the most similar of these ids."""
    detail = f"no rule {rule_id[:64]!r}{did_you_mean(rule_id, ids)}"
    return Refused("rule_unknown", detail, rule_id=rule_id[:64])


def rule_schema(catalogue: Catalogue) -> JsonObject:
    """The JSON Schema of a rule, with the settings of each of these kinds, for editors."""
    schema = schema_of(RuleBody)
    schema["properties"]["fault"] |= {"enum": list(catalogue)}
    schema["allOf"] = [
        {
            "if": {"properties": {"fault": {"const": name}}, "required": ["fault"]},
            "then": {"properties": {"with": {"anyOf": [kind.settings_schema(), {"type": "null"}]}}},
        }
        for name, kind in catalogue.items()
    ]
    return schema
